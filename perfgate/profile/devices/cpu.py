"""The CPU as a device. Imports the standard library alone; only :meth:`CpuDevice.seed` needs torch.

A CPU has no queue: what a call started has ended when it returns. So synchronising does nothing,
and an event is a reading of the host's clock.
"""

from __future__ import annotations

import platform
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from perfgate.profile.devices.device import Capability, DeviceKind, MemoryReading
from perfgate.profile.devices.loading import import_torch
from perfgate.profile.memory import peak_resident_mib, usable_memory_bytes

_NS_PER_MS = 1e6
_FAST_BF16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
"""Linux's names (arch/x86/include/asm/cpufeatures.h) of the instructions that multiply bf16."""


@dataclass(frozen=True, slots=True)
class HostEvent:
    """A moment of the host's monotonic clock."""

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
        model = re.search(r"^model name\s*:\s*(.+)$", self._cpuinfo(), re.MULTILINE)
        if model:
            return " ".join(model[1].split())
        return platform.processor() or platform.machine()  # Arm kernels tell no model

    def count(self) -> int:
        return 1

    def capability(self) -> Capability:
        """``fast_dtype`` comes from the CPU's flags alone.

        torch multiplies bf16 on every CPU, but without these instructions one element at a time:
        1.3 GFLOP/s instead of 88 in fp32 was measured on a core with AVX2 alone, 454 instead of
        105 on one with avx512_bf16.
        """
        listed = re.search(r"^flags\s*:\s*(.+)$", self._cpuinfo(), re.MULTILINE)
        flags = set(listed[1].split()) if listed else set()
        return Capability(
            version="",
            fast_dtype="bfloat16" if flags & _FAST_BF16_FLAGS else "float32",
            memory_bytes=usable_memory_bytes(self.root),
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

    def _cpuinfo(self) -> str:
        try:
            path = self.root / "proc/cpuinfo"
            return path.read_text(encoding="utf-8", errors="replace")
        except OSError:  # macOS has none
            return ""
