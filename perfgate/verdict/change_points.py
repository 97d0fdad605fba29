"""Finds level shifts in a series of measurements: numbers in, change points out; no effect.

How it decides. A shift has to stand for four points, so that spikes (up to three in a row) are
none. Spikes are clipped towards a running median of seven points, which keeps the edges of levels.
At every place the mean of ``a`` points before is compared with the mean of ``b`` points after, for
window lengths ``a`` and ``b`` from 4 points up to thousands, all by cumulative sums (moving sums at
many bandwidths: Messer et al. 2014; Cho and Kirch 2022). The noise of these means is

* white: from first differences, robust and local, so that noise may change its size;
* as large as the series itself shows it at that length: adjacent means of ``h`` points differ by so
  much (the variance of Allan 1966). Drift and correlation raise the bar by that.

Of the places above the threshold the narrowest windows win (narrowest over threshold: Baranowski,
Chen and Fryzlewicz 2019). Then every change point is tested once more between its whole
neighbouring levels, and the weakest goes until all stand. The range of places that the data do not
exclude follows from the likelihood ratio's distribution (Yao 1987).

Positive series are compared by ratio (logarithms). A series with a zero or a negative value is
compared by difference.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = NDArray[np.float64]

SHORTEST = 4
"""Points that a level needs to be one."""
TAIL = 600
"""How many of the last points :func:`newest` looks at."""

_MEDIAN_OF = 2 * SHORTEST - 1
_GROWTH = 1.5
_LONGEST = 1000
_UNEVEN = 8.0
_CLIP = 3.0
_MAD = 0.6744897501960817
_BLOCK = 16
_BLOCKS = 4
_FINEST = 1e-9
_THRESHOLD = 3.4
_RANGE = 7.35
"""Yao's 95 %: -2 log(1 - sqrt(0.95))."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangePoint:
    """A new level begins at ``index``; the true place lies within ``earliest..latest``.

    ``before`` and ``after`` are the medians of the levels around it, in the values' unit;
    ``strength`` is their distance in units of its noise. A change between two commits lies after
    that of point ``earliest - 1`` and at the latest in that of point ``latest``.
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


def newest(values: ArrayLike) -> tuple[ChangePoint, ...]:
    """The change points among the last :data:`TAIL` values, as :func:`change_points` sees those."""
    series = _checked(values)
    skipped = max(0, len(series) - TAIL)
    return _found(series[skipped:], skipped)


def change_points(values: ArrayLike) -> tuple[ChangePoint, ...]:
    """All level shifts of a series, in order; the same values always give the same answer.

    Raises:
        ValueError: the values are no one-dimensional series of finite numbers.
    """
    return _found(_checked(values), 0)


def _checked(values: ArrayLike) -> Values:
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1:
        raise ValueError(f"a series has one dimension, not {series.ndim}")
    if not np.isfinite(series).all():
        raise ValueError("a series holds finite numbers only; leave out what was not measured")
    return series


def _found(series: Values, skipped: int) -> tuple[ChangePoint, ...]:
    if len(series) < 2 * SHORTEST:
        return ()
    sums = _sums(_comparable(series))
    places = _standing(sums, _candidates(sums))
    sums = _remeasured(sums, places)
    places = _standing(sums, places)
    ends = [0, *places, len(series)]
    levels = [float(np.median(series[a:b])) for a, b in pairwise(ends)]
    found = []
    for number, place in enumerate(places):
        start, end = ends[number], ends[number + 2]
        earliest, latest = _range(sums, start, place, end)
        found.append(
            ChangePoint(
                index=skipped + place,
                earliest=skipped + earliest,
                latest=skipped + latest,
                before=levels[number],
                after=levels[number + 1],
                strength=float(abs(_distances(sums, start, np.array([place]), end)[0])),
            )
        )
    return tuple(found)


def _comparable(series: Values) -> Values:
    """Values whose differences mean the same anywhere in the series."""
    if series.min() > 0.0:
        return np.log(series)
    largest = float(np.abs(series).max())
    return series / largest if largest > 0.0 else series


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sums:
    """Cumulative sums of a series without spikes and of its noise variance, and its excess.

    ``excess[h]`` is how many times larger the variance of a mean of ``h`` points is than white
    noise would make it.
    """

    values: Values
    variance: Values
    lengths: NDArray[np.int64]
    excess: Values

    def __len__(self) -> int:
        return len(self.values) - 1

    def excess_at(self, lengths: NDArray[np.int64] | int) -> Values:
        return np.interp(np.log(lengths), np.log(self.lengths), self.excess)


def _sums(series: Values) -> _Sums:
    differences = np.abs(np.diff(series))
    moved = differences[differences > _FINEST]
    # A clock's resolution is noise as well: of values that are rounded to the same number.
    finest = max(_FINEST, float(moved.min()) / math.sqrt(12.0) if len(moved) else 0.0)
    noise = np.maximum(_local(differences) / (_MAD * math.sqrt(2.0)), finest)
    centre = _running_median(series)
    clean = centre + np.clip(series - centre, -_CLIP * noise, _CLIP * noise)
    variance = np.maximum(_white(clean, noise), finest**2)
    values = np.concatenate(([0.0], np.cumsum(clean - clean.mean())))
    sums = np.concatenate(([0.0], np.cumsum(variance)))
    lengths = _lengths(len(series))
    return _Sums(
        values=values,
        variance=sums,
        lengths=lengths,
        excess=_excess(values, sums, lengths, longest=0),
    )


def _remeasured(sums: _Sums, places: Sequence[int]) -> _Sums:
    excess = _excess(sums.values, sums.variance, sums.lengths, places=places)
    return replace(sums, excess=excess)


def _lengths(count: int) -> NDArray[np.int64]:
    """Lengths of windows, each half as long again as the one before."""
    longest = min(_LONGEST, max(SHORTEST, count - SHORTEST))
    steps = int(math.log(longest / SHORTEST) / math.log(_GROWTH))
    return np.unique(np.rint(SHORTEST * _GROWTH ** np.arange(steps + 1)).astype(np.int64))


def _running_median(series: Values) -> Values:
    """Of seven points around each; the first and last three share the outermost window's."""
    windows = np.lib.stride_tricks.sliding_window_view(series, _MEDIAN_OF)
    middle = np.partition(windows, SHORTEST - 1, axis=1)[:, SHORTEST - 1]
    return np.pad(middle, SHORTEST - 1, mode="edge")


