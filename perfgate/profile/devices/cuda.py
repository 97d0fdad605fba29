"""An NVIDIA GPU as a device, by way of torch.cuda. Imports no torch: it is handed in."""

from __future__ import annotations

from typing import ClassVar, Literal

from perfgate.profile.devices.accelerator import Accelerator
from perfgate.profile.devices.device import Capability, DeviceKind


class CudaDevice(Accelerator):
    """One GPU, with the index that CUDA_VISIBLE_DEVICES leaves it."""

    __slots__ = ()
    kind: ClassVar[DeviceKind] = "cuda"

    def capability(self) -> Capability:
        major, minor = self._module.get_device_capability(self.index)
        return Capability(
            version=f"{major}.{minor}",
            fast_dtype=_fast_dtype(major),
            memory_bytes=self._memory_bytes(),
            graphs=True,
        )


def _fast_dtype(major: int) -> Literal["float32", "float16", "bfloat16"]:
    """bf16 matrix units begin with compute capability 8, fp16's with 7 (CUDA C++ guide)."""
    if major >= 8:
        return "bfloat16"
    return "float16" if major == 7 else "float32"
