"""A device with a queue and a clock of its own, so that timing is tested without any time passing.

Handing work over takes the host next to nothing; the device works it off in order. An event can be
read only once the queue has passed it, as on a real device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from perfgate.errors import DeviceError
from perfgate.profile.devices.device import Capability, DeviceKind, MemoryReading

NS_PER_MS = 1_000_000


class Clock:
    """A host clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now_ns = 1_000

    def __call__(self) -> int:
        return self.now_ns

    def pass_ms(self, duration_ms: float) -> None:
        self.now_ns += int(duration_ms * NS_PER_MS)


@dataclass(frozen=True)
class QueuedEvent:
    """A point in the queue, reached at ``at_ns``."""

    clock: Clock
    at_ns: int

    def elapsed_ms(self, later: QueuedEvent, /) -> float:
        if max(self.at_ns, later.at_ns) > self.clock.now_ns:
            raise DeviceError("the event has not been reached", fix="Synchronise first.")
        return (later.at_ns - self.at_ns) / NS_PER_MS


class QueuedDevice:
    """One device whose queue and memory are numbers; ``waits`` counts its synchronises."""

    kind: ClassVar[DeviceKind] = "npu"
    index = 0
    torch_device = "npu:0"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.waits = 0
        self.allocated_mb = 0.0
        self.peak_allocated_mb = 0.0
        self.reading_takes_ms = 0.0
        self._lost = False
        self._idle_at_ns = 0

    def launch(self, duration_ms: float, *, allocates_mb: float = 0.0) -> None:
        """Hand over work of that duration; the host goes on after a hundredth of a millisecond."""
        starts_ns = max(self.clock.now_ns, self._idle_at_ns)
        self._idle_at_ns = starts_ns + int(duration_ms * NS_PER_MS)
        self.allocated_mb += allocates_mb
        self.peak_allocated_mb = max(self.peak_allocated_mb, self.allocated_mb)
        self.clock.pass_ms(0.01)

    def lose(self, error: Exception | None = None) -> None:
        """From now on the device refuses to be waited for; raises ``error`` if there is one."""
        self._lost = True
        if error is not None:
            raise error

    def name(self) -> str:
        return "a queue"

    def count(self) -> int:
        return 1

    def capability(self) -> Capability:
        return Capability(version="", fast_dtype="float32", memory_bytes=2**30, graphs=False)

    def synchronise(self) -> None:
        self.waits += 1
        if self._lost:
            raise RuntimeError("device lost")
        self.clock.now_ns = max(self.clock.now_ns, self._idle_at_ns)

    def event(self) -> QueuedEvent:
        return QueuedEvent(self.clock, max(self.clock.now_ns, self._idle_at_ns))

    def memory(self) -> MemoryReading:
        self.clock.pass_ms(self.reading_takes_ms)
        return MemoryReading(
            allocated_mb=self.allocated_mb, peak_allocated_mb=self.peak_allocated_mb
        )

    def reset_peak_memory(self) -> None:
        self.peak_allocated_mb = self.allocated_mb

    def seed(self, seed: int) -> None:
        """Nothing here is random."""
