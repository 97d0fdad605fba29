"""What it is to be slower by permission: bounded, dated, with a reason; no file, no clock.

A permission speaks of the whole slowdown since its reference, never of the change against base
alone: what lies under its ceiling is accepted until its last day, what lies above is a regression
all the same. Where a slowdown outlives its permission, the gate of the default branch judges
against the reference and fails; a pull request that makes nothing worse is only told.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from perfgate.records import Value
from perfgate.verdict.metrics import Unit

WARN_DAYS = 14
"""From so many days before its end on an acceptance is warned of."""

_LINE = (
    r"^[^\x00-\x1f\x7f-\x9f\u200b\u2028\u2029\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
    r"\x{e0000}-\x{e007f}]+$"
)
"""Text of one line, as a reviewer can see it and as YAML keeps it: nothing hidden, or reversed."""
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=_LINE)]


class Reference(Value):
    """The figure from before the slowdown, and the newest commit whose launches gave it."""

    value: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    unit: Unit
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}(-dirty)?$")]


class Acceptance(Value):
    """One metric of one case on one kind of machine may be slower, so much and until then.

    ``ceiling`` is the largest ratio to the reference that is permitted; ``expires`` is the last day
    on which it holds.
    """

    case: Name
    metric: Name
    hardware: Name
    reference: Reference
    ceiling: Annotated[float, Field(gt=1, le=1000, allow_inf_nan=False)]
    reason: Annotated[str, Field(min_length=3, max_length=1000, pattern=_LINE)]
    issue: Annotated[str, Field(pattern=r"^https?://[^\s\x00-\x20\x7f<>\"`]+$", max_length=500)]
    expires: date
    asked_by: Name

    @property
    def key(self) -> tuple[str, str, str]:
        """What there is at most one acceptance for; also the order in the file."""
        return (self.hardware, self.case, self.metric)

    def ratio(self, figure: float) -> float:
        """How many times the reference a figure is."""
        return figure / self.reference.value

    def days_left(self, today: date) -> int:
        """0 on the last day, negative once it is over."""
        return (self.expires - today).days
