"""Finds level shifts in a series of measurements: numbers in, change points out; no effect.

A shift has to stand for four points, so that a spike is none, nor are two or three in a row.
Windows of many lengths, up to eight times as long on one side, compare the mean before every place
with the mean after it (moving sums at many bandwidths: Messer et al. 2014, Cho and Kirch 2022), and
the narrowest over their threshold win (narrowest over threshold: Baranowski, Chen and Fryzlewicz
2019). Then whole levels are compared with their neighbours: those that are two are split, places
are refitted, and the weakest change points go until all stand. This is done first as if the noise
were white and again with what :mod:`~perfgate.verdict.level_noise` measures between the changes.
A straight line that explains more than the step is drift and no shift.

The range of places that the data do not exclude is that of the likelihood ratio (Yao 1987).
Positive series are compared by ratio (logarithms). A series with a zero or a negative value is
compared by difference.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from perfgate.verdict.level_noise import SHORTEST, LevelNoise, Places, Values

TAIL = 600
"""How many of the last points :func:`newest` looks at."""

_THRESHOLD = 3.4
"""For the longest windows."""
_SHORT_WINDOWS = 3.3
"""A series holds more windows the shorter they are, so their threshold rises."""
_UNEVEN = 8.0
_ROUNDS = 8
_DRIFT = 2.5
"""By how many units of noise squared a line must explain more than the step."""
_DRIFTING = 16
"""A line through fewer points a side tells nothing."""
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
    noise = LevelNoise.of(_comparable(series))
    places = _standing(noise, _narrowest(noise))
    for _ in range(_ROUNDS):
        noise = noise.knowing(places)
        kept = _standing(noise, places)
        if kept == places:
            break
        places = kept
    ends = [0, *places, len(series)]
    levels = [float(np.median(series[start:end])) for start, end in pairwise(ends)]
    for number, place in enumerate(places):
        start, end = ends[number], ends[number + 2]
        possible = np.arange(start + 1, end)
        squares = noise.distances(start, possible, end) ** 2
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


def _threshold(before: Places | int, after: Places | int) -> Values:
    length = 1.0 / (1.0 / np.asarray(before) + 1.0 / np.asarray(after))
    threshold: Values = np.sqrt(_THRESHOLD**2 + _SHORT_WINDOWS * np.log(1.0 + 100.0 / length))
    return threshold


def _narrowest(noise: LevelNoise) -> list[int]:
    """Where the narrowest windows exceed their threshold; no window holds the place of another."""
    chosen: list[int] = []
    for _, _, start, place, end in sorted(_exceeding(noise)):
        if bisect_right(chosen, start) == bisect_left(chosen, end):
            chosen.insert(bisect_left(chosen, place), place)
    return chosen


def _exceeding(noise: LevelNoise) -> Iterator[tuple[int, float, int, int, int]]:
    """Width, strength (negative), start, place and end of windows that exceed their threshold."""
    lengths = noise.lengths.tolist()
    for row, before in enumerate(lengths):
        for column, after in enumerate(lengths):
            if max(before, after) > _UNEVEN * min(before, after) or before + after > len(noise):
                continue
            strength = np.abs(noise.distances_everywhere(row, column))
            above = np.flatnonzero(strength > float(_threshold(before, after)))
            if not len(above):
                continue
            for run in np.split(above, np.flatnonzero(np.diff(above) > 1) + 1):
                start = int(run[np.argmax(strength[run])])
                width = before + after
                yield width, -float(strength[start]), start, start + before, start + width


def _standing(noise: LevelNoise, places: list[int]) -> list[int]:
    """The change points between whole levels, looked for from these."""
    for _ in range(3):
        kept = _pruned(noise, _refitted(noise, _split(noise, places)))
        if kept == places:
            break
        places = kept
    return places


def _split(noise: LevelNoise, places: list[int]) -> list[int]:
    """These places, and those where a level between them is two."""
    known = list(places)
    levels = list(pairwise([0, *places, len(noise)]))
    while levels:
        start, end = levels.pop()
        inner = np.arange(start + SHORTEST, end - SHORTEST + 1)
        if not len(inner):
            continue
        over = np.abs(noise.distances(start, inner, end)) / _threshold(inner - start, end - inner)
        best = int(np.argmax(over))
        if over[best] >= 1.0:
            place = int(inner[best])
            known.append(place)
            levels += [(start, place), (place, end)]
    return sorted(known)


def _refitted(noise: LevelNoise, places: list[int]) -> list[int]:
    """Each at the best place between its neighbours."""
    ends = [0, *places, len(noise)]
    for number in range(1, len(ends) - 1):
        start, end = ends[number - 1], ends[number + 1]
        inner = np.arange(start + SHORTEST, end - SHORTEST + 1)
        if len(inner):
            ends[number] = int(inner[np.argmax(np.abs(noise.distances(start, inner, end)))])
    return ends[1:-1]


def _pruned(noise: LevelNoise, places: list[int]) -> list[int]:
    """Without those that do not stand; of neighbours that do not, the weakest goes first."""
    while places:
        over = _over(noise, places)
        padded = np.pad(over, 1, constant_values=np.inf)
        weakest = (over <= padded[:-2]) & (over < padded[2:]) & (over < 1.0)
        if not weakest.any():
            break
        places = [place for place, goes in zip(places, weakest, strict=True) if not goes]
    return places


def _over(noise: LevelNoise, places: Sequence[int]) -> Values:
    """Strength over threshold; less than 1 also where a line explains more."""
    ends = np.array([0, *places, len(noise)])
    start, middle, end = ends[:-2], ends[1:-1], ends[2:]
    before, after = middle - start, end - middle
    shorter = np.minimum(before, after)
    strength = np.abs(noise.distances(start, middle, end))
    over = strength / _threshold(before, after)
    lead = (noise.slopes(start, middle, end) - 1.0) * strength**2
    drifts = (shorter >= _DRIFTING) & (lead > _DRIFT)
    over = np.where(drifts, np.minimum(over, 0.99), over)
    return np.where(shorter < SHORTEST, 0.0, over)
