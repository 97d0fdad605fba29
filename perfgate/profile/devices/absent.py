"""Says why an accelerator that was asked for is not there, and what to do. Reads, changes nothing.

The cases differ in their fix: the wrong build of torch, a machine without the device, a container
that was not given it, a variable that hides it, a driver that refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from perfgate.errors import DeviceError
from perfgate.profile.host import read_accelerators

AcceleratorKind: TypeAlias = Literal["cuda", "npu"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """Where the device would show: ``root`` holds ``/dev`` and ``/proc``; ``torch`` is the module.

    ``warning`` is what torch warned of when it was asked for the device.
    """

    torch: Any
    root: Path
    environ: Mapping[str, str]
    warning: str = ""

    @property
    def said(self) -> str:
        """The warning as the end of a sentence."""
        return f" ({self.warning})" if self.warning else ""

    def has_file(self, kind: AcceleratorKind) -> bool:
        """Whether the kernel offers such a device to this process, usable or not."""
        here = read_accelerators(root=self.root)
        return (here.nvidia_files if kind == "cuda" else here.ascend_files) > 0


def absent(kind: AcceleratorKind, around: Surroundings) -> DeviceError:
    """The error for a device of ``kind`` of which torch sees none."""
    return _no_cuda(around) if kind == "cuda" else _no_npu(around)


def _no_cuda(around: Surroundings) -> DeviceError:
    torch = around.torch
    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        return _none(
            f"no cuda device: torch {torch.__version__} is built without CUDA",
            "Install a CUDA build of this torch version that the machine's driver supports.",
        )
    here = read_accelerators(root=around.root)
    if here.nvidia_files:
        return _hidden("cuda", "CUDA_VISIBLE_DEVICES", around) or _none(
            "no cuda device: the machine has an NVIDIA GPU, but CUDA cannot use it" + around.said,
            "Run nvidia-smi there: the driver must be loaded and support CUDA "
            f"{torch.version.cuda}, which this torch is built for.",
        )
    if here.nvidia_on_bus or here.nvidia_driver:
        return _none(
            "no cuda device: the machine has an NVIDIA GPU, but there is no /dev/nvidia0: this "
            "container was given none, or the machine lacks the driver",
            "Start the container with --gpus all (Kubernetes: a limit of nvidia.com/gpu). GitHub's "
            "Docker actions get none: use perfgate/host in a job whose container has the GPU.",
        )
    return _none(
        "no cuda device: this machine has no NVIDIA GPU" + around.said,
        "Run on a machine with an NVIDIA GPU and its driver.",
    )


def _no_npu(around: Surroundings) -> DeviceError:
    version = around.torch.__version__
    if not hasattr(around.torch, "npu"):
        if around.environ.get("TORCH_DEVICE_BACKEND_AUTOLOAD", "1") != "1":
            return _none(
                "no npu device: TORCH_DEVICE_BACKEND_AUTOLOAD keeps torch from loading torch_npu",
                "Unset TORCH_DEVICE_BACKEND_AUTOLOAD.",
            )
        series = ".".join(version.split(".")[:2])
        return _none(
            f"no npu device: torch {version} knows none, because torch_npu is not installed",
            f"Install Ascend's CANN, and the torch_npu {series} that goes with this torch.",
        )
    here = read_accelerators(root=around.root)
    if here.ascend_files:
        return _hidden("npu", "ASCEND_RT_VISIBLE_DEVICES", around) or _none(
            "no npu device: the machine has an Ascend NPU, but CANN cannot use it" + around.said,
            "Run npu-smi info there, and check that CANN, the driver and torch_npu belong to one "
            "release.",
        )
    if here.ascend_on_bus:
        return _none(
            "no npu device: the machine has an Ascend NPU, but there is no /dev/davinci0: this "
            "container was given none, or the machine lacks the driver",
            "Start the container with --device /dev/davinci0, /dev/davinci_manager, "
            "/dev/devmm_svm and /dev/hisi_hdc, and with the driver's libraries mounted.",
        )
    return _none(
        "no npu device: this machine has no Ascend NPU" + around.said,
        "Run on a machine with an Ascend NPU and its driver.",
    )


def _hidden(kind: AcceleratorKind, variable: str, around: Surroundings) -> DeviceError | None:
    """The variable that hides the devices; not to blame where torch names another cause."""
    value = around.environ.get(variable)
    if value is None or around.warning:
        return None
    return _none(
        f"no {kind} device: {variable}={value[:80]!r} leaves this process none",
        f"Unset {variable}, or name a device there that exists.",
    )


def _none(problem: str, fix: str) -> DeviceError:
    return DeviceError(problem, fix=f"{fix} To measure on the CPU ask for cpu.")
