"""Where the level of a line moved, with the commits between which it happened; decides nothing.

The rule is perfgate.verdict.change_points'; here its indices become dates and commits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from perfgate.records.history import History, Line
from perfgate.verdict.change_points import ChangePoint


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """One change of level in ``line``; ``point`` is the first of the new level.

    ``last_before`` is the newest commit that was surely still at the old level, ``first_after``
    the oldest that was surely at the new one; ``nights`` is how many points the new level has.
    """

    line: Line
    point: int
    seconds: int
    ratio: float
    before: float
    after: float
    last_before: str
    first_after: str
    nights: int


def shifts_of(history: History, found_in: Iterable[Sequence[ChangePoint]]) -> tuple[Shift, ...]:
    """Every change of level, the newest first; ``found_in`` has those of each line in order."""
    found = [
        shift
        for line, points in zip(history.lines, found_in, strict=True)
        for shift in _in_line(history, line, points)
    ]
    found.sort(key=lambda one: (-one.seconds, one.line.key))
    return tuple(found)


def _in_line(history: History, line: Line, points: Sequence[ChangePoint]) -> list[Shift]:
    ends = [*(point.index for point in points), len(line)][1:]

    def commit(at: int) -> str:
        return history.runs[int(line.runs[at])].commit

    return [
        Shift(
            line=line,
            point=point.index,
            seconds=int(line.seconds[point.index]),
            ratio=point.ratio,
            before=point.before,
            after=point.after,
            last_before=commit(max(0, point.earliest - 1)),
            first_after=commit(min(len(line) - 1, point.latest)),
            nights=end - point.index,
        )
        for point, end in zip(points, ends, strict=True)
    ]
