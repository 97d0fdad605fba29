"""Runs the suite's score command on what head left, outside of all timing; judges nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from perfgate.process import Finished
from perfgate.records import Accuracy
from perfgate.sides.checkout import Checkout
from perfgate.suite import Case

_FILE = "score.txt"
_MAX_LINE_BYTES = 4096
_MAX_SHOWN_CHARS = 60
# Standard output alone: a library that warns on standard error after the score must not hide it.
_INTO_FILE = 'exec sh -c "$1" >"$0"'


def score(
    case: Case,
    checkout: Checkout,
    *,
    run: Callable[..., Finished],
    scratch: Path,
    timeout_s: float,
) -> Accuracy | None:
    """Run ``accuracy.command`` in head's tree and environment; None where the case has none.

    The score is the last line of standard output that is not empty, a finite number. Whatever else
    comes, a command that fails or runs out of time too, is the ``failure`` of what is returned.
    """
    if case.accuracy is None:
        return None
    said = scratch / _FILE
    said.touch()
    env = {**checkout.env, **{name: str(value) for name, value in case.env.items()}}
    command = ("sh", "-c", _INTO_FILE, str(said), case.accuracy.command)
    try:
        done = run(command, cwd=checkout.path, env=env, timeout_s=timeout_s)
        last = _last_line(said)
    finally:
        said.unlink()
    minimum = case.accuracy.minimum
    if not done.ok:
        failure = f"the score command {done.told(timeout_s=timeout_s)}{_last_words(done)}"
        return Accuracy(minimum=minimum, failure=failure)
    number = _finite(last)
    if number is None:
        told = f"ended with {_shown(last)}, not with a number" if last else "printed no score"
        return Accuracy(minimum=minimum, failure=f"the score command {told}")
    return Accuracy(score=number, minimum=minimum)


def _last_line(path: Path) -> str:
    """The last line of a file that says something, from its end: the file may have any size."""
    with path.open("rb") as stream:
        stream.seek(max(path.stat().st_size - _MAX_LINE_BYTES, 0))
        text = stream.read(_MAX_LINE_BYTES).decode("utf-8", errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _last_words(done: Finished) -> str:
    lines = [line.strip() for line in done.log_tail.splitlines() if line.strip()]
    return f": {lines[-1][:200]}" if lines else ""


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MAX_SHOWN_CHARS else f"{text[: _MAX_SHOWN_CHARS - 1]}…")
