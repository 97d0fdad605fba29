"""The CPU as a device. Imports the standard library alone; only :meth:`CpuDevice.seed` needs torch.

A CPU has no queue: what a call started has ended when it returns. So synchronising does nothing,
and an event is a reading of the host's clock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from perfgate.profile.devices.device import Capability, DeviceKind, MemoryReading
from perfgate.profile.devices.loading import import_torch
from perfgate.profile.host import HostFacts, read_host
from perfgate.profile.memory import peak_resident_mib, usable_memory_bytes
from perfgate.profile.processor import cpu_flags, cpu_model

_NS_PER_MS = 1e6
_FAST_BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
"""Linux's names (arch/x86/include/asm/cpufeatures.h) of the instructions that multiply bf16."""


@dataclass(slots=True)
class HostEvent:
    """A moment of the host's monotonic clock.

    Not frozen: that alone makes an event take 200 ns instead of 117, twice in each span.
    """

    at_ns: int = field(default_factory=time.perf_counter_ns)

    def elapsed_ms(self, later: HostEvent, /) -> float:
        return (later.at_ns - self.at_ns) / _NS_PER_MS


@dataclass(frozen=True, kw_only=True, slots=True)
class CpuDevice:
    """All the cores of this process together. ``root`` is where ``/proc`` and ``/sys`` stand."""

    kind: ClassVar[DeviceKind] = "cpu"
    index: int = 0
    root: Path = Path("/")

    @property
    def torch_device(self) -> str:
        return "cpu"

    def name(self) -> str:
        return cpu_model(self._host())

    def count(self) -> int:
        return 1

    def capability(self) -> Capability:
        """``fast_dtype`` comes from the CPU's flags alone.

        torch multiplies bf16 on every CPU, but without these instructions one element at a time:
        1.3 GFLOP/s instead of 88 in fp32 was measured on a core with AVX2 alone, 454 instead of
        105 on one with avx512_bf16.
        """
        host = self._host()
        return Capability(
            version="",
            fast_dtype="bfloat16" if _FAST_BF16_FLAGS & {*cpu_flags(host)} else "float32",
            memory_bytes=usable_memory_bytes(host.memory_max_bytes),
            graphs=False,
        )

    def synchronise(self) -> None:
        pass

    def event(self) -> HostEvent:
        return HostEvent()

    def memory(self) -> MemoryReading:
        return MemoryReading(peak_host_mb=peak_resident_mib())

    def reset_peak_memory(self) -> None:
        """Nothing: the peak of a process counts from its beginning."""

    def seed(self, seed: int) -> None:
        import_torch().manual_seed(seed)

    def _host(self) -> HostFacts:
        return read_host({}, root=self.root)
