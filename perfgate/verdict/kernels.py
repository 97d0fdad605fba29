"""What a kernel's samples say: times, ratios, rates. Pure; judges nothing, the gate does that.

Two figures of one row come from the same samples in different ways. A time is the lower quartile
over the rounds: what disturbs a machine only ever adds time. A ratio is the median of the ratios of
single rounds, in which both took their turn within milliseconds: what lasts longer slows both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from perfgate.records.kernels import CallTimes, KernelTable, VariantTimes

LOW = 0.25
"""The quantile that stands for a time. The minimum would hang on one lucky round."""
LEAST_SURE = 0.95
_US_PER_S = 1e6


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A ratio, with an interval that holds it in at least 95 %; no ends for under six rounds."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One timed row, derived: ``speed_up`` is the reference's time over its own.

    Rates count what the kernel has to move and compute at least, so that what a variant moves
    besides makes it slower and not busier. ``share`` is its rate over that of the table's bound.
    """

    time_us: float
    speed_up: Ratio | None
    bytes_per_s: float
    operations_per_s: float
    share: Ratio | None


def low_time_us(samples_us: Sequence[float]) -> float:
    """The lower quartile, between neighbours in a straight line (Hyndman and Fan's type 7)."""
    ordered = sorted(samples_us)
    place = LOW * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def ratio_of(slower_us: Sequence[float], faster_us: Sequence[float]) -> Ratio:
    """The median of ``slower / faster`` round by round, and an interval of its order statistics.

    The interval is Thompson's ("On confidence ranges for the median", Annals of Mathematical
    Statistics 7, 1936): between the r-th smallest and the r-th largest lies the median with
    1 - 2 P(Bin(n, 1/2) < r), whatever the distribution, if rounds are independent.
    """
    ratios = sorted(one / other for one, other in zip(slower_us, faster_us, strict=True))
    rank = _rank(len(ratios))
    return Ratio(
        value=median(ratios),
        low=ratios[rank - 1] if rank else None,
        high=ratios[-rank] if rank else None,
    )


def figures_of(table: KernelTable, row: VariantTimes) -> Figures | None:
    """The figures of a row; None for one that was not timed."""
    if row.times is None:
        return None
    time_us = low_time_us(row.times.samples_us)
    reference = _times_of(table.variants, table.reference)
    return Figures(
        time_us=time_us,
        speed_up=None
        if reference is None or row.name == table.reference
        else ratio_of(reference.samples_us, row.times.samples_us),
        bytes_per_s=table.moved_bytes / time_us * _US_PER_S,
        operations_per_s=table.operations / time_us * _US_PER_S,
        share=_share(table, row.times),
    )


def bound_rate(table: KernelTable) -> float | None:
    """Bytes or operations a second of the table's bound, whichever bounds the kernel."""
    bound = table.bound
    if bound is None:
        return None
    done = bound.moved_bytes if bound.name == "copy" else bound.operations
    return done / low_time_us(bound.times.samples_us) * _US_PER_S


def geometric_mean(values: Iterable[float]) -> float | None:
    """Of positive values; None of none."""
    logs = [math.log(value) for value in values]
    return math.exp(math.fsum(logs) / len(logs)) if logs else None


def _share(table: KernelTable, times: CallTimes) -> Ratio | None:
    bound = table.bound
    if bound is None:
        return None
    copies = bound.name == "copy"
    own = table.moved_bytes if copies else table.operations
    other = bound.moved_bytes if copies else bound.operations
    if own == 0 or other == 0:
        return None
    times_ratio, work = ratio_of(bound.times.samples_us, times.samples_us), own / other
    return Ratio(
        value=times_ratio.value * work,
        low=None if times_ratio.low is None else times_ratio.low * work,
        high=None if times_ratio.high is None else times_ratio.high * work,
    )


def _times_of(rows: Sequence[VariantTimes], name: str) -> CallTimes | None:
    return next((row.times for row in rows if row.name == name), None)


def _rank(count: int) -> int:
    """The largest r whose interval holds the median in 95 %; 0 where not even the extremes do."""
    tail, rank = 0.0, 0
    while rank < count // 2:
        tail += math.comb(count, rank) / 2**count
        if 2 * tail > 1 - LEAST_SURE:
            break
        rank += 1
    return rank
