"""Runs one child process to its end, bounded in time, and ends all that it left behind.

Knows nothing of sides, cases or reports.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

TAIL_LINES = 60
TAIL_LINE_CHARS = 2000
_GRACE_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How a child ended; ``log_tail`` is the end of its output, both streams as they came."""

    exit_code: int
    timed_out: bool
    duration_s: float
    log_tail: str

    @property
    def ok(self) -> bool:
        return self.exit_code == 0 and not self.timed_out

    def told(self, *, timeout_s: float) -> str:
        """How the child ended, in words that finish the sentence "it …"."""
        if self.timed_out:
            return f"did not end within {timeout_s:.0f} s and was killed"
        if self.exit_code < 0:
            return f"was killed by {signal.Signals(-self.exit_code).name}"
        return f"exited with {self.exit_code}"


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float) -> Finished:
    """Run ``command`` in its own session and return how it ended.

    When it ends, runs out of time, or this process is interrupted, every process of its session's
    group is ended too: first asked, then killed. Raises OSError when it cannot be started.
    """
    started = time.monotonic()
    child = subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    reader = threading.Thread(target=_keep_tail, args=(child.stdout, tail), daemon=True)
    reader.start()
    timed_out = False
    try:
        child.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        _end_group(child)
    duration_s = time.monotonic() - started
    # A grandchild that left the session may still hold the pipe: its output is not waited for.
    reader.join(timeout=_GRACE_S)
    return Finished(
        exit_code=child.returncode,
        timed_out=timed_out,
        duration_s=duration_s,
        log_tail="\n".join(list(tail)),
    )


def _keep_tail(stream: IO[bytes] | None, tail: deque[str]) -> None:
    if stream is None:
        return
    with stream:
        while line := stream.readline(TAIL_LINE_CHARS):
            tail.append(line.decode("utf-8", errors="replace").rstrip("\n"))


def _end_group(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        _signal_group(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=_GRACE_S)
    _signal_group(child.pid, signal.SIGKILL)
    child.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    # The group is gone when its last process has been reaped, which is what is wanted.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
