"""Results over time, by columns: a line for each metric of a case that went on being the same.

A changed workload starts a new line, so that it never looks like a regression.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from perfgate.records.results import FailureKind


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class LineKey:
    """What stays the same along a line; ``unit`` is ms or MiB."""

    case: str
    framework: str
    hardware_key: str
    workload_hash: str
    metric: str
    unit: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One job attempt; several lines have points of it."""

    commit: str
    id: str
    attempt: int
    name: str
    url: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Line:
    """The points of one line in order of time; every array has one entry a point.

    ``seconds`` is UTC since 1970, ``values`` the median of a point's samples, ``lows`` and
    ``highs`` its least and greatest sample, ``counts`` how many there were, ``runs`` an index
    into :attr:`History.runs`.
    """

    key: LineKey
    seconds: NDArray[np.int64]
    values: NDArray[np.float64]
    lows: NDArray[np.float64]
    highs: NDArray[np.float64]
    counts: NDArray[np.int32]
    runs: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """A cell without a number at one moment; ``run`` is an index into :attr:`History.runs`."""

    case: str
    framework: str
    hardware_key: str
    workload_hash: str
    seconds: int
    kind: FailureKind
    text: str
    run: int


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class History:
    """All lines, and what is not in them: cells that failed, files that could not be read."""

    lines: tuple[Line, ...]
    runs: tuple[Run, ...]
    missed: tuple[Missed, ...] = ()
    problems: tuple[str, ...] = ()
