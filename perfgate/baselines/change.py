"""What an update changes in the baselines, as values for those who tell it; decides nothing.

A ratio is new over old: above 1 is slower or larger, which makes a gate looser.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from perfgate.records import Finite, Value
from perfgate.verdict.acceptance import Acceptance
from perfgate.verdict.judge import MEMORY_MIB, MEMORY_RATIO
from perfgate.verdict.metrics import Unit

Kind = Literal["new", "changed workload", "updated"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def beyond(less: float, more: float, *, margin: float, unit: Unit) -> bool:
    """Whether ``more`` exceeds ``less`` by more than a gate lets pass; memory by its own rule."""
    if unit == "MiB":
        return more - less > MEMORY_MIB and more - less > MEMORY_RATIO * less
    return more / less > 1.0 + margin


class MetricChange(Value):
    """One metric of one entry before and after; figures in ``unit``.

    ``old`` is None for what the entry did not have, ``new`` for what it no longer has. ``first``
    and ``best`` are the first and the lowest figure ever accepted for this workload, the new one
    included. ``launches`` and ``jobs`` are those that the new figure rests on, ``variation`` is
    the standard deviation of the logarithms of its launches, None where there is one alone.
    ``margin`` is None for what is shown and never judged.
    """

    metric: str
    unit: Unit
    old: Positive | None
    new: Positive | None
    first: Positive
    best: Positive
    launches: Annotated[int, Field(ge=0)] = 0
    jobs: Annotated[int, Field(ge=0)] = 0
    variation: Finite | None = None
    margin: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None

    @property
    def ratio(self) -> float | None:
        """New over old; None where one of them is missing."""
        return self.new / self.old if self.old is not None and self.new is not None else None

    @property
    def against_first(self) -> float | None:
        """New over the first accepted figure: the slow creep of many small steps."""
        return self.new / self.first if self.new is not None else None

    @property
    def against_best(self) -> float | None:
        """New over the lowest accepted figure."""
        return self.new / self.best if self.new is not None else None

    @property
    def looser(self) -> bool:
        """Raised beyond the margin, so that it needs a reason, an issue and an expiry date."""
        return self._beyond(self.old, self.new)

    @property
    def tighter(self) -> bool:
        """Lowered beyond the margin."""
        return self._beyond(self.new, self.old)

    def _beyond(self, less: float | None, more: float | None) -> bool:
        if less is None or more is None or self.margin is None:
            return False
        return beyond(less, more, margin=self.margin, unit=self.unit)


class CaseChange(Value):
    """One entry, on one kind of machine: what became of it, and by whose permission.

    ``acceptances`` are those that this update writes; ``reason`` is the reason given for the whole
    update; ``unexplained`` names the loosened metrics that nobody gave a reason for yet;
    ``paid`` those whose acceptance goes because they are fast again. ``notes`` are for the reader.
    """

    case: str
    hardware_key: str
    kind: Kind
    metrics: tuple[MetricChange, ...]
    acceptances: tuple[Acceptance, ...] = ()
    reason: str = ""
    unexplained: tuple[str, ...] = ()
    paid: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def looser(self) -> tuple[MetricChange, ...]:
        """The metrics that were raised beyond their margins."""
        return tuple(one for one in self.metrics if one.looser)

    @property
    def tighter(self) -> tuple[MetricChange, ...]:
        """The metrics that were lowered beyond their margins."""
        return tuple(one for one in self.metrics if one.tighter)

    @property
    def moved(self) -> bool:
        """Whether anything but noise tells the new entry from the old one."""
        return self.kind != "updated" or bool(self.looser or self.tighter)
