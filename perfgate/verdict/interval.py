"""Says how large a change is and how sure that is; decides nothing.

The interval is the central 95 % of the posterior of the log ratio under a flat prior, from the
likelihood that also decides (:mod:`perfgate.verdict.likelihood`), averaged over the spread. The
pairs were stopped early, so it is a credible interval and no confidence interval: its coverage at
a data-dependent stop is not guaranteed (Hendriksen, de Heide and Grünwald, "Optional stopping with
Bayes factors", Bayesian Analysis, 2021), and no verdict uses it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perfgate.verdict.likelihood import SMALLEST_SPREAD, Floats, Noise

_POINTS = 101
_SPREADS = 12
_JUMPS = 16
_CORRECTION = (1.0, 1.0, 1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107)


@dataclass(frozen=True, kw_only=True)
class Change:
    """The ratio head/base and its 95 % interval."""

    ratio: float
    low: float
    high: float


def change_of(differences: Sequence[float], noise: Noise) -> Change:
    """The posterior median of head/base with the central 95 %; swapping sides gives reciprocals."""
    values = np.asarray(differences, dtype=np.float64)
    grid = _grid(values, noise)
    coarse = noise.coarse(sigmas=_SPREADS, jumps=_JUMPS)
    log_joint = np.tile(coarse.log_prior, (_POINTS, 1))
    for value in values:
        log_joint += np.log(coarse.density(value, grid))
    height = np.exp(log_joint - log_joint.max()).sum(axis=1)
    area = 0.5 * (height[1:] + height[:-1]) * np.diff(grid)
    below = np.concatenate([[0.0], np.cumsum(area)]) / area.sum()
    low, middle, high = np.interp([0.025, 0.5, 0.975], below, grid)
    return Change(ratio=math.exp(middle), low=math.exp(low), high=math.exp(high))


def _grid(values: Floats, noise: Noise) -> Floats:
    """Points of the log ratio, dense around the median difference and reaching past every pair."""
    centre = float(np.median(values))
    away = np.abs(values - centre)
    scale = max(float(np.median(away)), SMALLEST_SPREAD) / math.sqrt(len(values))
    reach = float(away.max()) + 6.0 * noise.spread
    steps = np.linspace(-1.0, 1.0, _POINTS) * math.asinh(reach / scale)
    return np.asarray(centre + scale * np.sinh(steps))


def spread_of(differences: Sequence[float]) -> float | None:
    """The pair-to-pair noise that was seen: the standard deviation of one difference, robustly.

    The median absolute deviation, made consistent with a normal's standard deviation at small
    numbers (Croux and Rousseeuw, "Time-efficient algorithms for two highly robust estimators of
    scale", 1992, doi:10.1007/978-3-662-26811-7_58).
    """
    count = len(differences)
    if count < 2:
        return None
    values = np.asarray(differences, dtype=np.float64)
    deviation = float(np.median(np.abs(values - np.median(values))))
    factor = _CORRECTION[count] if count < len(_CORRECTION) else count / (count - 0.8)
    return 1.4826 * factor * deviation
