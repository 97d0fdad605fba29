"""Finds level shifts in a series of measurements: numbers in, change points out; no effect.

A shift has to stand for four points, so that a spike is none, nor are two or three in a row; how it
is looked for stands in :mod:`~perfgate.verdict.level_changes`, what counts as noise in
:mod:`~perfgate.verdict.level_noise`. The range of places that the data do not exclude is that of
the likelihood ratio (Yao 1987).

Positive series are compared by ratio (logarithms). A series with a zero or a negative value is
compared by difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from perfgate.verdict.level_changes import level_changes
from perfgate.verdict.level_noise import SHORTEST, LevelNoise, Values

TAIL = 600
"""How many of the last points :func:`newest` looks at."""

_YAO_95 = 7.35
"""The likelihood ratio of the true place: -2 log(1 - sqrt(0.95))."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangePoint:
    """A new level begins at ``index``; the true place lies within ``earliest..latest``.

    ``before`` and ``after`` are the medians of the levels around it, in the values' unit;
    ``strength`` is their distance in units of its noise. What changed came after point
    ``earliest - 1`` and at the latest with point ``latest``.
    """

    index: int
    earliest: int
    latest: int
    before: float
    after: float
    strength: float

    @property
    def ratio(self) -> float:
        """The new level over the old one; infinite or NaN where the old one is zero."""
        if self.before == 0.0:
            return math.nan if self.after == 0.0 else math.copysign(math.inf, self.after)
        return self.after / self.before


def change_points(values: ArrayLike) -> tuple[ChangePoint, ...]:
    """All level shifts of a series, in order; the same values always give the same answer.

    Raises:
        ValueError: the values are no one-dimensional series of finite numbers.
    """
    return tuple(_found(_checked(values), 0))


def newest(values: ArrayLike) -> tuple[ChangePoint, ...]:
    """The level shifts among the last :data:`TAIL` values, by their place in the whole series.

    Raises:
        ValueError: as :func:`change_points`.
    """
    series = _checked(values)
    skipped = max(0, len(series) - TAIL)
    return tuple(_found(series[skipped:], skipped))


def _checked(values: ArrayLike) -> Values:
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1:
        raise ValueError(f"a series has one dimension, not {series.ndim}")
    if not np.isfinite(series).all():
        raise ValueError("a series holds finite numbers only; leave out what was not measured")
    return series


def _comparable(series: Values) -> Values:
    """Values whose differences mean the same anywhere in the series."""
    if series.min() > 0.0:
        logarithms: Values = np.log(series)
        return logarithms
    largest = float(np.abs(series).max())
    return series / largest if largest > 0.0 else series


def _found(series: Values, skipped: int) -> Iterator[ChangePoint]:
    if len(series) < 2 * SHORTEST:
        return
    places, noise = level_changes(LevelNoise.of(_comparable(series)))
    ends = [0, *places, len(series)]
    levels = [_median(series[start:end]) for start, end in pairwise(ends)]
    for number, place in enumerate(places):
        start, end = ends[number], ends[number + 2]
        possible = np.arange(start + 1, end)
        squares = noise.contrasts(start, possible, end) ** 2
        strength = squares[place - start - 1]
        possible = possible[squares >= strength - _YAO_95]
        yield ChangePoint(
            index=skipped + place,
            earliest=skipped + int(possible[0]),
            latest=skipped + int(possible[-1]),
            before=levels[number],
            after=levels[number + 1],
            strength=math.sqrt(strength),
        )


def _median(values: Values) -> float:
    """Of halves: two of the largest numbers have no sum."""
    return 2.0 * float(np.median(values / 2.0))
