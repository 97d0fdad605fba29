"""Names all that may move the last digits of the same computation, for the output's fingerprint."""

from __future__ import annotations

import torch

from perfgate.profile.devices.device import Device


def build_of(device: Device, *, compiled: bool, more: tuple[str, ...] = ()) -> str:
    """torch, the device, its kernels and libraries, and the threads, in one text.

    ``more`` is named after torch.
    """
    parts = [f"torch {torch.__version__}", *more, f"{device.kind}: {device.name()}"]
    if device.kind == "cpu":
        parts.append(f"{torch.backends.cpu.get_cpu_capability()} kernels")
    if device.kind == "cuda":
        cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
        precision = torch.get_float32_matmul_precision()
        parts.append(f"CUDA {torch.version.cuda}, cuDNN {cudnn}, fp32 products {precision}")
    parts.append(f"{torch.get_num_threads()} threads")
    return ", ".join([*parts, "compiled"] if compiled else parts)
