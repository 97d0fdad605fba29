"""Finds the changes of level in many lines at once, on as many processors as there are."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from perfgate.verdict.change_points import ChangePoint, change_points

MANY_POINTS = 100_000
"""From so many on it pays to start processes, which takes a third of a second."""
_MOST_PROCESSES = 8
_CHUNKS = 16


def changes_of_level(
    lines: Sequence[NDArray[np.float64]], *, processes: int
) -> list[tuple[ChangePoint, ...]]:
    """The change points of each line, the same for any number of processes."""
    if processes < 2 or sum(map(len, lines)) < MANY_POINTS:
        return [change_points(values) for values in lines]
    workers = min(processes, _MOST_PROCESSES)
    # A forked process would inherit the locks of threads that others have started here.
    with ProcessPoolExecutor(max_workers=workers, mp_context=get_context("spawn")) as pool:
        return list(
            pool.map(change_points, lines, chunksize=max(1, len(lines) // (_CHUNKS * workers)))
        )
