"""How likely a pair difference is under a slowdown; knows neither thresholds nor verdicts.

A difference is d = log(head / base). Its density under the slowdown t and the spread s is

    f(d | t, s) = (1 - e - k) N(d; t, s^2)  +  k mean over j of N(d; t +- h_j, s^2)  +  e / (2 w)

a contaminated normal (Tukey, "A survey of sampling from contaminated distributions", 1960): the
flat part keeps one wild pair from deciding, so it does not end at w; the h_j, differences of
equal sides seen before on this machine, keep clocks that jump between two levels from deciding.
The spread is unknown and averaged over a scaled inverse chi-squared around the machine's usual
spread s0, the empirical-Bayes step that lets few pairs decide (Smyth, "Linear models and empirical
Bayes methods", 2004, doi:10.2202/1544-6115.1027), with a flat share in case s0 is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Singles: TypeAlias = npt.NDArray[np.float32]

OUTLIER_SHARE = 0.06  # e above
HISTORY_SHARE = 0.25  # k above
OUTLIER_REACH = 0.6  # w above, a log ratio
SIGMAS: Floats = np.geomspace(0.0012, 0.20, 36)
SMALLEST_SPREAD = 0.0015
FLAT_PRIOR_SHARE = 0.05

UNKNOWN_SPREAD, UNKNOWN_FREEDOM = 0.03, 1.0
KNOWN_FREEDOM = 6.0
MIN_HISTORY = 10
"""Fewer stored differences than the rule was ever simulated with count as none."""

_CONSISTENT = 1.4826  # of the median absolute deviation with a normal's standard deviation


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What is known of a metric's pair-to-pair noise before the first pair."""

    spread: float
    known: bool
    log_prior: Floats
    kernel: Singles
    sigmas: Floats = field(default_factory=lambda: SIGMAS)

    def density(self, difference: float, slowdowns: Floats) -> Floats:
        """f(d | t, s) for every t of ``slowdowns`` (rows) and every s of the grid (columns)."""
        away = difference - slowdowns
        height = 1.0 / (self.sigmas * math.sqrt(2.0 * math.pi))
        normal: Floats = np.exp(-0.5 * np.square(away[:, None] / self.sigmas)) * height
        flat = OUTLIER_SHARE / (2.0 * OUTLIER_REACH)
        if not self.known:
            return (1.0 - OUTLIER_SHARE) * normal + flat
        seen = self._kernel(away) * height
        return (1.0 - OUTLIER_SHARE - HISTORY_SHARE) * normal + HISTORY_SHARE * seen + flat

    def _kernel(self, away: Floats) -> Floats:
        # Single precision: what it loses is far below the flat part, and it halves the time.
        squared = np.square(away.astype(np.float32)[:, None] - self.kernel).ravel()
        rates = (-0.5 / np.square(self.sigmas)).astype(np.float32)
        heights = np.exp(rates[:, None] * squared).reshape(len(rates), len(away), -1)
        return np.asarray(heights.mean(axis=2).T, dtype=np.float64)

    def coarse(self, *, sigmas: int, kernel: int) -> Noise:
        """The same on every n-th spread and on quantiles of the kernel: enough for an interval."""
        shares = (np.arange(kernel) + 0.5) / kernel
        thin = np.quantile(self.kernel, shares) if len(self.kernel) > kernel else self.kernel
        every = len(self.sigmas) // sigmas
        return replace(
            self,
            log_prior=self.log_prior[::every],
            sigmas=self.sigmas[::every],
            kernel=np.asarray(thin, dtype=np.float32),
        )


def noise_from(history: Sequence[float]) -> Noise:
    """The noise that ``history`` (differences of equal sides, logarithms) shows, or the guess."""
    values = np.asarray(history, dtype=np.float64)
    if not np.all(np.isfinite(values)):
        bad = next(value for value in history if not math.isfinite(value))
        raise ValueError(f"a stored pair difference is not a finite number: {bad!r}")
    known = len(values) >= MIN_HISTORY
    spread = _usual_spread(values) if known else UNKNOWN_SPREAD
    freedom = KNOWN_FREEDOM if known else UNKNOWN_FREEDOM
    kernel = np.sort(np.concatenate([-values, values])) if known else np.empty(0)
    return Noise(
        spread=spread,
        known=known,
        log_prior=_log_prior(spread, freedom),
        kernel=kernel.astype(np.float32),
    )


def _usual_spread(history: Floats) -> float:
    """s0: the larger of two estimates, so that two tight clusters do not look like a quiet one."""
    typical = _CONSISTENT * float(np.median(np.abs(history)))
    clipped = np.clip(history, -2.5 * typical, 2.5 * typical)
    winsorised = math.sqrt(float(np.mean(np.square(clipped))))
    return max(1.05 * typical, 1.04 * winsorised, SMALLEST_SPREAD)


def _log_prior(spread: float, freedom: float) -> Floats:
    """Scaled inverse chi-squared of the variance, as masses on the log-spaced grid of spreads."""
    log_mass = -freedom * np.log(SIGMAS) - freedom * spread**2 / (2.0 * np.square(SIGMAS))
    mass = np.exp(log_mass - log_mass.max())
    shares = (1.0 - FLAT_PRIOR_SHARE) * mass / mass.sum() + FLAT_PRIOR_SHARE / len(SIGMAS)
    return np.asarray(np.log(shares))


def log_sum_exp(values: Floats) -> Floats:
    """log of the sum of exp over the last axis without overflow; all values must be finite."""
    top = values.max(axis=-1)
    return np.asarray(top + np.log(np.exp(values - top[..., None]).sum(axis=-1)))
