"""The Protocol that every device meets. Imports the standard library alone, holds no logic.

torch.accelerator covers no CPU (its ``synchronize`` and memory functions raise there), so that CPU,
CUDA and Ascend stand side by side here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

DeviceKind: TypeAlias = Literal["cpu", "cuda", "npu"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Capability:
    """What a device can do; ``version`` is the compute capability or chip, or empty.

    ``fast_dtype`` is the narrowest type that the device multiplies at full speed: bf16 on a CPU
    without bf16 instructions is many times slower than fp32.
    """

    version: str
    fast_dtype: Literal["float32", "float16", "bfloat16"]
    memory_bytes: int
    graphs: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryReading:
    """Memory at one moment in MiB, ``None`` where a device does not tell.

    The peaks are since the last :meth:`Device.reset_peak_memory`; the host's is since the process
    began, loading included.
    """

    allocated_mb: float | None = None
    reserved_mb: float | None = None
    peak_allocated_mb: float | None = None
    peak_reserved_mb: float | None = None
    peak_host_mb: float | None = None


class DeviceEvent(Protocol):
    """A point in a device's queue, recorded when it was made."""

    def elapsed_ms(self, later: Any, /) -> float:  # noqa: ANN401 - the same kind of event
        """Milliseconds from this point to ``later``; both must have been reached."""


class Device(Protocol):
    """One device of this process, opened by :func:`.opening.open_device`.

    A device that is absent or refuses is told there. What a kernel did wrong in its queue may
    surface in any later call as torch's own error (:mod:`.out_of_memory` reads the common one).
    """

    @property
    def kind(self) -> DeviceKind:
        """Which of the three it is."""

    @property
    def index(self) -> int:
        """Which one of its kind, from 0."""

    @property
    def torch_device(self) -> str:
        """What torch calls it: ``cpu``, ``cuda:0``, ``npu:0``."""

    def name(self) -> str:
        """The model, as its driver tells it."""

    def count(self) -> int:
        """How many of its kind this process sees; 1 for the CPU."""

    def capability(self) -> Capability:
        """What it can do."""

    def synchronise(self) -> None:
        """Wait until its queue is empty; nothing to do on a CPU."""

    def event(self) -> DeviceEvent:
        """A point in its queue, now."""

    def memory(self) -> MemoryReading:
        """What this process holds and held of its memory."""

    def reset_peak_memory(self) -> None:
        """Let the peaks begin again, where the device can."""

    def seed(self, seed: int) -> None:
        """Seed its generators and torch's own."""
