"""What CUDA and Ascend share: torch gives both the same functions under another name.

The functions are those of the kind's own module (``torch.cuda``, ``torch.npu``). torch.accelerator
would cover both too, but its memory functions are younger than the oldest torch that perfgate runs
with, and need an allocator that an extension may not have registered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from perfgate.profile.devices.device import DeviceKind, MemoryReading
from perfgate.profile.memory import peak_resident_mib

_BYTES_PER_MIB = 1024.0 * 1024.0


@dataclass(frozen=True, slots=True)
class QueueEvent:
    """A point in a device's queue; ``recorded`` is torch's own event."""

    recorded: Any

    def elapsed_ms(self, later: QueueEvent, /) -> float:
        """By the device's clock, about 0.5 µs fine (CUDA's cudaEventElapsedTime)."""
        return float(self.recorded.elapsed_time(later.recorded))


@dataclass(frozen=True, kw_only=True, slots=True)
class Accelerator:
    """One device of a kind; ``torch`` is the module, which :mod:`.opening` imports and checks."""

    kind: ClassVar[DeviceKind]
    torch: Any = field(repr=False)
    index: int

    @property
    def torch_device(self) -> str:
        return f"{self.kind}:{self.index}"

    def name(self) -> str:
        return str(self._module.get_device_name(self.index))

    def count(self) -> int:
        return int(self._module.device_count())

    def synchronise(self) -> None:
        self._module.synchronize(self.index)

    def event(self) -> QueueEvent:
        event = self._module.Event(enable_timing=True)
        event.record(self._module.current_stream(self.index))
        return QueueEvent(event)

    def memory(self) -> MemoryReading:
        module, index = self._module, self.index
        return MemoryReading(
            allocated_mb=module.memory_allocated(index) / _BYTES_PER_MIB,
            reserved_mb=module.memory_reserved(index) / _BYTES_PER_MIB,
            peak_allocated_mb=module.max_memory_allocated(index) / _BYTES_PER_MIB,
            peak_reserved_mb=module.max_memory_reserved(index) / _BYTES_PER_MIB,
            peak_host_mb=peak_resident_mib(),
        )

    def reset_peak_memory(self) -> None:
        self._module.reset_peak_memory_stats(self.index)

    def seed(self, seed: int) -> None:
        self.torch.manual_seed(seed)  # seeds every device's generator as well as the CPU's

    def _memory_bytes(self) -> int:
        return int(self._module.get_device_properties(self.index).total_memory)

    @property
    def _module(self) -> Any:  # noqa: ANN401 - torch.cuda or torch.npu
        return getattr(self.torch, self.kind)
