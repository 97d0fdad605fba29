"""Compares means along a series with the noise such means have; numbers in, numbers out.

The noise of a mean of ``h`` points is

* white: half the mean square of first differences nearby, so that noise may change its size;
* times an excess: how much more the means of adjacent ``h`` points differ than white noise would
  let them (the two-sample variance of Allan 1966). Correlation and drift raise it. It is measured
  where no known change lies between the two means, and counts for little where few means exist.

Spikes of up to three points are clipped towards a running median of seven, which keeps the edges
of longer levels. All of it is cumulative sums: any number of means costs one pass of numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Values = NDArray[np.float64]
Places = NDArray[np.int64]

SHORTEST = 4
"""Points that a level needs to be one."""

_CLIP = 2.5
"""In units of noise."""
_STEEPEST = 4.0
"""Differences count as at most this, in units of noise."""
_NEARBY = 64
"""How many differences tell the noise of a place."""
_EVERY = 16
_BESIDE = 32
"""Where noise changes its size, the larger one of this many points to either side counts."""
_LONGEST = 1000
_GROWTH = 1.5
_FEW = 16.0
"""Means of ``h`` points count for little where the places to take them are fewer than this times
``h``."""
_MANY = 60
_FINEST = 1e-9
"""Smaller relative differences are rounding."""

# Of the absolute value of a standard normal number.
_MEDIAN, _QUARTILE, _HIGH = 0.6744897501960817, 1.1503493803760083, 1.959963984540054
_HIGH_SHARE = 0.95


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LevelNoise:
    """A series without its spikes, and the noise of its means.

    ``spread`` is a first estimate of the noise near each point, ``finest`` the least there can be.
    ``sums``, ``ramps`` and ``variances`` are cumulative: of the values, of the values times their
    place, and of their white variance. ``excess[h]`` is that of a mean of ``h`` points; ``lengths``
    are those at which it is measured.
    """

    clean: Values
    spread: Values
    finest: float
    sums: Values
    ramps: Values
    variances: Values
    lengths: Places
    excess: Values

    @classmethod
    def of(cls, series: Values) -> Self:
        """Its noise is taken as white until :meth:`with_excess` measures that."""
        steps = np.abs(np.diff(series))
        moved = steps[steps > _FINEST]
        # Rounded values that look equal differ by up to the resolution.
        finest = max(_FINEST, float(moved.min()) / math.sqrt(12.0) if len(moved) else 0.0)
        spread = np.maximum(_quartile_nearby(steps) / (_QUARTILE * math.sqrt(2.0)), finest)
        centre = _running_median(series)
        clean = centre + np.clip(series - centre, -_CLIP * spread, _CLIP * spread)
        clean = clean - clean.mean()
        lengths = _lengths(len(series))
        return cls(
            clean=clean,
            spread=spread,
            finest=finest,
            sums=_cumulative(clean),
            ramps=_cumulative(clean * np.arange(len(clean))),
            variances=_cumulative(np.maximum(_white(clean, spread), finest**2)),
            lengths=lengths,
            excess=np.ones(len(series) + 1),
        )

    def __len__(self) -> int:
        return len(self.clean)

    def apart_from(self, places: Sequence[int]) -> Self:
        """The same series with its white noise measured apart from changes at ``places``."""
        white = np.maximum(_white(self.clean, self.spread, places), self.finest**2)
        return replace(self, variances=_cumulative(white))

    def with_excess(self, places: Sequence[int]) -> Self:
        """The same with its excess measured too."""
        known = self.apart_from(places)
        excess = known.measured_excess(places)
        by_length = np.interp(np.log(np.arange(1, len(self) + 1)), np.log(self.lengths), excess)
        return replace(known, excess=np.concatenate(([1.0], by_length)))

    def distances(self, start: Places | int, places: Places, end: Places | int) -> Values:
        """Mean of ``places..end`` less mean of ``start..places``, in units of its noise."""
        before, after = places - start, end - places
        means = (self.sums[end] - self.sums[places]) / after
        means -= (self.sums[places] - self.sums[start]) / before
        noise = self.excess[before] * (self.variances[places] - self.variances[start]) / before**2
        noise += self.excess[after] * (self.variances[end] - self.variances[places]) / after**2
        distances: Values = means / np.sqrt(noise)
        return distances

    def contrasts(self, start: Places | int, places: Places, end: Places | int) -> Values:
        """As :meth:`distances`, as if the noise were of one size all over ``start..end``.

        Places compare fairly with each other: one is no better for the quiet stretch beside it.
        """
        before, after = places - start, end - places
        means = (self.sums[end] - self.sums[places]) / after
        means -= (self.sums[places] - self.sums[start]) / before
        white = (self.variances[end] - self.variances[start]) / (before + after)
        noise = white * (self.excess[before] / before + self.excess[after] / after)
        contrasts: Values = means / np.sqrt(noise)
        return contrasts

    def distances_everywhere(self, before: int, after: int) -> Values:
        """As :meth:`distances`, of windows of so many points, at each place where both fit."""
        both, last = before + after, len(self) - after + 1
        middle, start, end = slice(before, last), slice(None, last - before), slice(both, None)
        sums, variances = self.sums, self.variances
        means = (sums[end] - sums[middle]) / after - (sums[middle] - sums[start]) / before
        noise = (variances[middle] - variances[start]) * (self.excess[before] / before**2)
        noise += (variances[end] - variances[middle]) * (self.excess[after] / after**2)
        distances: Values = means / np.sqrt(noise)
        return distances

    def slopes(self, start: Places, places: Places, end: Places) -> Values:
        """How much of a straight line there is in ``start..end``; a pure step at ``places`` has 1.

        Sum of squares that the line explains, over the one that the step explains.
        """
        before, after, both = places - start, end - places, end - start
        total = self.sums[end] - self.sums[start]
        right = self.sums[end] - self.sums[places]
        step = (right - total * after / both) ** 2 * both / (before * after)
        turned = self.ramps[end] - self.ramps[start] - (start + end - 1) / 2.0 * total
        line = turned**2 / (both * (both * both - 1.0) / 12.0)
        slopes: Values = line / np.maximum(step, 1e-300)
        return slopes

    def line_over_steps(self, ends: Places) -> float:
        """By how much a straight line from the first to the last of ``ends`` explains more.

        More than the levels between them do, in units of white noise squared.
        """
        lengths = np.diff(ends)
        sums = np.diff(self.sums[ends])
        first, last, count, total = int(ends[0]), int(ends[-1]), lengths.sum(), sums.sum()
        steps = (sums**2 / lengths).sum() - total**2 / count
        turned = self.ramps[last] - self.ramps[first] - (first + last - 1) / 2.0 * total
        line = turned**2 / (count * (count * count - 1.0) / 12.0)
        white = (self.variances[last] - self.variances[first]) / count
        return float((line - steps) / white)

    def sharpness(self, start: Places, places: Places, end: Places, width: Places) -> Values:
        """How much of the step between whole levels ``width`` points on either side show."""
        sums = self.sums
        near = (sums[places + width] - 2.0 * sums[places] + sums[places - width]) / width
        whole = (sums[end] - sums[places]) / (end - places)
        whole -= (sums[places] - sums[start]) / (places - start)
        sharpness: Values = near / np.where(whole == 0.0, 1.0, whole)
        return sharpness

    def measured_excess(self, places: Sequence[int]) -> Values:
        """The excess at ``lengths``, from adjacent means between which no change is known."""
        changes = np.zeros(len(self) + 1, dtype=np.int64)
        changes[list(places)] = 1
        changes = np.cumsum(changes)
        excess = np.ones(len(self.lengths))
        measured = 0
        for index, length in enumerate(self.lengths.tolist()):
            last = len(self) - 2 * length + 1
            if last < 2 * length:
                break
            apart = changes[2 * length - 1 : -1] == changes[:last]
            seen = np.abs(self._adjacent(length, last)[apart])
            if len(seen) < 2 * length:
                break
            spread = float(np.median(seen)) / _MEDIAN
            if len(seen) >= _MANY * length:
                high = int(_HIGH_SHARE * len(seen))
                spread = max(spread, float(np.partition(seen, high)[high]) / _HIGH)
            excess[index] = spread**2 * math.exp(-((_FEW * length / len(seen)) ** 2))
            measured = index + 1
        excess = np.maximum.accumulate(np.maximum(excess, 1.0))
        return _continued(excess, measured)

    def _adjacent(self, length: int, last: int) -> Values:
        """Differences of adjacent means of ``length`` points, in units of white noise."""
        start, middle, end = slice(last), slice(length, last + length), slice(2 * length, None)
        change = self.sums[end] - 2.0 * self.sums[middle] + self.sums[start]
        adjacent: Values = change / np.sqrt(self.variances[end] - self.variances[start])
        return adjacent


def _continued(excess: Values, measured: int) -> Values:
    """Longer means than could be measured go on as the last ones did."""
    if 3 < measured < len(excess):
        growth = (excess[measured - 1] / excess[measured - 4]) ** (1.0 / 3.0)
        excess[measured:] = excess[measured - 1] * growth ** np.arange(
            1, len(excess) - measured + 1
        )
    return excess


def _cumulative(values: Values) -> Values:
    return np.concatenate(([0.0], np.cumsum(values)))


def _lengths(count: int) -> Places:
    longest = min(_LONGEST, max(SHORTEST, count - SHORTEST))
    steps = int(math.log(longest / SHORTEST) / math.log(_GROWTH))
    return np.unique(np.rint(SHORTEST * _GROWTH ** np.arange(steps + 1)).astype(np.int64))


def _running_median(series: Values) -> Values:
    """Of seven points around each; the first and last three share the outermost window's."""
    windows = sliding_window_view(series, 2 * SHORTEST - 1)
    middle = np.partition(windows, SHORTEST - 1, axis=1)[:, SHORTEST - 1]
    return np.pad(middle, SHORTEST - 1, mode="edge")


