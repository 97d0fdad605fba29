"""Entry of the driver: reads its one argument, ends whatever it started, leaves the report.

It ends with status 0 where the report tells what happened, be it a failure, with 143 where it was
asked to end.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from perfgate.backends.driver.descendants import adopt_orphans, kill_descendants, watch_parent
from perfgate.backends.driver.framework import say
from perfgate.backends.driver.one_shot import run_each
from perfgate.backends.driver.serving import serve
from perfgate.backends.driver.spec import Spec
from perfgate.backends.driver.surroundings import framework_environment
from perfgate.backends.failures import FrameworkError, failure_report
from perfgate.profile.dump import write_dump
from perfgate.records.results import FailureKind

_INTERRUPTED = 128 + signal.SIGTERM


class Interrupted(BaseException):
    """Somebody asked this process to end."""


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Drive one launch; returns the exit status."""
    spec = Spec.model_validate_json(arguments[0])
    adopt_orphans()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if spec.parent is not None:
        threading.Thread(target=watch_parent, args=(spec.parent,), daemon=True).start()
    scratch = Path(spec.scratch)
    try:
        try:
            scratch.mkdir(parents=True, exist_ok=True)
            found = _outcome(spec, environ)
        finally:
            _ignore_interrupts()
    except Interrupted:
        return _INTERRUPTED
    finally:
        # Whatever came between: nothing that was started here outlives this process.
        kill_descendants()
        shutil.rmtree(scratch, ignore_errors=True)
    _leave(Path(spec.report), found)
    return 0


def _leave(report: Path, found: Any) -> None:  # noqa: ANN401 - a JSON document
    try:
        write_dump(report, found)
    except (ValueError, RecursionError) as error:
        told = f"the framework told what no report can hold: {error}"
        write_dump(report, failure_report(FrameworkError(FailureKind.DAMAGED, told)))


def _outcome(spec: Spec, environ: Mapping[str, str]) -> Any:  # noqa: ANN401 - a JSON document
    env = framework_environment(environ)
    try:
        return run_each(spec, env) if spec.sending is None else serve(spec, spec.sending, env)
    except FrameworkError as error:
        say(f"perfgate: {error}")
        return failure_report(error)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    _ignore_interrupts()
    raise Interrupted


def _ignore_interrupts() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
