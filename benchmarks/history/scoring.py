"""Compares change points that were found with those that are there: the same rule for everyone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from benchmarks.history.series import Series

WITHIN = 5
"""A change point hits a change at most so many points away; each change is hit once."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """Sums over series: points, changes that are there, those hit, false change points."""

    points: int = 0
    changes: int = 0
    hits: int = 0
    false: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(
            points=self.points + other.points,
            changes=self.changes + other.changes,
            hits=self.hits + other.hits,
            false=self.false + other.false,
        )

    @property
    def recall(self) -> float:
        return self.hits / self.changes

    @property
    def false_per_1000(self) -> float:
        return 1000.0 * self.false / self.points

    @classmethod
    def of(cls, series: Series, found: Sequence[int]) -> Self:
        """Each change, in order, takes the nearest change point that is left."""
        left = list(found)
        for change in series.changes:
            near = [place for place in left if abs(place - change) <= WITHIN]
            if near:
                left.remove(min(near, key=lambda place: abs(place - change)))
        return cls(
            points=len(series.values),
            changes=len(series.changes),
            hits=len(found) - len(left),
            false=len(left),
        )


def total(scores: Iterable[Score]) -> Score:
    return sum(scores, start=Score())
