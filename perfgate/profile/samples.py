"""What a sampler reads of a device and of the host at one moment: values only, no effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Throttle: TypeAlias = Literal[
    "hardware slowdown",
    "software thermal",
    "hardware thermal",
    "power brake",
    "software power cap",
    "sync boost",
]
"""Why a device runs below its clocks; being idle and application clocks are no reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceSample:
    """One device at one moment; ``None`` and empty are what it does not tell.

    ``processes`` are the process ids on the device as the host counts them.
    """

    index: int
    throttles: frozenset[Throttle] = frozenset()
    clock_mhz: float | None = None
    memory_clock_mhz: float | None = None
    temperature_c: float | None = None
    power_w: float | None = None
    free_memory_mb: float | None = None
    processes: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class HostSample:
    """The host's counters at one moment; all of them only ever grow, but the free memory.

    ``pressure_us`` is the time in which some task waited for a CPU (``/proc/pressure/cpu``, some
    total), ``steal_ticks`` and ``total_ticks`` come from ``/proc/stat``, ``throttled_us`` from the
    cgroup's ``cpu.stat``. ``free_memory_mb`` is what a new process may take, in MiB: of the
    machine, or less under the cgroup's limit.
    """

    at_ns: int
    pressure_us: int | None = None
    steal_ticks: int | None = None
    total_ticks: int | None = None
    throttled_us: int | None = None
    free_memory_mb: float | None = None
