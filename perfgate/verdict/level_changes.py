"""Looks for the places where the level of a series changes; numbers in, places out.

Windows of many lengths, up to eight times as long on one side, compare the mean before every place
with the mean after it (moving sums at many bandwidths: Messer et al. 2014, Cho and Kirch 2022), and
the narrowest over their threshold win (narrowest over threshold: Baranowski, Chen and Fryzlewicz
2019). Then whole levels are compared with their neighbours: those that are two are split, places
are refitted, and the weakest go until all stand. This is done first as if the noise were white and
again with what :mod:`~perfgate.verdict.level_noise` measures between the changes.

What moves slowly is no shift: where a straight line explains more than a step, or about as much as
several steps the same way, and where the points next to a step show little of it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from perfgate.verdict.level_noise import SHORTEST, LevelNoise, Places, Values

_THRESHOLD = 3.4
"""For the longest windows, in units of noise."""
_SHORT_WINDOWS = 3.3
"""A series holds more windows the shorter they are, so their threshold rises."""
_UNEVEN = 8.0
_LIKELY = 10000.0
"""Where a series changes often, the next change is more likely: the share of changes times this."""
_LEAST = 2.5
"""However likely changes are, so many units of noise are wanted of each."""
_ROUNDS = 8
_LINE = 2.5
"""By how many units of noise squared a line must explain more than the step."""
_LINE_POINTS = 16
"""A line through fewer points a side tells nothing."""
_STEP = 7.0
"""Each step after the first must explain so much more than the line does."""
_NEAR = 20.0
"""So many points near the change that the shift would be three units of noise between them..."""
_NEAR_POINTS = 20
_NEAR_SHARE = 0.55
"""... must show this share of it."""


def level_changes(noise: LevelNoise) -> tuple[list[int], LevelNoise]:
    """Where each new level begins, and the noise as measured between these places."""
    places = _standing(noise, _narrowest(noise))
    noise = noise.apart_from(places)
    places = _standing(noise, places, _credit(noise, places))
    places, noise = _settled(noise, places, credited=False)
    return _settled(noise, places, credited=True)


def _settled(
    noise: LevelNoise, places: list[int], *, credited: bool
) -> tuple[list[int], LevelNoise]:
    """Measure the noise between the changes and look again, until both stay."""
    seen = [places]
    for _ in range(_ROUNDS):
        noise = noise.with_excess(places)
        kept = _standing(noise, places, _credit(noise, places) if credited else 0.0)
        if kept in seen:
            # Round in a circle: what is not sure is not told.
            return min(kept, places, key=len), noise
        seen.append(kept)
        places = kept
    return places, noise


def _credit(noise: LevelNoise, places: list[int]) -> float:
    """What the share of changes found takes off the squared threshold: twice its log odds.

    Two are not counted: chance makes a level that goes up and back now and then.
    """
    return 2.0 * math.log(1.0 + _LIKELY * max(0, len(places) - 2) / len(noise))


def _threshold(before: Places | int, after: Places | int, credit: float = 0.0) -> Values:
    length = 1.0 / (1.0 / np.asarray(before) + 1.0 / np.asarray(after))
    square = _THRESHOLD**2 + _SHORT_WINDOWS * np.log(1.0 + 100.0 / length) - credit
    threshold: Values = np.sqrt(np.maximum(square, _LEAST**2))
    return threshold


def _narrowest(noise: LevelNoise) -> list[int]:
    """Where the narrowest windows exceed their threshold; no window holds the place of another."""
    chosen: list[int] = []
    for place, start, end in _exceeding(noise).tolist():
        if bisect_right(chosen, start) == bisect_left(chosen, end):
            chosen.insert(bisect_left(chosen, place), place)
    return chosen


def _exceeding(noise: LevelNoise) -> Places:
    """Place, start and end of windows that exceed their threshold, the narrowest first.

    Of places in a row that the same windows exceed at, the strongest stands for all.
    """
    rows, strengths = [np.empty((0, 3), dtype=np.int64)], [np.empty(0)]
    for before, after in product(noise.lengths.tolist(), repeat=2):
        if max(before, after) > _UNEVEN * min(before, after) or before + after > len(noise):
            continue
        strength = np.abs(noise.distances_everywhere(before, after))
        above = np.flatnonzero(strength > float(_threshold(before, after)))
        if not len(above):
            continue
        firsts = np.concatenate(([0], 1 + np.flatnonzero(above[1:] - above[:-1] > 1)))
        best = above[_best_of(strength[above], firsts)]
        rows.append(np.column_stack((best + before, best, best + before + after)))
        strengths.append(strength[best])
    found, strength = np.concatenate(rows), np.concatenate(strengths)
    return found[np.lexsort((found[:, 0], -strength, found[:, 2] - found[:, 1]))]


def _best_of(scores: Values, firsts: Places) -> Places:
    """The index of the largest score, the first of equals, of each group that begins at firsts."""
    largest = np.maximum.reduceat(scores, firsts)
    groups = np.repeat(np.arange(len(firsts)), np.concatenate((firsts[1:], [len(scores)])) - firsts)
    among = np.flatnonzero(scores == largest[groups])
    return among[np.searchsorted(groups[among], np.arange(len(firsts)))]


def _standing(noise: LevelNoise, places: list[int], credit: float = 0.0) -> list[int]:
    """The change points between whole levels, looked for from these."""
    for _ in range(3):
        kept = _pruned(noise, _refitted(noise, _split(noise, places, credit)), credit)
        if kept == places:
            break
        places = kept
    return places


def _split(noise: LevelNoise, places: list[int], credit: float) -> list[int]:
    """These places, and those where a level between them is two."""
    known = list(places)
    levels = list(pairwise([0, *places, len(noise)]))
    while levels := [(start, end) for start, end in levels if end - start >= 2 * SHORTEST]:
        starts, inner, ends, firsts = _inside(levels)
        over = np.abs(noise.distances(starts, inner, ends))
        over /= _threshold(inner - starts, ends - inner, credit)
        best = _best_of(over, firsts)
        halves = []
        for level, index in zip(levels, best.tolist(), strict=True):
            if over[index] >= 1.0:
                place = int(inner[index])
                known.append(place)
                halves += [(level[0], place), (place, level[1])]
        levels = halves
    return sorted(known)


def _inside(levels: list[tuple[int, int]]) -> tuple[Places, Places, Places, Places]:
    """Starts, places and ends of all ways to split each level, and where each level's begin."""
    start, end = np.array(levels).T
    counts = end - start - 2 * SHORTEST + 1
    firsts = np.cumsum(counts) - counts
    inner = np.arange(counts.sum()) + np.repeat(start + SHORTEST - firsts, counts)
    return np.repeat(start, counts), inner, np.repeat(end, counts), firsts


