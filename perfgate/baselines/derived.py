"""The figures above a baseline's launches: computed from them, compared with what a file says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median, stdev
from typing import Annotated, Any

from pydantic import Field

from perfgate.records import Finite, Value
from perfgate.verdict.baseline import StoredJob
from perfgate.verdict.metrics import ordered_names

LEAST, LARGEST = 1e-6, 1e12
"""Figures that anyone measures: from the last digit kept here to thirty years in ms, or an EiB."""
_DIGITS = 6
_STEP_DIGITS = 3
_TOLERANCE = 2e-6
"""Of a figure: its last digit, which another C library's logarithm may round the other way."""

Count = Annotated[int, Field(ge=0, le=10**9)]
"""More than anyone launches, and few enough to be reckoned with."""


class Figure(Value):
    """One metric: the geometric mean over jobs, and how far jobs and launches scatter around it.

    Both variations are standard deviations of logarithms, None where one value shows none.
    """

    value: Finite
    between_jobs: Finite | None = None
    between_launches: Finite | None = None


class Steps(Value):
    """Every denoising step in milliseconds, the median over requests; their mean and median.

    Mean and median are those of the steps as they stand here, the first one included.
    """

    ms: tuple[Finite, ...]
    mean_ms: Finite
    median_ms: Finite


class Derived(Value):
    """What people read of a baseline; ``steps`` is None without steps and in older files."""

    jobs: Count
    launches: Count
    requests: Count
    metrics: dict[str, Figure] = Field(default_factory=dict)
    steps: Steps | None = None


def derive(jobs: Sequence[StoredJob], *, requests: Sequence[Sequence[float]]) -> Derived:
    """Compute every figure from the launches; the burn-in launches do not count.

    ``requests`` are the steps of every request in milliseconds.
    """
    names = ordered_names(launch for job in jobs for launch in job.launches)
    return Derived(
        jobs=len(jobs),
        launches=sum(len(job.launches) for job in jobs),
        requests=len(requests),
        metrics={name: _figure(jobs, name) for name in names},
        steps=_steps(requests),
    )


def _steps(requests: Sequence[Sequence[float]]) -> Steps | None:
    """A step that not every request had is the median of those that had it."""
    ms = [
        round(median([steps[index] for steps in requests if index < len(steps)]), _STEP_DIGITS)
        for index in range(max((len(steps) for steps in requests), default=0))
    ]
    if not ms:
        return None
    return Steps(
        ms=tuple(ms),
        mean_ms=round(fmean(ms), _STEP_DIGITS),
        median_ms=round(median(ms), _STEP_DIGITS),
    )


def _figure(jobs: Sequence[StoredJob], name: str) -> Figure:
    logs = [[math.log(launch[name]) for launch in job.launches if name in launch] for job in jobs]
    logs = [values for values in logs if values]
    means = [fmean(values) for values in logs]
    within = [stdev(values) ** 2 for values in logs if len(values) >= 2]
    return Figure(
        value=round(math.exp(fmean(means)), _DIGITS),
        between_jobs=round(stdev(means), _DIGITS) if len(means) >= 2 else None,
        between_launches=round(math.sqrt(fmean(within)), _DIGITS) if within else None,
    )


def first_difference(stored: Derived, derived: Derived) -> tuple[str, Any, Any] | None:
    """The first figure that differs, with both values; None if all agree."""
    said, given = _flat(stored), _flat(derived)
    for field in [*given, *(field for field in said if field not in given)]:
        one, other = said.get(field), given.get(field)
        if not agree(one, other):
            return field, one, other
    return None


def _flat(figures: Derived) -> dict[str, float | None]:
    flat: dict[str, float | None] = {
        "jobs": figures.jobs,
        "launches": figures.launches,
        "requests": figures.requests,
    }
    for name, figure in figures.metrics.items():
        for field in ("value", "between_jobs", "between_launches"):
            flat[f"metrics.{name}.{field}"] = getattr(figure, field)
    if figures.steps is not None:
        flat |= {f"steps.ms.{index}": ms for index, ms in enumerate(figures.steps.ms)}
        flat |= {"steps.mean_ms": figures.steps.mean_ms, "steps.median_ms": figures.steps.median_ms}
    return flat


def agree(one: float | None, other: float | None) -> bool:
    """Whether two figures are the same but for rounding."""
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
