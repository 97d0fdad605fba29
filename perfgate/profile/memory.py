"""The memory of this process and its limits. Imports the standard library alone; only reads."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_KIB_PER_MIB = 1024.0
_BYTES_PER_MIB = 1024.0 * 1024.0


def peak_resident_mib(status: Path = _STATUS) -> float:
    """The most memory this process ever had resident, in MiB.

    Linux's VmHWM comes first: ``ru_maxrss`` survives ``exec``, so that a child started by a large
    parent reports the parent's peak (getrusage(2); kernel ``setmax_mm_hiwater_rss`` in exec).
    """
    if status.is_file():
        match = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(encoding="utf-8"), re.MULTILINE)
        if match:
            return int(match[1]) / _KIB_PER_MIB
    import resource  # noqa: PLC0415 - Windows has none, and reads records all the same

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # getrusage counts in KiB on Linux and in bytes on macOS.
    return peak / (_BYTES_PER_MIB if sys.platform == "darwin" else _KIB_PER_MIB)


def usable_memory_bytes(limit_bytes: int | None) -> int:
    """What this process may use: the machine's memory, or less under the cgroup's limit."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return machine if limit_bytes is None else min(machine, limit_bytes)