def _refitted(noise: LevelNoise, places: list[int]) -> list[int]:
    """Each at the best place between its neighbours: every other one, then the rest."""
    ends = [0, *places, len(noise)]
    for turn in (1, 2):
        numbers = [
            number
            for number in range(turn, len(ends) - 1, 2)
            if ends[number + 1] - ends[number - 1] >= 2 * SHORTEST
        ]
        if numbers:
            around = [(ends[number - 1], ends[number + 1]) for number in numbers]
            starts, inner, lasts, firsts = _inside(around)
            best = _best_of(np.abs(noise.contrasts(starts, inner, lasts)), firsts)
            for number, place in zip(numbers, inner[best].tolist(), strict=True):
                ends[number] = place
    return ends[1:-1]


def _pruned(noise: LevelNoise, places: list[int], credit: float) -> list[int]:
    """Without those that do not stand; of neighbours that do not, the weakest goes first."""
    while places:
        over = _over(noise, places, credit)
        padded = np.pad(over, 1, constant_values=np.inf)
        weakest = (over <= padded[:-2]) & (over < padded[2:]) & (over < 1.0)
        if not weakest.any():
            break
        places = [place for place, goes in zip(places, weakest, strict=True) if not goes]
    return places


def _over(noise: LevelNoise, places: list[int], credit: float) -> Values:
    """Strength over threshold; less than 1 also for what is no shift."""
    ends = np.array([0, *places, len(noise)])
    start, middle, end = ends[:-2], ends[1:-1], ends[2:]
    before, after = middle - start, end - middle
    shorter = np.minimum(before, after)
    strength = np.abs(noise.distances(start, middle, end))
    over = strength / _threshold(before, after, credit)
    line = (noise.slopes(start, middle, end) - 1.0) * strength**2
    over = np.where(_spike(noise, start, middle, end), np.minimum(over, 0.99), over)
    slow = (shorter >= _LINE_POINTS) & (line > _LINE)
    slow |= _climbing(noise, ends)
    points = _NEAR / (1.0 / before + 1.0 / after) / np.maximum(strength, 1.0) ** 2
    near = np.maximum(np.rint(points).astype(np.int64), _NEAR_POINTS)
    far = 2 * near <= shorter
    width = np.where(far, near, 1)
    slow |= far & (noise.sharpness(start, middle, end, width) < _NEAR_SHARE)
    return np.where(shorter < SHORTEST, 0.0, np.where(slow, np.minimum(over, 0.99), over))


def _climbing(noise: LevelNoise, ends: Places) -> NDArray[np.bool_]:
    """Which belong to steps the same way that a straight line explains about as well."""
    slow = np.zeros(len(ends) - 2, dtype=np.bool_)
    way = np.diff(np.diff(noise.sums[ends]) / np.diff(ends)) > 0.0
    turns = [0, *(np.flatnonzero(np.diff(way)) + 1).tolist(), len(way)]
    for first, last in pairwise(turns):
        flight = ends[first : last + 2]
        if last - first > 1 and np.diff(flight).min() >= _LINE_POINTS:
            slow[first:last] = noise.line_over_steps(flight) > -_STEP * (last - first - 1)
    return slow


def _spike(noise: LevelNoise, start: Places, middle: Places, end: Places) -> NDArray[np.bool_]:
    """Whether the shortest possible level is better told as one that is a point shorter."""
    here = np.abs(noise.contrasts(start, middle, end))
    earlier = np.where(middle - start == SHORTEST, middle - 1, middle)
    later = np.where(end - middle == SHORTEST, middle + 1, middle)
    sooner = np.abs(noise.contrasts(start, earlier, end)) > here
    return sooner | (np.abs(noise.contrasts(start, later, end)) > here)
