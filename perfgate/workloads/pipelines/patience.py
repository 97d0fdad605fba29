"""Bounds each part of a launch in time, and ends the process where one takes longer.

Standard library alone. Native code that hangs cannot be interrupted from Python, so that the
process ends itself, once it has said what it was busy with.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from perfgate.workloads.pipelines.failing import TIMEOUT, LaunchError, write_failure

End = Callable[[LaunchError], None]


class Patience:
    """Watches one part after the other; ``end`` is told of one that took too long."""

    def __init__(self, end: End) -> None:
        self._end = end
        self._one_at_a_time = threading.Lock()

    @contextmanager
    def at_most(self, limit_s: float, *, busy: str, key: str) -> Iterator[None]:
        """Let the block run for ``limit_s`` seconds: ``timeout.<key>`` of the case.

        ``busy`` is what it does, as the beginning of a sentence.
        """
        over = threading.Event()

        def expire() -> None:
            with self._one_at_a_time:
                if not over.is_set():
                    text = f"{busy} took longer than timeout.{key} of {limit_s:g} s"
                    self._end(LaunchError(TIMEOUT, text))

        timer = threading.Timer(limit_s, expire)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            with self._one_at_a_time:
                over.set()
            timer.cancel()
            timer.join()


def end_process(report: Path) -> Callable[[LaunchError], NoReturn]:
    """What ends this process for good: the report says why, the log says where it was."""

    def end(failure: LaunchError) -> NoReturn:
        faulthandler.dump_traceback(file=sys.stderr)
        write_failure(report, failure)
        os._exit(0)

    return end
