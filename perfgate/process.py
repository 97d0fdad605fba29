"""Runs child processes, bounded in time, and ends all that they leave behind.

:func:`run` waits for a child's end; :class:`Child` goes on running until it is ended. Knows nothing
of sides, cases or reports.
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
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, TypeAlias

TAIL_LINES = 60
TAIL_LINE_CHARS = 2000
_GRACE_S = 5.0
_LOOK_S = 0.02

Answer: TypeAlias = Literal["there", "ended", "late"]


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
        return exit_told(self.exit_code)


def exit_told(exit_code: int) -> str:
    """The same from an exit code, negative for a signal."""
    if exit_code < 0:
        return f"was killed by {signal.Signals(-exit_code).name}"
    return f"exited with {exit_code}"


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float) -> Finished:
    """Run ``command`` in its own session and return how it ended.

    When it ends, runs out of time, or this process is interrupted, every process of its session's
    group is ended too: first asked, then killed. Raises OSError when it cannot be started.
    """
    started = time.monotonic()
    timed_out = False
    child = _start(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL)
    try:
        tail = _Tail(child.stdout)
        child.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        _end_group(child)
    duration_s = time.monotonic() - started
    return Finished(
        exit_code=child.returncode,
        timed_out=timed_out,
        duration_s=duration_s,
        log_tail=tail.text(),
    )


class Child:
    """A process that reads lines and goes on running; :meth:`end` has to be called at last.

    It leads a session of its own, as those of :func:`run` do. Where this process is killed, it
    meets the end of its input. Raises OSError when it cannot be started.
    """

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._child = _start(command, cwd=cwd, env=env, stdin=subprocess.PIPE)
        try:
            self._tail = _Tail(self._child.stdout)
        except BaseException:
            _end_group(self._child)
            raise

    @property
    def exit_code(self) -> int | None:
        """What it ended with, None while it runs."""
        return self._child.poll()

    def say(self, line: str) -> None:
        """Write a line to its input; one that has ended, or reads none, is not told apart here."""
        stream = self._child.stdin
        with contextlib.suppress(BrokenPipeError):
            if stream is not None:
                stream.write(f"{line}\n".encode())
                stream.flush()

    def wait_for(self, path: Path, *, timeout_s: float) -> Answer:
        """Wait until there is a file at ``path``: that, or the child's end, or too late."""
        deadline = time.monotonic() + timeout_s
        while True:
            ended = self._child.poll() is not None
            # Looked at after the child: what it wrote before its end is there.
            if path.is_file():
                return "there"
            if ended:
                return "ended"
            if time.monotonic() >= deadline:
                return "late"
            time.sleep(_LOOK_S)

    def end(self, *, grace_s: float = _GRACE_S) -> str:
        """End its input, then all of its group; returns the end of its output.

        It has ``grace_s`` to end by itself, and as long again once it was asked to.
        """
        try:
            # A line that it never read is lost with it.
            with contextlib.suppress(BrokenPipeError):
                if self._child.stdin is not None:
                    self._child.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(timeout=grace_s)
        finally:
            _end_group(self._child, grace_s=grace_s)
        return self._tail.text()


def _start(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: int
) -> subprocess.Popen[bytes]:
    """Start it in a thread: interrupts come to the main thread alone.

    One that came within Popen, when the process runs already, would leave it to nobody.
    """
    may_start, started = threading.Event(), Future[subprocess.Popen[bytes]]()

    def start() -> None:
        may_start.wait()
        try:
            child = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(env),
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            started.set_exception(error)
        else:
            started.set_result(child)

    threading.Thread(target=start, name="perfgate-start", daemon=True).start()
    try:
        may_start.set()
        child = started.result()
    except KeyboardInterrupt:
        may_start.set()
        with contextlib.suppress(OSError):
            _end_group(started.result())
        raise
    return child


class _Tail:
    """The last lines of a stream, which a thread reads so that the writer never waits."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._lines: deque[str] = deque(maxlen=TAIL_LINES)
        self._reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def text(self) -> str:
        """What was written until the end, after the writer's."""
        # A grandchild that left the session may still hold the pipe: its output is not waited for.
        self._reader.join(timeout=_GRACE_S)
        return "\n".join(list(self._lines))

    def _read(self, stream: IO[bytes] | None) -> None:
        if stream is None:
            return
        with stream:
            while line := stream.readline(TAIL_LINE_CHARS):
                self._lines.append(line.decode("utf-8", errors="replace").rstrip("\n"))


def _end_group(child: subprocess.Popen[bytes], *, grace_s: float = _GRACE_S) -> None:
    try:
        if child.poll() is None:
            _signal_group(child.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=grace_s)
    finally:
        # Also where a second interrupt cuts the waiting short.
        _signal_group(child.pid, signal.SIGKILL)
        child.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    # The group is gone when its last process has been reaped, which is what is wanted.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
