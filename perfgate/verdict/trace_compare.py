"""Ranks what head's captures do otherwise than base's: captures in, rows out; decides no verdict.

Numbers of calls and shapes of inputs carry no noise: captures of one side agree in them, or they
are not looked at. They come first. Of times the median over the captures counts, and a change below
three deviations is hidden.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from perfgate.records.explained import MOST_ROWS, ExplainedRow, RowKind
from perfgate.verdict.trace_calls import Capture, Site
from perfgate.verdict.trace_sides import BothSides, Split, told_steps

DEVIATIONS = 3.0
"""A time that changed by less, in its own deviations, is not shown."""
LEAST_SHARE = 0.005
"""Nor is one by less than this share of a request: no gate has a margin as small."""
_TO_DEVIATION = 1.4826
"""A median absolute deviation as the standard deviation of normal noise (Hampel 1974)."""
_US_PER_MS = 1e3


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The rows in order, how many more there were, and how many times moved within their noise."""

    rows: tuple[ExplainedRow, ...]
    rows_left_out: int
    hidden: int
    split: Split


def compare_captures(base: Sequence[Capture], head: Sequence[Capture]) -> Comparison:
    """What head does otherwise; ``base[i]`` and ``head[i]`` were taken one after the other."""
    sides = BothSides(base=tuple(base), head=tuple(head))
    causes = _causes(sides)
    reshaped = {one for one in sides.sites if one not in causes and sides.other_shapes(one)}
    alike = [one for one in sides.sites if one not in causes and one not in reshaped]
    timed, hidden = _times(sides, alike)
    exact = [*_calls(sides, causes), *_shapes(sides, reshaped)]
    rows = [*exact, *_in_order(timed)]
    clock = "kernel" if sides.uses_a_device else None
    split = Split()
    for site in sides.sites:
        if clock is None or sides.kind(site) == clock:
            split += sides.split(site)
    return Comparison(
        rows=tuple(rows[:MOST_ROWS]),
        rows_left_out=max(0, len(rows) - MOST_ROWS),
        hidden=hidden,
        split=split,
    )


def _causes(sides: BothSides) -> dict[Site, Site]:
    """Each place whose number of calls changed, with the outermost place that accounts for it.

    A place accounts for those that it calls as often each time on both sides.
    """
    causes: dict[Site, Site] = {}
    for site in sorted(sides.sites, key=lambda one: len(one.path)):
        if not sides.other_calls(site):
            continue
        parent = site.parent
        base, head = sides.calls(site)
        if parent in causes:
            parent_base, parent_head = sides.calls(parent)
            if base * parent_head == head * parent_base:
                causes[site] = causes[parent]
                continue
        causes[site] = site
    return causes


def _calls(sides: BothSides, causes: dict[Site, Site]) -> list[ExplainedRow]:
    """A row for each cause, what lies below another one after it: the outermost says most."""
    groups: dict[Site, list[Site]] = {}
    for site, cause in causes.items():
        groups.setdefault(cause, []).append(site)
    rows = {cause: _row(sides, "calls", cause, group) for cause, group in groups.items()}
    below: defaultdict[Site, float] = defaultdict(float)
    for site, row in rows.items():
        for depth in range(len(site.path) + 1):
            below[Site(site.stage, site.path[:depth])] += row.more_calls_ms
    return [rows[cause] for cause in sorted(rows, key=lambda one: -below[one])]


def _shapes(sides: BothSides, reshaped: Iterable[Site]) -> list[ExplainedRow]:
    """One row a stage, named by the first place there that saw other shapes."""
    stages: dict[str, list[Site]] = {}
    for site in sides.sites:
        if site in reshaped:
            stages.setdefault(site.stage, []).append(site)
    return _in_order(_row(sides, "shapes", group[0], group) for group in stages.values())


def _row(sides: BothSides, kind: RowKind, site: Site, group: Sequence[Site]) -> ExplainedRow:
    split = Split()
    base_us = head_us = 0.0
    for one in group:
        split += sides.split(one)
        base_us, head_us = base_us + sides.us(one)[0], head_us + sides.us(one)[1]
    calls_base, calls_head = sides.calls(site)
    shapes_base, shapes_head = sides.changed_shapes(site)
    return ExplainedRow(
        kind=kind,
        what=sides.kind(site),
        stage=site.stage,
        path=site.path,
        steps=sides.changed_steps(site),
        shapes_base=shapes_base,
        shapes_head=shapes_head,
        calls_base=calls_base,
        calls_head=calls_head,
        base_ms=base_us / _US_PER_MS,
        head_ms=head_us / _US_PER_MS,
        more_calls_ms=split.more_calls_us / _US_PER_MS,
        slower_calls_ms=split.slower_calls_us / _US_PER_MS,
        includes=len(group) - 1,
    )


@dataclass(frozen=True, kw_only=True)
class _Change:
    """The time of one place and shape on both sides, in µs, a value for each capture."""

    site: Site
    shape: str
    base: tuple[float, ...]
    head: tuple[float, ...]

    @property
    def delta(self) -> float:
        return median(self.head) - median(self.base)

    @property
    def size(self) -> float:
        return max(median(self.base), median(self.head))

    @property
    def own_deviation(self) -> float:
        return _TO_DEVIATION * math.hypot(_mad(self.base), _mad(self.head))


def _times(sides: BothSides, sites: Iterable[Site]) -> tuple[list[ExplainedRow], int]:
    """Rows of what takes longer or shorter, and how many more moved, but within their noise.

    Five captures may agree by chance. No deviation is taken for less than what is usual among the
    places of this request, in proportion to their time.
    """
    changes = [
        _Change(site=site, shape=shape, base=base, head=head)
        for site in sites
        for shape, (base, head) in sides.times(site).items()
    ]
    least = LEAST_SHARE * sides.request_us
    large = [one for one in changes if one.size >= least]
    usual = median([one.own_deviation / one.size for one in large]) if large else 0.0
    rows, hidden = [], 0
    for one in large:
        deviation = max(one.own_deviation, usual * one.size)
        if abs(one.delta) < least:
            continue
        if abs(one.delta) < DEVIATIONS * deviation:
            hidden += 1
            continue
        rows.append(_time_row(sides, one, deviation))
    return rows, hidden


def _time_row(sides: BothSides, change: _Change, deviation: float) -> ExplainedRow:
    site = change.site
    calls = sides.calls_with(site, change.shape)
    return ExplainedRow(
        kind="time",
        what=sides.kind(site),
        stage=site.stage,
        path=site.path,
        steps=told_steps(sides.slower_steps(site, change.shape), sides.all_steps),
        shapes_base=change.shape,
        shapes_head=change.shape,
        calls_base=calls,
        calls_head=calls,
        base_ms=median(change.base) / _US_PER_MS,
        head_ms=median(change.head) / _US_PER_MS,
        more_calls_ms=0.0,
        slower_calls_ms=change.delta / _US_PER_MS,
        deviation_ms=deviation / _US_PER_MS,
    )


def _mad(values: Sequence[float]) -> float:
    middle = median(values)
    return median([abs(value - middle) for value in values])


def _in_order(rows: Iterable[ExplainedRow]) -> list[ExplainedRow]:
    """What costs most comes first."""
    return sorted(rows, key=lambda row: -row.delta_ms)
