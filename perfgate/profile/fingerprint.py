"""Says which machine and software a measurement belongs to. Never imports torch, reads no argv.

The ``describe_…`` functions are pure; :func:`fingerprint_of` also reads this machine. What must
match is what moves times and does not move by itself; everything else that is known is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from perfgate.errors import DeviceError
from perfgate.profile.ascend import AscendFacts, NpuFacts, ask_npu_smi, read_ascend
from perfgate.profile.devices.device import DeviceKind
from perfgate.profile.host import HostFacts, read_accelerators, read_host
from perfgate.profile.nvidia import GpuFacts, NvidiaFacts, read_nvidia
from perfgate.profile.nvml import Nvml
from perfgate.profile.processor import (
    cpu_flags,
    cpu_id,
    cpu_model,
    model_slug,
    ranges,
    usable_cores,
)
from perfgate.profile.visible import VARIABLES, visible_gpus, visible_npus
from perfgate.records import Fingerprint

SWITCHES: Final = (
    *("OMP_NUM_THREADS", "OMP_PROC_BIND", "OMP_PLACES", "OMP_DYNAMIC", "OMP_WAIT_POLICY"),
    *("MKL_NUM_THREADS", "MKL_DYNAMIC", "MKL_ENABLE_INSTRUCTIONS", "MKL_CBWR"),
    *("KMP_AFFINITY", "KMP_BLOCKTIME", "KMP_SETTINGS", "GOMP_CPU_AFFINITY", "GOMP_SPINCOUNT"),
    *("OPENBLAS_NUM_THREADS", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"),
    *("CUDA_LAUNCH_BLOCKING", "CUDA_DEVICE_MAX_CONNECTIONS", "CUDA_MODULE_LOADING"),
    *("CUDA_DEVICE_ORDER", "CUDA_FORCE_PTX_JIT", "NVIDIA_TF32_OVERRIDE"),
    *("CUBLAS_WORKSPACE_CONFIG", "CUBLASLT_WORKSPACE_SIZE"),
    *("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_NPU_ALLOC_CONF"),
    *("PYTORCH_NO_CUDA_MEMORY_CACHING", "PYTORCH_NO_NPU_MEMORY_CACHING"),
    *(
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
        "TORCH_BLAS_PREFER_CUBLASLT",
        "TORCH_LINALG_PREFER_CUSOLVER",
    ),
    *("TORCH_CUDNN_V8_API_DISABLED", "TORCH_CUDNN_V8_API_DEBUG", "TORCH_COMPILE_DISABLE"),
    *("TORCHDYNAMO_DISABLE", "TORCHINDUCTOR_MAX_AUTOTUNE", "TORCHINDUCTOR_FREEZING"),
    *("TORCHINDUCTOR_CPP_WRAPPER", "TORCHINDUCTOR_COORDINATE_DESCENT_TUNING"),
    *("TASK_QUEUE_ENABLE", "ASCEND_LAUNCH_BLOCKING", "CPU_AFFINITY_CONF", "COMBINED_ENABLE"),
    *("HCCL_OP_EXPANSION_MODE", "HCCL_DETERMINISTIC", "MULTI_STREAM_MEMORY_REUSE"),
    *("NCCL_P2P_DISABLE", "NCCL_P2P_LEVEL", "NCCL_ALGO", "NCCL_PROTO", "NCCL_SHM_DISABLE"),
)
"""Environment variables that change speed: the only ones whose values are ever kept, because any
other may hold a secret. A variable that is not set has no key, on either side of a comparison."""

_PACKAGES: Final[Mapping[DeviceKind, tuple[str, ...]]] = {
    "cpu": ("torch",),
    "cuda": ("torch", "triton"),
    "npu": ("torch", "torch_npu", "triton_ascend"),
}
_MAX_SWITCH_CHARS: Final = 200


def fingerprint_of(
    kind: DeviceKind,
    *,
    visible: tuple[int, ...] | None = None,
    environ: Mapping[str, str],
    root: Path = Path("/"),
    nvml: Nvml | None = None,
    ask_npu: Callable[[], str] = ask_npu_smi,
) -> Fingerprint:
    """The fingerprint of this machine for a job on ``kind``.

    ``visible`` are the indices of the devices that the job uses, as their driver counts them; by
    default all that the environment shows a process. Raises DeviceError where there is none.
    """
    host = read_host(environ, root=root)
    software = {**versions(*_PACKAGES[kind]), **switches(environ)}
    runner = environ.get("RUNNER_NAME", "")
    if kind == "cpu":
        return describe_cpu(host, software=software, runner_name=runner)
    if kind == "cuda":
        nvidia = read_nvidia(nvml)
        seen = visible_gpus(environ, nvidia.gpus) if visible is None else visible
        gpus = [gpu for gpu in nvidia.gpus if gpu.index in seen]
        if not gpus:
            raise _absent("cuda", nvidia.problem, environ)
        named = environ.get(VARIABLES["cuda"], "")
        return describe_cuda(
            host, nvidia, gpus, software=software, runner_name=runner, listed=named
        )
    ascend = read_ascend(environ, root=root, ask=ask_npu)
    count = len(ascend.npus) or read_accelerators(root=root).ascend_files
    indices = visible_npus(environ, count) if visible is None else visible
    if not indices:
        raise _absent("npu", ascend.problem, environ)
    return describe_npu(host, ascend, indices, software=software, runner_name=runner)


def describe_cpu(
    host: HostFacts, *, software: Mapping[str, str], runner_name: str = ""
) -> Fingerprint:
    """A job on the CPU. Its keys are those of stored baselines: a new one would void them all."""
    cores = usable_cores(host)
    return _fingerprint(
        f"cpu-{model_slug(cpu_model(host))}-x{cores}",
        must_match={**_cpu(host), "cores": str(cores), **software},
        told=_told_of_host(host, runner_name),
    )


def describe_cuda(
    host: HostFacts,
    nvidia: NvidiaFacts,
    gpus: Sequence[GpuFacts],
    *,
    software: Mapping[str, str],
    runner_name: str = "",
    listed: str = "",
) -> Fingerprint:
    """A job on ``gpus``; ``listed`` is CUDA_VISIBLE_DEVICES, which may name a part of one."""
    parts = [_part(gpu, listed) for gpu in gpus]
    names = [name for name, _ in parts]
    return _fingerprint(
        _key(names, vendor="nvidia"),
        must_match={
            **_cpu(host),
            "device_names": _several(names),
            "devices": str(len(gpus)),
            "device_memory": _several(_mib(total) for _, total in parts),
            "compute_capability": _several(gpu.capability for gpu in gpus),
            "driver": nvidia.driver,
            "cuda": nvidia.cuda,
            "mig": _several(gpu.mig for gpu in gpus),
            "ecc": _several(gpu.ecc for gpu in gpus),
            "power_limit": _several(_watts(gpu.power_limit_w) for gpu in gpus),
            "application_clocks": _several(gpu.application_clocks for gpu in gpus),
            **software,
        },
        told={
            **_told_of_host(host, runner_name),
            "device_uuids": " ".join(gpu.uuid for gpu in gpus),
            "device_indices": " ".join(str(gpu.index) for gpu in gpus),
            "persistence": _several(gpu.persistence for gpu in gpus),
            "pcie": _several(gpu.pcie for gpu in gpus),
            "max_clock": _several(_unit(gpu.max_clock_mhz, "MHz") for gpu in gpus),
            "default_power_limit": _several(_watts(gpu.default_power_limit_w) for gpu in gpus),
            "temperature": _several(_unit(gpu.temperature_c, "°C") for gpu in gpus),
        },
    )


def describe_npu(
    host: HostFacts,
    ascend: AscendFacts,
    indices: Sequence[int],
    *,
    software: Mapping[str, str],
    runner_name: str = "",
) -> Fingerprint:
    """A job on the devices ``indices``. One that npu-smi did not name is ``unknown``."""
    known = {npu.index: npu for npu in ascend.npus}
    npus: list[NpuFacts] = [known[index] for index in indices if index in known]
    names = [known[index].name if index in known else "unknown" for index in indices]
    return _fingerprint(
        _key(names, vendor="ascend"),
        must_match={
            **_cpu(host),
            "device_names": _several(names),
            "devices": str(len(indices)),
            "device_memory": _several(_unit(npu.memory_mb, "MB") for npu in npus),
            "driver": ascend.driver,
            "cann": ascend.cann,
            **software,
        },
        told={
            **_told_of_host(host, runner_name),
            "device_indices": " ".join(str(index) for index in indices),
            "device_health": _several(npu.health for npu in npus),
            "temperature": _several(_unit(npu.temperature_c, "°C") for npu in npus),
            "not_read": "; ".join(text for text in (ascend.problem, *ascend.unread) if text),
        },
    )


def switches(environ: Mapping[str, str]) -> dict[str, str]:
    """What is set of :data:`SWITCHES`, as keys of a fingerprint."""
    return {
        f"env.{name}": " ".join(environ[name].split())[:_MAX_SWITCH_CHARS]
        for name in SWITCHES
        if environ.get(name)
    }


def versions(*packages: str) -> dict[str, str]:
    """The versions of what is installed beside perfgate, without importing it."""
    found = {}
    for name in packages:
        try:
            found[f"{name}_version"] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _fingerprint(
    hardware_key: str, *, must_match: Mapping[str, str], told: Mapping[str, str]
) -> Fingerprint:
    return Fingerprint(
        hardware_key=hardware_key,
        must_match={"hardware_key": hardware_key, **{k: v for k, v in must_match.items() if v}},
        told={name: text for name, text in told.items() if text},
    )


def _key(names: Sequence[str], *, vendor: str) -> str:
    """``nvidia-h100-80gb-hbm3-x2``; a machine of several models has each with its count."""
    counted = Counter(_device_slug(name, vendor) for name in names)
    return "-".join(f"{slug}-x{count}" for slug, count in sorted(counted.items()))


def _device_slug(name: str, vendor: str) -> str:
    """The vendor stands first, once, and apart: ``Ascend910`` as well as ``910B3``."""
    slug = model_slug(name).removeprefix(vendor).lstrip("-")
    return f"{vendor}-{slug}"


def _part(gpu: GpuFacts, listed: str) -> tuple[str, int | None]:
    """Name and memory of the device, or of the one part of it that CUDA shows."""
    if not gpu.slices:
        return gpu.name, gpu.memory_bytes
    wanted = [name.strip() for name in listed.split(",") if name.strip().startswith("MIG-")]
    named = (one for one in gpu.slices for name in wanted if one.uuid.startswith(name))
    part = next(named, gpu.slices[0])
    return part.name, part.memory_bytes


def _cpu(host: HostFacts) -> dict[str, str]:
    return {
        "cpu_model": cpu_model(host),
        "cpu_id": cpu_id(host.cpuinfo),
        "architecture": host.architecture,
    }


def _told_of_host(host: HostFacts, runner_name: str) -> dict[str, str]:
    memory_max = host.memory_max_bytes
    return {
        "hostname": host.hostname,
        "runner": runner_name,
        "kernel": host.kernel,
        "governor": host.governor,
        "turbo": host.turbo,
        "smt": host.smt,
        "huge_pages": host.huge_pages,
        "numa_nodes": host.numa_nodes,
        "cpu_flags": " ".join(cpu_flags(host)),
        "cpu_max": " / ".join(host.cpu_max),
        "memory_max": _mib(memory_max),
        "affinity": ranges(host.affinity),
        "image": host.image,
        "python": host.python,
        "load_average": " ".join(f"{load:.2f}" for load in host.load_average),
    }


def _absent(kind: DeviceKind, problem: str, environ: Mapping[str, str]) -> DeviceError:
    variable = VARIABLES["cuda" if kind == "cuda" else "npu"]
    hidden = f", and {variable} is {environ[variable][:60]!r}" if variable in environ else ""
    return DeviceError(
        f"no {kind} device is visible here" + (f": {problem}" if problem else "") + hidden,
        fix="Run `perfgate doctor`, which says what is missing; --device cpu measures the CPU.",
    )


def _several(texts: Iterable[str]) -> str:
    """The different texts in their order, as one."""
    return " / ".join(dict.fromkeys(text for text in texts if text))


def _unit(number: float | None, unit: str) -> str:
    return "" if number is None else f"{number:g} {unit}"


def _watts(power_w: float | None) -> str:
    return _unit(power_w, "W")


def _mib(number_bytes: int | None) -> str:
    return "" if number_bytes is None else f"{number_bytes // 2**20} MiB"
