"""Which slowdowns of main stand, gathered by case: a history in, regressions out; no effect.

A shift stands while its line has not come back since. Shifts of one case that may have come with
the same commits are one regression.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from perfgate.records.history import History, Line, LineKey
from perfgate.records.results import END_TO_END
from perfgate.verdict.change_points import ChangePoint, change_points
from perfgate.verdict.metrics import LOAD, LOAD_MARGIN, STAGE_SHARE

DAY_S: Final = 86_400
FLOOR_MS: Final = 5.0
"""A part that takes less is shown and makes no issue, as a gate shows and does not judge it."""
BACK: Final = 0.5
"""The part of the margin below which a line is back, so that one at the margin does not flap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Margins:
    """The slowdowns that count, as fractions: of a whole request, and of anything else."""

    end_to_end: float = 0.03
    part: float = 0.10

    def of(self, metric: str) -> float:
        if metric == END_TO_END:
            return self.end_to_end
        return max(self.part, LOAD_MARGIN) if metric == LOAD else self.part


class LineState(StrEnum):
    """Whether anything can be said of a line today."""

    RECENT = "recent"
    ENDED = "ended"  # its workload changed, and another line took its place
    STALE = "stale"  # not measured lately


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shift:
    """A line that went up and is not back.

    ``now`` is its level today, in the line's unit; ``counts`` is whether both the shift itself and
    what is left of it are larger than the margin. ``commits`` are the places of the last commit
    before it and of the last that may have brought it, among all that were measured.
    """

    line: Line
    point: ChangePoint
    now: float
    counts: bool
    commits: tuple[int, int]

    @property
    def key(self) -> LineKey:
        return self.line.key

    @property
    def ratio(self) -> float:
        """Today's level over the one before the shift."""
        return self.now / self.point.before

    @property
    def last_before(self) -> int:
        """The point whose commit was certainly not slower yet."""
        return self.point.earliest - 1

    @property
    def span_s(self) -> tuple[int, int]:
        """When it may have happened, in seconds since 1970, and a point on either side.

        A later look, with more points, may move it that far.
        """
        seconds = self.line.seconds
        last = min(self.point.latest + 1, len(seconds) - 1)
        return int(seconds[max(self.last_before - 1, 0)]), int(seconds[last])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Regression:
    """One slowdown of a case in all lines that it shows in, the telling one first."""

    shifts: tuple[Shift, ...]

    @property
    def head(self) -> Shift:
        return self.shifts[0]

    @property
    def case(self) -> str:
        return self.head.key.case

    @property
    def counts(self) -> bool:
        return self.head.counts


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Standing:
    """Everything that stands, the worst first; what is known of every line, by its digest."""

    regressions: tuple[Regression, ...]
    lines: Mapping[str, LineState]
    margins: Margins


def digest(key: LineKey) -> str:
    """A line's name in twelve hexadecimal digits; two lines never share one."""
    parts = (key.case, key.framework, key.hardware_key, key.workload_hash, key.metric, key.unit)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:12]


def standing(history: History, *, now_s: int, margins: Margins, recent_days: float) -> Standing:
    """The slowdowns that stand at ``now_s``, in seconds since 1970.

    Points from the future, more than a day ahead, are left out: a machine's clock was wrong.
    """
    lines = [_known(line, now_s + DAY_S) for line in history.lines]
    successors = _first_points(lines)
    oldest_s = now_s - recent_days * DAY_S
    states = {digest(line.key): _state(line, successors, oldest_s) for line in lines if len(line)}
    order = _order_of_commits(history, lines)
    totals = {_cell(line.key): line for line in lines if line.key.metric == END_TO_END}
    shifts = [
        shift
        for line in lines
        if states.get(digest(line.key)) is LineState.RECENT and _is_judged(line, totals)
        for shift in _shifts(line, margins.of(line.key.metric), order)
    ]
    regressions = sorted(_gathered(shifts), key=lambda one: _importance(one.head))
    return Standing(regressions=tuple(regressions), lines=states, margins=margins)


def _known(line: Line, until_s: int) -> Line:
    """The line up to a moment, without values that are no numbers."""
    kept = (line.seconds <= until_s) & np.isfinite(line.values)
    if kept.all():
        return line
    columns = ("seconds", "values", "lows", "highs", "counts", "runs")
    return Line(key=line.key, **{name: getattr(line, name)[kept] for name in columns})