def _local(differences: Values) -> Values:
    """The median of the differences around each point of the series."""
    width = _BLOCK * _BLOCKS
    if len(differences) <= width:
        return np.full(len(differences) + 1, np.median(differences))
    windows = np.lib.stride_tricks.sliding_window_view(differences, width)[::_BLOCK]
    middles = np.arange(len(windows)) * _BLOCK + width / 2
    return np.interp(np.arange(len(differences) + 1), middles, np.median(windows, axis=1))


def _white(clean: Values, noise: Values) -> Values:
    """Half the mean square of the differences around each point; steps count as little."""
    steps = np.minimum(np.abs(np.diff(clean)), 1.5 * _CLIP * noise[1:]) ** 2 / 2.0
    width = min(_BLOCK * _BLOCKS, len(steps))
    sums = np.concatenate(([0.0], np.cumsum(steps)))
    starts = np.clip(np.arange(len(clean)) - width // 2, 0, len(steps) - width)
    return (sums[starts + width] - sums[starts]) / width


def _excess(
    values: Values,
    variance: Values,
    lengths: NDArray[np.int64],
    *,
    places: Sequence[int] = (),
    longest: int = _LONGEST,
) -> Values:
    """How much the means of adjacent windows differ where no known change lies between them."""
    found = np.ones(len(lengths))
    count = len(values) - 1
    known = np.zeros(count + 1, dtype=np.int64)
    known[list(places)] = 1
    known = np.cumsum(known)
    measured = 0
    for index, length in enumerate(lengths):
        if 4 * length > count or length > longest:
            break
        left, middle, right = values[: -2 * length], values[length:-length], values[2 * length :]
        noise = np.sqrt(variance[2 * length :] - variance[: -2 * length])
        undisturbed = known[2 * length - 1 : -1] == known[: -2 * length]
        if undisturbed.sum() < 2 * length:
            break
        scaled = np.abs(right - 2.0 * middle + left)[undisturbed] / noise[undisturbed]
        found[index] = (np.median(scaled) / _MAD) ** 2
        measured = index + 1
    growth = 0.0
    if measured > 3:
        growth = math.log(max(found[measured - 1], 1e-9) / max(found[measured - 4], 1e-9)) / 3
    for index in range(measured, len(lengths)):
        found[index] = (found[index - 1] if index else 1.0) * math.exp(min(max(growth, 0.0), 1.2))
    return np.maximum.accumulate(np.maximum(found, 1.0))


def _bar(before: NDArray[np.int64] | int, after: NDArray[np.int64] | int) -> Values:
    """The threshold: lower for long windows, of which a series holds fewer that are independent."""
    length = 1.0 / (1.0 / np.asarray(before) + 1.0 / np.asarray(after))
    bar: Values = np.sqrt(_THRESHOLD**2 + 2.0 * np.log(1.0 + 100.0 / length))
    return bar


def _distances(sums: _Sums, start: int, places: NDArray[np.int64], end: int) -> Values:
    """Mean of ``place..end`` less mean of ``start..place``, in units of its noise."""
    before, after = places - start, end - places
    values, variance = sums.values, sums.variance
    means = (values[end] - values[places]) / after - (values[places] - values[start]) / before
    noise = (
        sums.excess_at(before) * (variance[places] - variance[start]) / before**2
        + sums.excess_at(after) * (variance[end] - variance[places]) / after**2
    )
    return means / np.sqrt(noise)


def _candidates(sums: _Sums) -> list[int]:
    """Places of the narrowest windows over the threshold."""
    count = len(sums)
    found: list[tuple[int, float, int, int, int]] = []
    for row, before in enumerate(sums.lengths.tolist()):
        for column, after in enumerate(sums.lengths.tolist()):
            if max(before, after) > _UNEVEN * min(before, after) or before + after > count:
                continue
            ends = before + after
            values, variance = sums.values, sums.variance
            middle = slice(before, count - after + 1)
            means = (values[ends:] - values[middle]) / after
            means -= (values[middle] - values[: count - ends + 1]) / before
            noise = (variance[middle] - variance[: count - ends + 1]) * (
                sums.excess[row] / before**2
            )
            noise += (variance[ends:] - variance[middle]) * (sums.excess[column] / after**2)
            squares = means * means / noise
            above = np.flatnonzero(squares > float(_bar(before, after)) ** 2)
            if not len(above):
                continue
            runs = np.split(above, np.flatnonzero(np.diff(above) > 1) + 1)
            for run in runs:
                best = int(run[np.argmax(squares[run])])
                place = best + before
                found.append((ends, -float(squares[best]), place, best, best + ends))
    chosen: list[int] = []
    for _, _, place, start, end in sorted(found):
        if bisect_left(chosen, start + 1) == bisect_right(chosen, end - 1):
            chosen.insert(bisect_left(chosen, place), place)
    return chosen


def _standing(sums: _Sums, candidates: list[int]) -> list[int]:
    """Those that stand between their whole neighbouring levels, each at its best place."""
    places = list(candidates)
    for _ in range(3):
        places = _refitted(sums, places)
        kept = _pruned(sums, places)
        if kept == places:
            break
        places = kept
    return places


def _refitted(sums: _Sums, places: list[int]) -> list[int]:
    ends = [0, *places, len(sums)]
    for number in range(1, len(ends) - 1):
        start, end = ends[number - 1], ends[number + 1]
        inner = np.arange(start + SHORTEST, end - SHORTEST + 1)
        if len(inner):
            ends[number] = int(inner[np.argmax(np.abs(_distances(sums, start, inner, end)))])
    return sorted(set(ends[1:-1]))


def _pruned(sums: _Sums, places: list[int]) -> list[int]:
    ends = [0, *places, len(sums)]
    while len(ends) > 2:
        cut = np.array(ends)
        before, after = np.diff(cut)[:-1], np.diff(cut)[1:]
        values, variance = np.diff(sums.values[cut]), np.diff(sums.variance[cut])
        means = values[1:] / after - values[:-1] / before
        noise = (
            sums.excess_at(before) * variance[:-1] / before**2
            + sums.excess_at(after) * variance[1:] / after**2
        )
        ratios = np.abs(means) / np.sqrt(noise) / _bar(before, after)
        ratios[np.minimum(before, after) < SHORTEST] = 0.0
        weakest = int(np.argmin(ratios))
        if ratios[weakest] >= 1.0:
            break
        del ends[weakest + 1]
    return ends[1:-1]


def _range(sums: _Sums, start: int, place: int, end: int) -> tuple[int, int]:
    inner = np.arange(start + 1, end)
    squares = _distances(sums, start, inner, end) ** 2
    possible = inner[squares >= squares[place - start - 1] - _RANGE]
    return int(min(possible[0], place)), int(max(possible[-1], place))
