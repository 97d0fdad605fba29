"""Reads what a Linux host tells of itself: processor, limits, settings, counters. Judges nothing.

Every reader takes the root folder of the machine, so that a test can build one. What is not there
or not readable stays empty: nothing is made up.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from perfgate.profile.samples import HostSample

IMAGE_VARIABLE: Final = "PERFGATE_IMAGE"
"""Where a container image tells its own digest: nothing inside a container knows it."""

_CPU: Final = "sys/devices/system/cpu"
_BYTES_PER_MIB: Final = 2**20
_MAX_FILE_BYTES: Final = 4_000_000  # cpuinfo of a host with hundreds of cores has about one
_MAX_IMAGE_CHARS: Final = 300
_NVIDIA_VENDOR: Final = "0x10de"
_DISPLAY_CLASS: Final = "0x03"  # display controllers, 3-D controllers (0x0302) among them
_HUAWEI_VENDOR: Final = "0x19e5"
_ACCELERATOR_CLASS: Final = "0x12"  # processing accelerators; Huawei makes network cards too


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFacts:
    """What the host says of itself, as read; an empty text is something it does not tell.

    ``cpu_max`` holds the text of cgroup v2 ``cpu.max`` of this process's group and of every group
    around it (a quota anywhere on that path limits it), ``memory_max_bytes`` the least of their
    ``memory.max``.
    """

    cpuinfo: str
    affinity: frozenset[int]
    architecture: str
    fallback_model: str = ""
    cpu_max: tuple[str, ...] = ()
    memory_max_bytes: int | None = None
    hostname: str = ""
    kernel: str = ""
    governor: str = ""
    turbo: str = ""
    smt: str = ""
    huge_pages: str = ""
    numa_nodes: str = ""
    image: str = ""
    python: str = ""
    load_average: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Accelerators:
    """Accelerators that stand on the PCI bus, and the device files that let a process use them.

    A container sees the bus of its host, but only the device files that it was given.
    """

    nvidia_on_bus: int = 0
    nvidia_driver: bool = False
    nvidia_files: int = 0
    ascend_on_bus: int = 0
    ascend_files: int = 0


def read_host(environ: Mapping[str, str], *, root: Path = Path("/")) -> HostFacts:
    """Read this machine; of the environment only :data:`IMAGE_VARIABLE` is looked at."""
    return HostFacts(
        cpuinfo=text_of(root / "proc/cpuinfo"),
        affinity=_affinity(),
        architecture=platform.machine(),
        fallback_model=platform.processor(),
        cpu_max=_cpu_max(root),
        memory_max_bytes=_memory_max(root),
        hostname=platform.node(),
        kernel=platform.release(),
        governor=_word(root / _CPU / "cpu0/cpufreq/scaling_governor"),
        turbo=_turbo(root / _CPU),
        smt={"1": "on", "0": "off"}.get(_word(root / _CPU / "smt/active"), ""),
        huge_pages=_chosen(text_of(root / "sys/kernel/mm/transparent_hugepage/enabled")),
        numa_nodes=_word(root / "sys/devices/system/node/online"),
        image=" ".join(environ.get(IMAGE_VARIABLE, "").split())[:_MAX_IMAGE_CHARS],
        python=platform.python_version(),
        load_average=os.getloadavg(),
    )


def read_host_sample(
    *, root: Path = Path("/"), now_ns: Callable[[], int] = time.monotonic_ns
) -> HostSample:
    """The host's counters now; the throttled time adds up over the groups around this process."""
    pressure = re.search(r"^some .*\btotal=(\d+)", text_of(root / "proc/pressure/cpu"), re.M)
    ticks = _ticks(text_of(root / "proc/stat"))
    throttled = [
        int(match[1])
        for group in _groups(root)
        if (match := re.search(r"^throttled_usec (\d+)$", text_of(group / "cpu.stat"), re.M))
    ]
    return HostSample(
        at_ns=now_ns(),
        pressure_us=int(pressure[1]) if pressure else None,
        steal_ticks=ticks[7] if len(ticks) > 7 else None,
        total_ticks=sum(ticks) if ticks else None,
        throttled_us=sum(throttled) if throttled else None,
        free_memory_mb=_free_memory_mb(root),
    )


