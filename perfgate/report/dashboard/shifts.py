"""Where the level of a line moved, with the commits between which it happened; decides nothing.

The rule is perfgate.verdict.change_points'; here its indices become dates and commits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from perfgate.records.history import History, Line
from perfgate.verdict.change_points import ChangePoint

Find: TypeAlias = Callable[[NDArray[np.float64]], Sequence[ChangePoint]]


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


def shifts_of(history: History, find: Find) -> tuple[Shift, ...]:
    """Every change of level in every line, the newest first."""
    found = [shift for line in history.lines for shift in _in_line(history, line, find)]
    found.sort(key=lambda one: (-one.seconds, one.line.key))
    return tuple(found)


def _in_line(history: History, line: Line, find: Find) -> list[Shift]:
    points = list(find(line.values))
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
