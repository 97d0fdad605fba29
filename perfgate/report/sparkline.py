"""A series as one line of block characters, for where no picture can be shown; draws no axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

BLOCKS: Final = "▁▂▃▄▅▆▇█"
SHIFT: Final = "│"
"""Stands where a level ends."""


def sparkline(values: Sequence[float], *, shift: int | None = None, width: int = 60) -> str:
    """The values from the least to the greatest block, in ``width`` characters at most.

    More values than that are shown as medians of neighbours. ``shift`` is the first value of a new
    level, which a line is drawn before.
    """
    if not values:
        return ""
    if shift is None:
        return _blocks(values, width, least=min(values), most=max(values))
    before, after = values[:shift], values[shift:]
    room = max(1, round((width - 1) * len(before) / len(values)))
    least, most = min(values), max(values)
    left = _blocks(before, min(room, width - 2), least=least, most=most)
    right = _blocks(after, width - 1 - len(left), least=least, most=most)
    return f"{left}{SHIFT}{right}"


def _blocks(values: Sequence[float], width: int, *, least: float, most: float) -> str:
    count = min(len(values), width)
    ends = [round(place * len(values) / count) for place in range(count + 1)] if count else []
    shown = [median(values[a:b]) for a, b in pairwise(ends)]
    size = (most - least) or 1.0
    return "".join(BLOCKS[round((value - least) / size * (len(BLOCKS) - 1))] for value in shown)
