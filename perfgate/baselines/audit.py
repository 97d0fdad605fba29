"""What an audit of baseline files finds, and when two figures contradict each other; no effect.

Each subject has a module: ``audit_sglang``, ``audit_native`` and ``audit_accepted`` look at one
version of a file, ``audit_against`` and ``audit_native_against`` at what changed since another,
``audit_state`` at the launches behind sglang's figures, ``audit_software`` across files;
``audit_file`` knows which is for what.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Literal, TypeAlias, TypeGuard

from perfgate.baselines.derived import LARGEST
from perfgate.baselines.places import Document
from perfgate.baselines.spans import JsonPath
from perfgate.records import Value

Severity: TypeAlias = Literal["error", "warning"]
Shown: TypeAlias = float | str | None

ABSOLUTE_MS, RELATIVE = 0.02, 0.0002
"""Two figures contradict each other beyond the larger of both."""
ROUNDING = 0.005
"""Half of the last digit that sglang's files keep."""
LEAST_STEPS = 4
"""With fewer steps nobody can tell the first ones from the usual ones."""
ENQUEUE_RATIO = 0.6
"""A step under this part of the median step did not wait for the device."""
_SHOWN_CHARS = 60


class Finding(Value):
    """One thing that is wrong, or worth a look, at one place.

    ``scenario`` is sglang's scenario or perfgate's case, empty for the file as a whole; ``field``
    the JSON path below it. ``derived`` is what should stand there: what the other figures give, or
    what the earlier version said; None where nothing tells.
    """

    file: str
    line: int
    scenario: str
    field: str
    stored: Shown = None
    derived: float | None = None
    severity: Severity
    message: str


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When an entry is old: older than ``max_age_days`` on ``today``."""

    today: date
    max_age_days: int


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of a file, by the path of its own that its fields begin at."""

    document: Document
    scenario: str
    root: JsonPath

    def finding(
        self,
        severity: Severity,
        path: JsonPath,
        message: str,
        *,
        stored: object = None,
        derived: float | None = None,
    ) -> Finding:
        """A finding at ``path`` below the entry."""
        return Finding(
            file=self.document.name,
            line=self.document.line((*self.root, *path)),
            scenario=as_text(self.scenario),
            field=as_text(".".join(str(part) for part in path)),
            stored=shown(stored),
            derived=derived,
            severity=severity,
            message=as_text(message),
        )


def as_text(said: str) -> str:
    """The text without halves of characters, which JSON can name and no document can hold."""
    return said.encode("utf-8", "replace").decode()


def shown(value: object) -> Shown:
    """A value of the file for a document that holds finite numbers and short texts alone."""
    if value is None or is_figure(value):
        return value
    text = as_text(str(value))
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def is_figure(value: object) -> TypeGuard[float]:
    """Whether it is a number that can be reckoned with; true and false are none, nor is NaN."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def tolerance(figure: float, *, parts: int = 1) -> float:
    """How far a figure may lie from ``parts`` rounded ones that add up to it, in its own unit."""
    return max(ABSOLUTE_MS, RELATIVE * abs(figure), ROUNDING * (parts + 1))


def not_repeated(found: Iterable[Finding], earlier: Iterable[Finding]) -> list[Finding]:
    """What is found now and was not found in the earlier version of the file.

    An error is the same one while both its figures are; a warning while it is about the same field.
    """
    seen = {_identity(one) for one in earlier}
    return [one for one in found if _identity(one) not in seen]


def _identity(one: Finding) -> tuple[Shown, ...]:
    place = (one.severity, one.scenario, one.field)
    return place if one.severity == "warning" else (*place, one.stored, one.derived, one.message)


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """As the file reads, errors before warnings on one line."""
    return sorted(found, key=lambda one: (one.file, one.line, one.severity))


def aged(said: object, limits: Limits) -> int | None:
    """How many days an ISO date lies back if those are too many, or if it is yet to come.

    Raises ValueError for what is no date.
    """
    days = (limits.today - datetime.fromisoformat(str(said)).date()).days
    return days if days > limits.max_age_days or days < -1 else None


def host_times(steps: Sequence[float]) -> str:
    """Why the first steps look as if they only put work into a queue; empty where they do not."""
    if len(steps) < LEAST_STEPS:
        return ""
    usual = median(steps)
    first = next((i for i, ms in enumerate(steps) if ms >= ENQUEUE_RATIO * usual), 0)
    if not 0 < first <= max(1, len(steps) // 4):
        return ""
    which = "it looks like a host time" if first == 1 else f"the first {first} look like host times"
    return (
        f"step 0 takes {steps[0]:.2f} ms and the median step {usual:.2f} ms: {which}, taken before "
        "the device was waited for"
    )


def names(found: Sequence[str], *, most: int = 3) -> str:
    """The first few of them."""
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
