"""A started framework: its log as it comes, what the log told, its end. Knows nothing of HTTP."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn, Self

from perfgate.backends.driver.descendants import end_descendants, end_with_parent
from perfgate.backends.driver.log_watch import LINE_CHARS, LogWatch
from perfgate.backends.failures import FrameworkError, one_line
from perfgate.process import exit_told
from perfgate.records.results import FailureKind

_READ_BYTES = 65_536
_JOIN_S = 5.0
_SETTLE_S = 1.0
_INTERRUPTED_S = 1.0
_LINE_END = re.compile(rb"\r\n|\n|\r")


def say(line: str) -> None:
    """Write a line to standard error, where perfgate keeps the end of it."""
    with contextlib.suppress(BrokenPipeError):
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - the parent reads it


class Framework:
    """One process of a framework and whatever it starts, in a session of its own.

    A line of its log that ends the launch kills it at once. It is ended with the ``with`` block,
    ``grace_s`` after it was asked to. Raises FrameworkError when it cannot be started.
    """

    def __init__(
        self, command: Sequence[str], *, env: Mapping[str, str], watch: LogWatch, grace_s: float
    ) -> None:
        say(f"perfgate starts {shlex.join(command)}")
        self._watch = watch
        self._grace_s = grace_s
        self._spoke = threading.Event()
        self._failure: FrameworkError | None = None
        self.last_line = ""
        self._process = _started(command, env)
        self._reader = threading.Thread(target=self._read, name="perfgate-log", daemon=True)
        self._reader.start()

    @property
    def exit_code(self) -> int | None:
        """What it ended with, None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> None:
        """Wait so long, or until the log tells of a failure, which is raised."""
        self._spoke.wait(seconds)
        self.check()

    def check(self) -> None:
        """Raise the FrameworkError that the log told of, if it did."""
        if self._failure is not None:
            raise self._failure

    def wait_for_end(self, seconds: float) -> bool:
        """The same, or until it has ended, which is returned."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=seconds)
        if self.exit_code is not None:
            self._reader.join(timeout=_SETTLE_S)
        self.check()
        return self.exit_code is not None

    def raise_end(self, during: str) -> NoReturn:
        """Raise what it ended of: what the log told, else its exit status and last line."""
        self._reader.join(timeout=_SETTLE_S)
        self.check()
        code = self._process.poll()
        told = "went away" if code is None else exit_told(code)
        last = f"; its last line: {self.last_line}" if self.last_line else ""
        raise FrameworkError(FailureKind.CRASHED, f"{told} {during}{last}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Ask it to end, and after its grace kill it and all that it left behind.

        Somebody who interrupts this process has little patience himself.
        """
        patient = kind is None or issubclass(kind, FrameworkError)
        end_descendants(grace_s=self._grace_s if patient else _INTERRUPTED_S)
        self._reader.join(timeout=_JOIN_S)

    def _read(self) -> None:
        """Tell each line as it comes; a bar that is drawn over itself is looked at, not told."""
        stream = self._process.stdout
        if stream is None:
            return
        rest = b""
        with stream:
            while chunk := os.read(stream.fileno(), _READ_BYTES):
                *lines, rest = _with_ends(rest + chunk)
                for line in lines:
                    self._look(line)
                if len(rest) > LINE_CHARS:
                    self._look(rest)
                    rest = b""
        self._look(rest)

    def _look(self, raw: bytes) -> None:
        line = one_line(raw.decode("utf-8", errors="replace"), most_chars=LINE_CHARS)
        if not line:
            return
        if not raw.endswith(b"\r"):
            self.last_line = one_line(line, most_chars=300)
            say(line)
        failure = self._watch.line(line)
        if failure is not None and self._failure is None:
            self._failure = failure
            self._spoke.set()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _with_ends(text: bytes) -> list[bytes]:
    """Lines with their ends, and what has none yet at last."""
    lines, start = [], 0
    for match in _LINE_END.finditer(text):
        lines.append(text[start : match.end()])
        start = match.end()
    return [*lines, text[start:]]


def _started(command: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # One system call between fork and exec: nothing there takes a lock.
            preexec_fn=end_with_parent,  # noqa: PLW1509
        )
    except OSError as error:
        name = Path(command[0]).name
        raise FrameworkError(
            FailureKind.MISSING, f"{name} cannot be started: {error.strerror}"
        ) from error
