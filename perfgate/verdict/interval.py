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
from statistics import median

import numpy as np

from perfgate.verdict.likelihood import SMALLEST_SPREAD, Floats, Noise

_POINTS, _SPREADS = 61, 12
"""Ends within 4 % of the interval's width of those on 401 points and 36 spreads, 1 % on average."""
_JUMPS = 16
_CORRECTION = (1.0, 1.0, 1.196, 1.495, 1.363, 1.206, 1.200, 1.140, 1.129, 1.107)


@dataclass(frozen=True, kw_only=True)
class Change:
    """The ratio head/base and its 95 % interval."""

    ratio: float
    low: float
    high: float


def changes_of(differences: Sequence[Sequence[float]], noise: Noise) -> list[Change]:
    """The posterior median of head/base with the central 95 %, of metrics with as many pairs each.

    Swapping sides gives reciprocals.
    """
    values = np.asarray(differences, dtype=np.float64)
    grid = _grid(values, noise)
    coarse = noise.coarse(sigmas=_SPREADS, jumps=_JUMPS)
    joint = np.tile(coarse.prior, (*grid.shape, 1))
    for pair in values.T:
        joint *= coarse.density(pair[:, None] - grid)
        joint /= joint.max(axis=(1, 2), keepdims=True)
    height = joint.sum(axis=2)
    area = 0.5 * (height[:, 1:] + height[:, :-1]) * np.diff(grid)
    below = np.cumsum(area, axis=1)
    shares = np.concatenate([np.zeros((len(grid), 1)), below], axis=1) / below[:, -1:]
    found = [
        np.interp([0.025, 0.5, 0.975], *one).tolist() for one in zip(shares, grid, strict=True)
    ]
    return [
        Change(ratio=math.exp(middle), low=math.exp(low), high=math.exp(high))
        for low, middle, high in found
    ]


def _grid(values: Floats, noise: Noise) -> Floats:
    """Points of each log ratio, dense around the median difference and reaching past every pair."""
    centre = np.median(values, axis=1, keepdims=True)
    away = np.abs(values - centre)
    typical = np.median(away, axis=1, keepdims=True)
    scale = np.maximum(typical, SMALLEST_SPREAD) / math.sqrt(values.shape[1])
    reach = away.max(axis=1, keepdims=True) + 6.0 * noise.spread
    steps = np.linspace(-1.0, 1.0, _POINTS) * np.arcsinh(reach / scale)
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
    middle = median(differences)
    deviation = median(abs(value - middle) for value in differences)
    factor = _CORRECTION[count] if count < len(_CORRECTION) else count / (count - 0.8)
    return 1.4826 * factor * deviation
