"""Splits cases over runners so that the longest part is short. Pure: seconds in, groups out."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

_HALVINGS = 20
"""Of the interval that holds the smallest bound that fits: a millionth of it is left."""


def balance(seconds: Mapping[str, float], runners: int) -> tuple[tuple[str, ...], ...]:
    """The cases in at most ``runners`` groups, none of them empty, in their own order.

    The better of two: the longest case first to whoever is free (Graham, "Bounds on multiprocessing
    timing anomalies", 1969, doi:10.1137/0117039; at most 4/3 of the best possible) and the tightest
    bound into which the first fit packs them (Coffman, Garey and Johnson, "An application of
    bin-packing to multiprocessor scheduling", 1978, doi:10.1137/0207001; at most 1.22 of it).
    """
    if runners < 1:
        raise ValueError(f"{runners} runners can measure nothing")
    longest_first = sorted(seconds, key=lambda case: -seconds[case])
    found = _to_the_free(longest_first, seconds, runners)
    packed = _packed(longest_first, seconds, runners, below=longest(found, seconds))
    if packed is not None and longest(packed, seconds) < longest(found, seconds):
        found = packed
    place = {case: index for index, case in enumerate(seconds)}
    groups = [tuple(sorted(group, key=place.__getitem__)) for group in found if group]
    return tuple(sorted(groups, key=lambda group: place[group[0]]))


def longest(groups: Sequence[Sequence[str]], seconds: Mapping[str, float]) -> float:
    """How long the slowest group takes."""
    return max((sum(seconds[case] for case in group) for group in groups), default=0.0)


def lower_bound(seconds: Mapping[str, float], runners: int) -> float:
    """What no split over so many runners can beat.

    The mean over the runners; and since of the k·runners + 1 longest cases some runner has k + 1,
    the k + 1 shortest of these together.
    """
    ordered = sorted(seconds.values(), reverse=True)
    found = sum(ordered) / runners
    for cases in range(1, -(-len(ordered) // runners) + 1):
        last = (cases - 1) * runners
        if last < len(ordered):
            found = max(found, sum(ordered[last - cases + 1 : last + 1]))
    return found


def _to_the_free(
    longest_first: Sequence[str], seconds: Mapping[str, float], runners: int
) -> list[list[str]]:
    groups: list[list[str]] = [[] for _ in range(runners)]
    # Cases without a length are told apart by how many there are, so that they spread as well.
    free = [(0.0, 0, index) for index in range(runners)]
    for case in longest_first:
        taken, number, index = heapq.heappop(free)
        groups[index].append(case)
        heapq.heappush(free, (taken + seconds[case], number + 1, index))
    return groups


def _packed(
    longest_first: Sequence[str], seconds: Mapping[str, float], runners: int, *, below: float
) -> list[list[str]] | None:
    """The groups of the smallest bound that is found; None where nothing fits under ``below``."""
    low, high, found = lower_bound(seconds, runners), below, None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        groups = _first_fit(longest_first, seconds, runners, bound=middle)
        if groups is None:
            low = middle
        else:
            high, found = middle, groups
    return found


def _first_fit(
    longest_first: Sequence[str], seconds: Mapping[str, float], runners: int, *, bound: float
) -> list[list[str]] | None:
    groups: list[list[str]] = [[] for _ in range(runners)]
    left = [bound] * runners
    for case in longest_first:
        wanted = seconds[case]
        index = next((index for index, room in enumerate(left) if wanted <= room), None)
        if index is None:
            return None
        groups[index].append(case)
        left[index] -= wanted
    return groups
