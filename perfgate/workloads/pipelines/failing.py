"""Why a launch has no times, in a kind that perfgate knows and a line to read. Standard library.

The kinds are the words of :class:`perfgate.records.results.FailureKind`, which needs more than the
standard library; a test holds the two together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from perfgate.profile.dump import write_dump

MISSING: Final = "framework missing"
MEMORY: Final = "out of memory"
NOT_COMPILED: Final = "not compiled"
TIMEOUT: Final = "timed out"
REFUSED: Final = "request refused"
CRASHED: Final = "crashed"
UNFIT: Final = "device not fit"
OTHER: Final = "failed"

_MOST_CHARS = 1000


class LaunchError(Exception):
    """A launch that failed for a reason that can be named."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = one_line(text)
        super().__init__(f"{kind}: {self.text}")


def one_line(said: object, *, most_chars: int = _MOST_CHARS) -> str:
    """What was said in one line of bounded length; an exception without a text gives its name."""
    text = " ".join(str(said).split()) or type(said).__name__
    return text if len(text) <= most_chars else text[: most_chars - 1] + "…"


def write_failure(report: Path, failure: LaunchError) -> None:
    """Leave the failure where the times would stand."""
    told = {"kind": failure.kind, "text": failure.text}
    write_dump(report, {"perfgate": {"failure": told}})
