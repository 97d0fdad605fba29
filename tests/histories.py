"""Makes histories for tests from the few numbers a test is about; may not decide anything.

A night is one run of one job: night 0 began at ``START``, one follows another a day later. A line
is written as its values night by night, ``None`` where a night has no point:

    a_history(a_line(nights((60, 1000.0), (40, 1100.0), noise=0.01)))
    a_history(a_line([1000, None, 1010]), missed=[a_miss(1, "out of memory")])
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np

from perfgate.records.history import History, Line, LineKey, Missed, Run
from perfgate.records.results import END_TO_END, FailureKind
from perfgate.report.dashboard.shifts import Shift, shifts_of
from perfgate.verdict.change_points import change_points

START = int(datetime(2026, 3, 20, 2, 0, tzinfo=UTC).timestamp())
DAY = 86_400
CASE, FRAMEWORK, HARDWARE = "wan_t2v_tiny", "sglang", "nvidia-h100-80gb-hbm3-x1"
WORKLOAD = "0123456789abcdef"
SERVER = "https://github.com/o/r"


def seconds_of(night: int) -> int:
    """When a night's run began, in seconds since 1970."""
    return START + night * DAY


def commit_of(night: int) -> str:
    """The commit that a night measured; each night has another."""
    return hashlib.sha1(f"night {night}".encode(), usedforsecurity=False).hexdigest()


def a_run(night: int = 0, *, attempt: int = 1, server: str = SERVER, **rest: str) -> Run:
    """The run of a night: ``rest`` are fields of Run, run ids count from 1000."""
    found = {
        "commit": commit_of(night),
        "id": str(1000 + night),
        "name": "nightly",
        "url": f"{server}/actions/runs/{1000 + night}/attempts/{attempt}",
    }
    return Run(attempt=attempt, **{**found, **rest})


def nights(
    *levels: tuple[int, float], noise: float = 0.0, seed: int = 0, spikes: float = 0.0
) -> list[float]:
    """Values that stay at each level for so many nights: ``nights((60, 1000.0), (40, 1100.0))``.

    ``noise`` is the standard deviation of a night as a fraction of the level; a fraction
    ``spikes`` of the nights is up to half slower.
    """
    random = np.random.default_rng(seed)
    level = np.repeat([value for _, value in levels], [count for count, _ in levels])
    slower = np.where(random.random(len(level)) < spikes, random.uniform(0.1, 0.5, len(level)), 0)
    values = level * np.exp(noise * random.standard_normal(len(level)) + slower)
    return [float(value) for value in values]


def a_line(
    values: Sequence[float | None],
    *,
    case: str = CASE,
    framework: str = FRAMEWORK,
    hardware_key: str = HARDWARE,
    workload_hash: str = WORKLOAD,
    metric: str = END_TO_END,
    unit: str = "ms",
    first_night: int = 0,
    spread: float = 0.01,
    samples: int = 3,
) -> Line:
    """A line with a point for each value; its samples reach ``spread`` below and above it."""
    points = [
        (night, value) for night, value in enumerate(values, first_night) if value is not None
    ]
    at = np.array([night for night, _ in points], dtype=np.int64)
    level = np.array([value for _, value in points], dtype=np.float64)
    return Line(
        key=LineKey(
            case=case,
            framework=framework,
            hardware_key=hardware_key,
            workload_hash=workload_hash,
            metric=metric,
            unit=unit,
        ),
        seconds=START + at * DAY,
        values=level,
        lows=level * (1 - spread),
        highs=level * (1 + spread),
        counts=np.full(len(points), samples, dtype=np.int32),
        runs=at.astype(np.int32),
    )


def a_miss(
    night: int,
    kind: str = "crashed",
    text: str = "exit status 1",
    *,
    case: str = CASE,
    framework: str = FRAMEWORK,
    hardware_key: str = HARDWARE,
    workload_hash: str = WORKLOAD,
) -> Missed:
    """A cell that has no number that night."""
    return Missed(
        case=case,
        framework=framework,
        hardware_key=hardware_key,
        workload_hash=workload_hash,
        seconds=seconds_of(night),
        kind=FailureKind(kind),
        text=text,
        run=night,
    )


def a_history(
    *lines: Line,
    missed: Iterable[Missed] = (),
    problems: Iterable[str] = (),
    runs: Sequence[Run] | None = None,
) -> History:
    """The lines, and a run for every night up to the last that any of them has."""
    missed = tuple(missed)
    last = max([-1, *(int(line.runs.max(initial=-1)) for line in lines), *(m.run for m in missed)])
    return History(
        lines=tuple(sorted(lines, key=lambda line: line.key)),
        runs=tuple(a_run(night) for night in range(last + 1)) if runs is None else tuple(runs),
        missed=missed,
        problems=tuple(problems),
    )


def shifts_in(history: History) -> tuple[Shift, ...]:
    """The changes of level of every line."""
    return shifts_of(history, [change_points(line.values) for line in history.lines])