def read_accelerators(*, root: Path = Path("/")) -> Accelerators:
    """What stands on the bus, and which device files are here."""
    buses = [
        (_word(card / "vendor"), _word(card / "class"))
        for card in sorted((root / "sys/bus/pci/devices").glob("*"))
    ]
    return Accelerators(
        nvidia_on_bus=_count(buses, _NVIDIA_VENDOR, _DISPLAY_CLASS),
        nvidia_driver=(root / "proc/driver/nvidia/version").exists(),
        nvidia_files=_files(root / "dev", r"nvidia\d+"),
        ascend_on_bus=_count(buses, _HUAWEI_VENDOR, _ACCELERATOR_CLASS),
        ascend_files=_files(root / "dev", r"davinci\d+"),
    )


def text_of(path: Path) -> str:
    """A file's text, or nothing where it is not there or not readable."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""


def _word(path: Path) -> str:
    return text_of(path).strip()


def _affinity() -> frozenset[int]:
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))  # macOS has no affinity


def _groups(root: Path) -> list[Path]:
    """The folder of this process's cgroup v2 and of those around it."""
    match = re.search(r"^0::/(.*)$", text_of(root / "proc/self/cgroup"), re.M)
    top = root / "sys/fs/cgroup"
    group = top / (match[1] if match else "")
    return [group, *(parent for parent in group.parents if parent.is_relative_to(top))]


def _cpu_max(root: Path) -> tuple[str, ...]:
    texts = [_word(group / "cpu.max") for group in _groups(root)]
    return tuple(text for text in texts if text and not text.startswith("max"))


def _memory_max(root: Path) -> int | None:
    texts = [_word(group / "memory.max") for group in _groups(root)]
    return min((int(text) for text in texts if text.isdigit()), default=None)


def _free_memory_mb(root: Path) -> float | None:
    """What the machine says is available, or less where a cgroup allows less.

    A group's file cache that nobody used lately is given back when memory is wanted: kubelet counts
    what a group uses in the same way (its "working set").
    """
    available = re.search(r"^MemAvailable:\s+(\d+) kB$", text_of(root / "proc/meminfo"), re.M)
    free = [int(available[1]) * 1024] if available else []
    for group in _groups(root):
        limit, used = _word(group / "memory.max"), _word(group / "memory.current")
        cached = re.search(r"^inactive_file (\d+)$", text_of(group / "memory.stat"), re.M)
        if limit.isdigit() and used.isdigit():
            free.append(int(limit) - int(used) + (int(cached[1]) if cached else 0))
    return max(0, min(free)) / _BYTES_PER_MIB if free else None


def _turbo(cpu: Path) -> str:
    """Intel's driver tells that it is off, the others that it is on."""
    if no_turbo := _word(cpu / "intel_pstate/no_turbo"):
        return {"0": "on", "1": "off"}.get(no_turbo, "")
    return {"1": "on", "0": "off"}.get(_word(cpu / "cpufreq/boost"), "")


def _chosen(text: str) -> str:
    """``madvise`` of ``always [madvise] never``."""
    match = re.search(r"\[(\w+)\]", text)
    return match[1] if match else ""


def _ticks(stat: str) -> list[int]:
    """user, nice, system, idle, iowait, irq, softirq, steal; guest time stands in user already."""
    match = re.match(r"cpu((?: +\d+){4,})", stat)
    return [int(number) for number in match[1].split()[:8]] if match else []


def _count(buses: list[tuple[str, str]], vendor: str, kind: str) -> int:
    return sum(1 for one, its_class in buses if one == vendor and its_class.startswith(kind))


def _files(folder: Path, pattern: str) -> int:
    try:
        return sum(1 for path in folder.iterdir() if re.fullmatch(pattern, path.name))
    except OSError:
        return 0