def _cell(key: LineKey) -> tuple[str, str, str, str]:
    return key.case, key.framework, key.hardware_key, key.workload_hash


def _place(key: LineKey) -> tuple[str, str, str, str]:
    """What a line shares with the one that follows it when the workload changes."""
    return key.case, key.framework, key.hardware_key, key.metric


def _first_points(lines: Iterable[Line]) -> Mapping[tuple[str, str, str, str], int]:
    """When the youngest line of each place began, in seconds since 1970."""
    first: dict[tuple[str, str, str, str], int] = {}
    for line in lines:
        if len(line):
            place, began = _place(line.key), int(line.seconds[0])
            first[place] = max(began, first.get(place, began))
    return first


def _state(
    line: Line, successors: Mapping[tuple[str, str, str, str], int], oldest_s: float
) -> LineState:
    # Two workloads that are measured side by side go on both: neither took the other's place.
    if successors[_place(line.key)] > line.seconds[-1]:
        return LineState.ENDED
    return LineState.RECENT if line.seconds[-1] >= oldest_s else LineState.STALE


def _is_judged(line: Line, totals: Mapping[tuple[str, str, str, str], Line]) -> bool:
    key = line.key
    if key.unit == "MiB":
        return not key.hardware_key.startswith("cpu-")
    level = float(np.median(line.values))
    if key.metric == END_TO_END:
        return level > 0.0
    total = totals.get(_cell(key))
    least = STAGE_SHARE * float(np.median(total.values)) if total is not None and len(total) else 0
    return level >= max(FLOOR_MS, least)


def _order_of_commits(history: History, lines: Iterable[Line]) -> NDArray[np.int64]:
    """For each run the place of its commit among all, in the order in which they were measured."""
    first = np.full(len(history.runs), np.iinfo(np.int64).max)
    for line in lines:
        np.minimum.at(first, line.runs, line.seconds)
    places: dict[str, int] = {}
    order = np.zeros(len(first), dtype=np.int64)
    for run in np.argsort(first, kind="stable").tolist():
        # A run without a commit is a place of its own.
        name = history.runs[run].commit or f"run {run}"
        order[run] = places.setdefault(name, len(places))
    return order


def _shifts(line: Line, margin: float, order: NDArray[np.int64]) -> Iterator[Shift]:
    """Its rises that are not back, if only in part."""
    points = change_points(line.values)
    for number, point in enumerate(points):
        back = point.before * (1.0 + BACK * margin)
        levels = [one.after for one in points[number:]]
        # A line that was back once is back: what made it slow again is another change.
        if point.before > 0.0 and math.isfinite(point.ratio) and min(levels) > back:
            slower = point.before * (1.0 + margin)
            counts = point.after >= slower and levels[-1] >= slower
            yield Shift(
                line=line,
                point=point,
                now=levels[-1],
                counts=counts,
                commits=(
                    int(order[line.runs[point.earliest - 1]]),
                    int(order[line.runs[point.latest]]),
                ),
            )


def _importance(shift: Shift) -> tuple[bool, bool, float, LineKey, int]:
    """Sorts first what counts, then whole requests, then what got slower by most."""
    part = shift.key.metric != END_TO_END
    return not shift.counts, part, -shift.ratio, shift.key, shift.point.index


def _gathered(shifts: Sequence[Shift]) -> Iterator[Regression]:
    by_case: dict[str, list[Shift]] = {}
    for shift in sorted(shifts, key=_importance):
        by_case.setdefault(shift.key.case, []).append(shift)
    for left in by_case.values():
        while left:
            head = left[0]
            together = [one for one in left if _may_be_one(one, head)]
            # Of a line that shifted twice within the span the larger one tells of both.
            lines = {digest(one.key): one for one in reversed(together)}
            kept = [one for one in together if lines[digest(one.key)] is one]
            yield Regression(shifts=tuple(kept))
            left[:] = [one for one in left if one not in together]


def _may_be_one(one: Shift, other: Shift) -> bool:
    """Whether one commit may have brought both; a commit measured again brings what it brings."""
    begins = max(one.commits[0], other.commits[0])
    ends = min(max(each.commits[1], each.commits[0] + 1) for each in (one, other))
    return begins < ends
