"""What pairs of equal sides say about a machine's noise, metric by metric; judges no change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfgate.records import CaseRecord, Launch
from perfgate.verdict.conditions import pairs_of
from perfgate.verdict.likelihood import MIN_HISTORY, Floats, noise_from
from perfgate.verdict.metrics import (
    END_TO_END,
    PEAK_MEMORY,
    failure_of,
    launch_metrics,
    ordered_names,
)
from perfgate.verdict.weighing import MDE_FACTOR

LEAST_LAUNCHES = 10
"""With fewer, neither drift nor levels are looked for."""
STRONG = 10.0
"""BIC difference that Kass and Raftery call very strong evidence."""
APART = 2.0
"""Ashman's D above which a mixture of two normals has two modes."""
LEAST_SHARE = 0.1
"""A level that fewer launches were on is an outlier."""
_SMALLEST_SPREAD = 1e-4
_ROUNDS = 100


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How much slower the last launch is than the first, as a fraction, with its 95 % interval."""

    change: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class MetricNoise:
    """One metric of one case, measured on equal sides.

    ``launch_spread`` and ``pair_spread`` are standard deviations of logarithms of launches, and of
    the differences of pairs; ``decidable`` is the smallest slowdown, as a fraction, that the rule
    takes for decidable with this noise, None below MIN_HISTORY pairs; ``levels`` are the times, in
    milliseconds, between which launches jump, none where they have one mode.
    """

    name: str
    typical_ms: float
    launches: int
    pairs: int
    launch_spread: float
    pair_spread: float | None
    decidable: float | None
    drift: Drift | None
    levels: tuple[float, ...] = ()


def differences_of(case: CaseRecord) -> tuple[float, ...]:
    """log(head/base) end-to-end of every pair whose launches both ran on a fit device."""
    return _differences(_good_pairs(case), END_TO_END)


def noise_of(case: CaseRecord) -> tuple[MetricNoise, ...]:
    """Every time of a case whose base and head are the same."""
    pairs = _good_pairs(case)
    launches = sorted((one for pair in pairs for one in pair), key=lambda one: one.order)
    measured = [launch_metrics(launch) for launch in launches]
    return tuple(
        _metric(name, [one[name] for one in measured if name in one], _differences(pairs, name))
        for name in ordered_names(measured)
        if name != PEAK_MEMORY
    )


def _good_pairs(case: CaseRecord) -> list[tuple[Launch, Launch]]:
    return [
        pair
        for pair in pairs_of(case.launches)
        if not any(failure_of(launch) is not None for launch in pair)
    ]


def _differences(pairs: Sequence[tuple[Launch, Launch]], name: str) -> tuple[float, ...]:
    both = [(launch_metrics(base), launch_metrics(head)) for base, head in pairs]
    return tuple(
        math.log(head[name]) - math.log(base[name])
        for base, head in both
        if name in base and name in head
    )


def _metric(name: str, values: Sequence[float], differences: Sequence[float]) -> MetricNoise:
    logs = np.log(np.asarray(values))
    known = len(differences) >= MIN_HISTORY
    trend = _trend(logs)
    level = logs if trend is None else logs - trend[0] * np.arange(len(logs))
    return MetricNoise(
        name=name,
        typical_ms=float(np.median(values)),
        launches=len(values),
        pairs=len(differences),
        launch_spread=_spread(logs) or 0.0,
        pair_spread=_spread(np.asarray(differences)),
        decidable=math.expm1(MDE_FACTOR * noise_from(differences).spread) if known else None,
        drift=None if trend is None else _over_the_run(trend, len(logs)),
        levels=two_levels(level),
    )


def _spread(values: Floats) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) >= 2 else None


def _trend(logs: Floats) -> tuple[float, float, float] | None:
    """Slope a launch with its 95 % interval: the median of all pairwise slopes.

    Theil, "A rank-invariant method of linear and polynomial regression analysis", 1950; the
    interval is Sen's, 1968, doi:10.1080/01621459.1968.10480934.
    """
    if len(logs) < LEAST_LAUNCHES:
        return None
    # Reading commands never come here, and importing it takes long.
    from scipy.stats import theilslopes  # type: ignore[import-untyped]  # noqa: PLC0415

    slope, _, low, high = theilslopes(logs, np.arange(len(logs)), alpha=0.95)
    return float(slope), float(low), float(high)


def _over_the_run(trend: tuple[float, float, float], launches: int) -> Drift:
    change, low, high = (math.expm1(slope * (launches - 1)) for slope in trend)
    return Drift(change=change, low=low, high=high)


def two_levels(logs: Sequence[float] | Floats) -> tuple[float, ...]:
    """The two times, in milliseconds, between which launches jump; empty where one is enough.

    A mixture of two normals of equal spread must describe the logarithms better than one normal by
    a BIC difference above STRONG (Schwarz 1978, doi:10.1214/aos/1176344136; Kass and Raftery 1995,
    doi:10.1080/01621459.1995.10476572), its means must lie more than APART spreads apart (Ashman,
    Bird and Zepf 1994, doi:10.1086/117248), and either level must hold LEAST_SHARE of the launches.
    """
    values = np.sort(np.asarray(logs, dtype=np.float64))
    if len(values) < LEAST_LAUNCHES:
        return ()
    one = float(_log_normal(values, values.mean(), max(values.std(), _SMALLEST_SPREAD)).sum())
    low, high, spread, share, two = _mixture(values)
    better = 2.0 * (two - one) - 2.0 * math.log(len(values))
    rare = min(share, 1.0 - share) < LEAST_SHARE
    if better <= STRONG or (high - low) / spread <= APART or rare:
        return ()
    return math.exp(low), math.exp(high)


def _mixture(values: Floats) -> tuple[float, float, float, float, float]:
    """Means, common spread, share of the upper one and log likelihood, by expectation maximisation.

    Dempster, Laird and Rubin 1977, doi:10.1111/j.2517-6161.1977.tb01600.x; it starts from the cut
    that leaves the least variance on both sides.
    """
    cuts = range(1, len(values))
    cut = min(cuts, key=lambda at: values[:at].var() * at + values[at:].var() * (len(values) - at))
    upper = (np.arange(len(values)) >= cut).astype(np.float64)
    for _ in range(_ROUNDS):
        share = float(np.clip(upper.mean(), 1e-6, 1.0 - 1e-6))
        low = float(np.average(values, weights=1.0 - upper + 1e-12))
        high = float(np.average(values, weights=upper + 1e-12))
        variance = (1.0 - upper) * (values - low) ** 2 + upper * (values - high) ** 2
        spread = max(math.sqrt(float(variance.mean())), _SMALLEST_SPREAD)
        below = math.log(1.0 - share) + _log_normal(values, low, spread)
        above = math.log(share) + _log_normal(values, high, spread)
        both = np.logaddexp(below, above)
        upper = np.exp(above - both)
    return low, high, spread, share, float(both.sum())


def _log_normal(values: Floats, mean: float, spread: float) -> Floats:
    scaled: Floats = (values - mean) / spread
    return -0.5 * np.square(scaled) - math.log(spread * math.sqrt(2.0 * math.pi))