def _quartile_nearby(steps: Values) -> Values:
    """The upper quartile of the steps around each point of the series."""
    width = min(_NEARBY, len(steps))
    windows = sliding_window_view(steps, width)[::_EVERY]
    quartiles = np.partition(windows, 3 * width // 4, axis=1)[:, 3 * width // 4]
    middles = np.arange(len(windows)) * _EVERY + width / 2.0
    return np.interp(np.arange(len(steps) + 1), middles, quartiles)


def _white(clean: Values, spread: Values, places: Sequence[int] = ()) -> Values:
    """Half the mean square of the differences around each point, but for those at ``places``.

    What is larger than noise may be counts as the largest that noise may be.
    """
    squares = np.minimum(np.abs(np.diff(clean)), _STEEPEST * spread[1:]) ** 2 / 2.0
    counted = np.ones(len(squares))
    counted[[place - 1 for place in places]] = 0.0
    width = min(_NEARBY, len(squares))
    starts = np.clip(np.arange(len(clean)) - width // 2, 0, len(squares) - width)
    sums, counts = _cumulative(squares * counted), _cumulative(counted)
    number = np.maximum(counts[starts + width] - counts[starts], 1.0)
    white: Values = (sums[starts + width] - sums[starts]) / number
    padded = np.pad(white, _BESIDE, mode="edge")
    return np.maximum(white, np.maximum(padded[2 * _BESIDE :], padded[: -2 * _BESIDE]))
