"""An Ascend NPU as a device, by way of torch_npu's torch.npu. Imports neither: torch is handed in.

It has been run against a stand-in backend only, never on an NPU.
"""

from __future__ import annotations

from typing import ClassVar

from perfgate.profile.devices.accelerator import Accelerator
from perfgate.profile.devices.device import Capability, DeviceKind


class NpuDevice(Accelerator):
    """One NPU, with the index that ASCEND_RT_VISIBLE_DEVICES leaves it."""

    __slots__ = ()
    kind: ClassVar[DeviceKind] = "npu"

    def capability(self) -> Capability:
        """``version`` is the chip, which is also the name that CANN gives the device."""
        return Capability(
            version=self.name(),
            fast_dtype="bfloat16" if self._module.is_bf16_supported() else "float16",
            memory_bytes=self._memory_bytes(),
            graphs=hasattr(self._module, "NPUGraph"),
        )
