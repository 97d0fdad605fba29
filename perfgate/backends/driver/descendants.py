"""Knows every process that comes from this one, and ends them all; also those that left the group.

Linux alone: orphans become children of this process, so that none is out of sight.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)
_ROUND_S = 1.0
_MOST_ROUNDS = 20


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends. Raises OSError."""
    if _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def end_with_parent() -> None:
    """Let this process be killed when the thread that started it ends; for a child, before exec."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def end_descendants(*, grace_s: float) -> None:
    """Ask them all to end, and kill those that are still there after ``grace_s``.

    All at once: a shell ends before what it started, and would not pass the request on.
    """
    found = psutil.Process().children(recursive=True)
    try:
        for one in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.terminate()
        psutil.wait_procs(found, timeout=grace_s)
    finally:
        kill_descendants()


def kill_descendants() -> list[str]:
    """Kill them all and wait for their end; returns the names of those that would not end.

    Each round also finds what the round before had started or left behind.
    """
    me = psutil.Process()
    for _ in range(_MOST_ROUNDS):
        found = me.children(recursive=True)
        if not found:
            return []
        for one in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(found, timeout=_ROUND_S)
        _reap()
    return [f"{one.pid} ({_name(one)})" for one in me.children(recursive=True)]


def _reap() -> None:
    """Take the status of every child that has ended; those adopted have nobody else to do it."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return "gone"


def watch_parent(parent: int, *, look_s: float = 0.2) -> None:
    """Ask this process to end as soon as ``parent`` is no longer its parent; never returns else."""
    while os.getppid() == parent:
        time.sleep(look_s)
    os.kill(os.getpid(), signal.SIGTERM)
