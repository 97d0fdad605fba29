"""Judges head launches against the launches of earlier jobs; reads no file, knows no format.

A new job's log median is compared with those of K stored jobs by the prediction interval for one
further observation, Student's t with K - 1 degrees of freedom and the factor sqrt(1 + 1/K) (Hahn
and Meeker, "Statistical Intervals", 1991, section 4.7). The unit is the job: launches of one job
share heat, neighbours and clocks, so that the variance between jobs stands in the denominator.
Medians, since one bad launch of three would otherwise speak for its job; and a job is only called
slower where each of its launches is slower than most stored ones, so that clocks that jump between
two levels do not accuse. Both were chosen on the tuning families of ``make bench-verdict``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median, median_low, variance

from perfgate.records import Launch
from perfgate.verdict.likelihood import SMALLEST_SPREAD

MIN_JOBS = 3
MOST = 0.9
"""Of the stored launches: what every launch of a slower job has to exceed."""
MOST_JOBS_FORETOLD = 100


@dataclass(frozen=True, kw_only=True)
class StoredJob:
    """The metrics of every launch of one earlier job; the burn-in launch stands apart."""

    launches: tuple[Mapping[str, float], ...]
    burn_in: Mapping[str, float] | None = None


@dataclass(frozen=True, kw_only=True)
class StoredJobs:
    """What is kept of one case on one kind of machine, and what it was measured with.

    ``newest`` is a launch of the newest job, whose outputs and operations head's are held to;
    ``first`` and ``best`` are the first and the lowest figure that was accepted of each metric.
    """

    workload_hash: str
    must_match: Mapping[str, str]
    jobs: tuple[StoredJob, ...]
    newest: Launch | None = None
    first: Mapping[str, float] = field(default_factory=dict)
    best: Mapping[str, float] = field(default_factory=dict)

    def produced(self) -> tuple[Launch, ...]:
        """The launch whose outputs are kept, as a base's launches are given; it may be none."""
        return () if self.newest is None else (self.newest,)

    def metric(self, name: str) -> list[list[float]]:
        """The logarithms of a metric, a list for every job that has it."""
        logs = [
            [math.log(launch[name]) for launch in job.launches if name in launch]
            for job in self.jobs
        ]
        return [values for values in logs if values]

    def median(self, name: str) -> float | None:
        """The median over jobs of each job's median."""
        found = self.metric(name)
        return math.exp(median([median(values) for values in found])) if found else None

    def why_incomparable(self, *, workload_hash: str, must_match: Mapping[str, str]) -> str:
        """What forbids a comparison with these jobs; empty if nothing does."""
        if workload_hash != self.workload_hash:
            return "the baseline is of another workload"
        different = [
            f"{key} {_told(self.must_match, key)} → {_told(must_match, key)}"
            for key in sorted({*self.must_match, *must_match})
            if self.must_match.get(key) != must_match.get(key)
        ]
        return f"the baseline is of another machine: {', '.join(different)}" if different else ""


def _told(must_match: Mapping[str, str], key: str) -> str:
    """A value of a fingerprint; a switch that is absent is not unknown, it is not set."""
    return must_match.get(key, "not set" if key.startswith("env.") else "unknown")


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One metric of this job beside the same metric of ``jobs`` earlier ones, in logarithms.

    ``error`` is the standard error of the difference: the spread between jobs, what the baseline's
    mean does not know, and what this job does not know because it had fewer launches. ``above``
    says that every launch of this job is slower than MOST of the stored launches, ``below`` that
    every one is faster.
    """

    jobs: int
    change: float
    spread: float
    error: float
    above: bool = True
    below: bool = True

    def slower(self, *, level: float, margin: float) -> bool:
        """Significantly slower at ``level``, by at least the margin, in every launch: all three."""
        surprising = self.change / self.error >= quantile(self.jobs, 1.0 - level)
        return surprising and self.above and math.expm1(self.change) >= margin

    def faster(self, *, level: float) -> bool:
        return self.below and self.change / self.error <= -quantile(self.jobs, 1.0 - level)

    def within(self, *, margin: float, miss: float) -> bool:
        """Whether the change is below the margin with confidence 1 - miss."""
        below = (math.log1p(margin) - self.change) / self.error
        return below >= quantile(self.jobs, 1.0 - miss)

    def interval(self) -> tuple[float, float, float]:
        """Ratio to the baseline with the 95 % interval."""
        reach = quantile(self.jobs, 0.975) * self.error
        return (
            math.exp(self.change),
            math.exp(self.change - reach),
            math.exp(self.change + reach),
        )

    def decidable(self, *, level: float, miss: float) -> float:
        """The smallest slowdown, as a fraction, that is blocked with probability 1 - miss."""
        wanted = quantile(self.jobs, 1.0 - level) + quantile(self.jobs, 1.0 - miss)
        return math.expm1(wanted * self.error)


def predict(stored: Sequence[Sequence[float]], new: Sequence[float]) -> Prediction | None:
    """Compare the logarithms of this job's launches with those of earlier jobs.

    None with fewer than two jobs: one job says nothing about the spread between jobs.
    """
    if len(stored) < 2 or not new:
        return None
    medians = [median_low(values) for values in stored]
    spread = max(math.sqrt(variance(medians)), SMALLEST_SPREAD)
    shorter = _of_a_median(len(new)) - fmean([_of_a_median(len(values)) for values in stored])
    fewer_launches = max(shorter, 0.0) * _variance_within(stored)
    launches = sorted(value for values in stored for value in values)
    most = math.floor(MOST * (len(launches) - 1))
    return Prediction(
        jobs=len(stored),
        change=median_low(new) - fmean(medians),
        spread=spread,
        error=math.sqrt(spread**2 * (1.0 + 1.0 / len(stored)) + fewer_launches),
        above=min(new) > launches[most],
        below=max(new) < launches[-1 - most],
    )


def _of_a_median(launches: int) -> float:
    """The variance of the median of so many launches, in terms of one launch's: at most this."""
    return 1.0 if launches <= 2 else math.pi / 2.0 / launches


def _variance_within(stored: Sequence[Sequence[float]]) -> float:
    """The variance of launches inside a job, pooled."""
    several = [values for values in stored if len(values) >= 2]
    freedom = sum(len(values) - 1 for values in several)
    if not freedom:
        return 0.0
    return sum(variance(values) * (len(values) - 1) for values in several) / freedom


def jobs_needed(spread: float, *, margin: float, level: float, miss: float) -> int | None:
    """How many stored jobs decide a slowdown of the margin at this spread between jobs."""
    for jobs in range(MIN_JOBS, MOST_JOBS_FORETOLD + 1):
        error = spread * math.sqrt(1.0 + 1.0 / jobs)
        one = Prediction(jobs=jobs, change=0.0, spread=spread, error=error)
        if one.decidable(level=level, miss=miss) <= margin:
            return jobs
    return None


def quantile(jobs: int, probability: float) -> float:
    """The quantile of Student's t with one degree of freedom less than there are jobs."""
    # Pairs never need scipy, nor the time that importing it takes.
    from scipy.special import stdtrit  # type: ignore[import-untyped]  # noqa: PLC0415

    return float(stdtrit(jobs - 1, probability))
