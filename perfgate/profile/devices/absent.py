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

AcceleratorKind: TypeAlias = Literal["cuda", "npu"]

_NODES: Mapping[AcceleratorKind, str] = {"cuda": "nvidia[0-9]*", "npu": "davinci[0-9]*"}


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

    def has_node(self, kind: AcceleratorKind) -> bool:
        """Whether the kernel offers such a device here, usable or not."""
        return any((self.root / "dev").glob(_NODES[kind]))


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
    if "CUDA_VISIBLE_DEVICES" in around.environ:
        return _hidden("cuda", "CUDA_VISIBLE_DEVICES", around)
    if around.has_node("cuda"):
        return _none(
            "no cuda device: the machine has an NVIDIA GPU, but CUDA cannot use it" + around.said,
            "Run nvidia-smi there: the driver must be loaded and support CUDA "
            f"{torch.version.cuda}, which this torch is built for.",
        )
    if (around.root / "proc/driver/nvidia").is_dir():
        return _none(
            "no cuda device: the machine's NVIDIA driver is loaded, but there is no /dev/nvidia0: "
            "this container was given no GPU",
            "Start the container with --gpus all (Kubernetes: a limit of nvidia.com/gpu). GitHub's "
            "Docker actions get none: use perfgate/host in a job whose container has the GPU.",
        )
    return _none(
        "no cuda device: this machine has no NVIDIA driver" + around.said,
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
    if "ASCEND_RT_VISIBLE_DEVICES" in around.environ:
        return _hidden("npu", "ASCEND_RT_VISIBLE_DEVICES", around)
    if around.has_node("npu"):
        return _none(
            "no npu device: the machine has an Ascend NPU, but CANN cannot use it" + around.said,
            "Run npu-smi info there, and check that CANN, the driver and torch_npu belong to one "
            "release.",
        )
    return _none(
        "no npu device: there is no /dev/davinci0 or other NPU here" + around.said,
        "Run on a machine with an Ascend NPU. A container needs --device /dev/davinci0, "
        "/dev/davinci_manager, /dev/devmm_svm, /dev/hisi_hdc and the driver's libraries mounted.",
    )


def _hidden(kind: AcceleratorKind, variable: str, around: Surroundings) -> DeviceError:
    value = around.environ[variable][:80]
    return _none(
        f"no {kind} device: {variable}={value!r} leaves this process none" + around.said,
        f"Unset {variable}, or name a device there that exists.",
    )


def _none(problem: str, fix: str) -> DeviceError:
    return DeviceError(problem, fix=f"{fix} To measure on the CPU ask for cpu.")
