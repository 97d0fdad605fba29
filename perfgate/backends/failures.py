"""What a framework's launch failed of: the words of its kind, and what was said. Text alone.

A failure stands in a Launch as ``<kind>: <text>``, and in a report as
``{"perfgate": {"failure": {"kind": …, "text": …}}}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from perfgate.records.results import FailureKind

MOST_CHARS = 1_000
"""Of a failure's text: what a table, a comment and a history file can hold."""
_ESCAPES = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.?")
_TOLD_BY_LAUNCHES: tuple[tuple[re.Pattern[str], FailureKind], ...] = (
    (re.compile(r"^setup of "), FailureKind.SETUP),
    (re.compile(r"did not end within"), FailureKind.TIMEOUT),
    (re.compile(r"out of memory", re.IGNORECASE), FailureKind.MEMORY),
    (re.compile(r"exited with \d|was killed by SIG"), FailureKind.CRASHED),
    (
        re.compile(r"^(?:no report was|(?:the )?report\b|no line of|the output\b)"),
        FailureKind.DAMAGED,
    ),
)


class FrameworkError(Exception):
    """A launch of a framework that failed for a reason that can be named."""

    def __init__(self, kind: FailureKind, text: str) -> None:
        self.kind = kind
        self.text = one_line(text)
        super().__init__(f"{kind.value}: {self.text}")


def one_line(text: str, *, most_chars: int = MOST_CHARS) -> str:
    """``text`` without colours, line ends and what no screen shows, cut to ``most_chars``."""
    plain = " ".join(_ESCAPES.sub("", text[: 8 * most_chars]).split())
    shown = "".join(char if char.isprintable() else _visible(char) for char in plain)
    return shown if len(shown) <= most_chars else shown[: most_chars - 1] + "…"


def failure_report(error: FrameworkError) -> dict[str, Any]:
    """What stands in place of a report."""
    return {"perfgate": {"failure": {"kind": error.kind.value, "text": error.text}}}


def reported_failure(document: object) -> str | None:
    """The failure that a report tells in place of times, as ``<kind>: <text>``; else None.

    A kind that nobody knows is told as :attr:`FailureKind.UNKNOWN`.
    """
    own = document.get("perfgate") if isinstance(document, Mapping) else None
    failure = own.get("failure") if isinstance(own, Mapping) else None
    if not isinstance(failure, Mapping):
        return None
    said = failure.get("kind")
    kind = next((known for known in FailureKind if known.value == said), FailureKind.UNKNOWN)
    return f"{kind.value}: {one_line(str(failure.get('text', '')))}"


def kind_of(failure: str) -> FailureKind:
    """The class of any failed Launch, from its ``failure``."""
    told = next((kind for kind in FailureKind if failure.startswith(f"{kind.value}: ")), None)
    if told is not None:
        return told
    found = (kind for pattern, kind in _TOLD_BY_LAUNCHES if pattern.search(failure))
    return next(found, FailureKind.UNKNOWN)


def _visible(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
