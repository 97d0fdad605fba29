"""Who is fastest in a case, by how much, and whether the spread supports it; pure.

The unit of evidence is a launch: its value is the median of its requests, which share one process
and are no independent samples. One framework is called faster than another only where their
spreads lie apart. With fewer than six launches of either, the spread is from least to greatest, and
two that do not overlap are believed where chance alone would part equal ones in at most 5 % of all
cases (the exact permutation probability 2 / C(n + m, n): four launches each). From six launches on
it is the distribution-free interval of the median by order statistics, with at least 95 % (David
and Nagaraja, "Order Statistics", 3rd edition, 2003, section 7.1). Several comparisons are not
corrected for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median

from perfgate.records.results import END_TO_END, Cell

LEAST_FOR_AN_INTERVAL = 6
LEAST_LAUNCHES = 4
"""The fewest launches of each of two frameworks with which one may be called faster."""
COMPILED = "-compiled"
"""Behind a framework's name: what it measures with compiled kernels is a cell of its own."""
_CHANCE = 0.05


@dataclass(frozen=True, kw_only=True)
class Spread:
    """What one cell measured, in the metric's unit: all requests, and its launches by size.

    ``median``, ``least`` and ``greatest`` are of the requests, as a history counts them; what may
    be said of them rests on the launches.
    """

    median: float
    least: float
    greatest: float
    samples: int
    launches: tuple[float, ...]

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the launches' median; None where there are too few."""
        if len(self.launches) < LEAST_FOR_AN_INTERVAL:
            return None
        rank = _rank(len(self.launches))
        return self.launches[rank], self.launches[-1 - rank]


@dataclass(frozen=True, kw_only=True)
class Place:
    """One framework in a case.

    ``ratio`` is its median over the fastest's, ``apart`` whether the spreads support that it is
    slower, ``why_not`` what speaks against it; all empty for a cell without a number.
    """

    cell: Cell
    spread: Spread | None = None
    ratio: float | None = None
    apart: bool = False
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """One case: the fastest first, cells without a number last."""

    case: str
    places: tuple[Place, ...]

    @property
    def measured(self) -> tuple[Place, ...]:
        """The places with a number."""
        return tuple(place for place in self.places if place.spread is not None)

    @property
    def winner(self) -> str | None:
        """The framework that is faster than every other one with a number; None where none is."""
        first, *others = self.measured or (None,)
        if first is None or not others or not all(place.apart for place in others):
            return None
        return first.cell.framework


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """What compiled kernels bring one framework in a case.

    ``ratio`` is the compiled median over the eager one, ``why_not`` what speaks against believing
    that they differ.
    """

    framework: str
    ratio: float
    why_not: str = ""


def rankings(cells: Iterable[Cell]) -> tuple[Ranking, ...]:
    """Every case once, in the order in which cases come first."""
    cases: dict[str, list[Cell]] = {}
    for cell in cells:
        cases.setdefault(cell.case, []).append(cell)
    return tuple(_ranking(case, found) for case, found in cases.items())


def compiled_of(ranking: Ranking) -> tuple[Compiled, ...]:
    """Every framework that has a number both eager and compiled."""
    spreads = {place.cell.framework: place.spread for place in ranking.measured}
    return tuple(
        Compiled(framework=name, ratio=fast.median / eager.median, why_not=_either(eager, fast))
        for name, eager in spreads.items()
        if eager is not None
        and eager.median > 0
        and (fast := spreads.get(f"{name}{COMPILED}")) is not None
    )


def spread_of(cell: Cell, metric: str = END_TO_END) -> Spread | None:
    """The spread of one metric; None where the cell has no sample of it."""
    found = next((one for one in cell.metrics if one.name == metric), None)
    if found is None:
        return None
    return Spread(
        median=median(found.samples),
        least=min(found.samples),
        greatest=max(found.samples),
        samples=len(found.samples),
        launches=tuple(sorted(_launch_values(found.samples, cell.launches))),
    )


def _launch_values(samples: Sequence[float], launches: Sequence[int]) -> list[float]:
    """The median of each launch; where nobody knows the launches, each sample is one."""
    if sum(launches) != len(samples):
        return list(samples)
    ends = list(accumulate(launches))
    return [median(samples[end - size : end]) for end, size in zip(ends, launches, strict=True)]


def _rank(count: int) -> int:
    """The greatest index from either end between which the median lies with at least 95 %."""
    outside, rank = 0.0, 0
    for index in range(count // 2):
        outside += 2 * math.comb(count, index) / 2**count
        if outside > _CHANCE:
            break
        rank = index
    return rank


def _ranking(case: str, cells: Sequence[Cell]) -> Ranking:
    spreads = [(cell, spread_of(cell)) for cell in cells]
    ranked = sorted(
        ((spread, cell) for cell, spread in spreads if spread is not None),
        key=lambda one: one[0].median,
    )
    failed = [Place(cell=cell) for cell, spread in spreads if spread is None]
    if not ranked:
        return Ranking(case=case, places=tuple(failed))
    (fastest, winner), *others = ranked
    first = Place(cell=winner, spread=fastest, ratio=1.0)
    behind = [_behind(fastest, spread, cell) for spread, cell in others]
    return Ranking(case=case, places=(first, *behind, *failed))


def _behind(fastest: Spread, spread: Spread, cell: Cell) -> Place:
    ratio = spread.median / fastest.median if fastest.median > 0 else None
    why_not = _why_not_apart(fastest, spread)
    return Place(cell=cell, spread=spread, ratio=ratio, apart=not why_not, why_not=why_not)


def _either(one: Spread, other: Spread) -> str:
    first, second = sorted((one, other), key=lambda spread: spread.median)
    return _why_not_apart(first, second)


def _why_not_apart(fast: Spread, slow: Spread) -> str:
    """Why the slower one may not be called so; empty where it may."""
    if fast.interval is not None and slow.interval is not None:
        return "" if fast.interval[1] < slow.interval[0] else "intervals overlap"
    one, other = len(fast.launches), len(slow.launches)
    if 2 / math.comb(one + other, one) > _CHANCE:
        fewest = min(one, other)
        return f"only {fewest} launch{'' if fewest == 1 else 'es'}"
    return "" if fast.launches[-1] < slow.launches[0] else "spreads overlap"
