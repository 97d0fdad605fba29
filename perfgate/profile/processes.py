"""Says whose a process on a device is: this job's own, or somebody else's. Ends none."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from perfgate.profile.fitness import Process

_FIRST_PID_NAMESPACE = 0xEFFFFFFC
"""The kernel's own number of the namespace that the host's processes live in (PROC_PID_INIT_INO,
include/linux/proc_ns.h)."""
_MAX_NAME_CHARS = 40


def whose(pid: int, *, pids_of_host: bool) -> Process:
    """Whose process ``pid``, counted as the host counts, is.

    Own are this process, those that it started, and those that it was started by: perfgate may run
    in a benchmark that another perfgate measures. Without ``pids_of_host`` a number names nothing
    that could be looked up here.
    """
    if not pids_of_host:
        return Process(pid=pid, relation="unseen")
    try:
        found = psutil.Process(pid)
        name, line = found.name(), _line(found)
        # A child of ours leads its own session: what it left behind is still in it.
        line = [*line, *_line_of(os.getsid(pid))]
    except (psutil.NoSuchProcess, ProcessLookupError):
        return Process(pid=pid, relation="unseen")
    except psutil.AccessDenied:
        return Process(pid=pid, relation="foreign")
    own = os.getpid() in line or pid in ancestors()
    told = "".join(letter for letter in name if letter.isprintable())[:_MAX_NAME_CHARS]
    return Process(pid=pid, relation="own" if own else "foreign", name=told)


def ancestors() -> frozenset[int]:
    """The processes that this one was started by."""
    return frozenset(_line(psutil.Process())) - {os.getpid()}


def sees_pids_of_host(*, root: Path = Path("/")) -> bool:
    """Whether process ids mean here what they mean to the driver: not in most containers."""
    try:
        return (root / "proc/self/ns/pid").stat().st_ino == _FIRST_PID_NAMESPACE
    except OSError:
        return False


def _line(process: psutil.Process) -> list[int]:
    """A process and those that it descends from."""
    return [process.pid, *(parent.pid for parent in process.parents())]


def _line_of(pid: int) -> list[int]:
    try:
        return _line(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return []
