"""How likely a pair difference is under a slowdown; knows neither thresholds nor verdicts.

A difference is d = log(head / base). Its density under the slowdown t and the spread s is

    f(d | t, s) = (1 - e - k) N(d; t, s^2)  +  k mean over j of N(d; t +- h_j, s^2)  +  e / (2 w)

a contaminated normal (Tukey, "A survey of sampling from contaminated distributions", 1960): the
flat part keeps one wild pair from deciding, so it does not end at w; the h_j are the jumps among
the differences of equal sides seen before on this machine, and k is their share: they keep clocks
that jump between two levels from deciding, and cost nothing where none jump. What is a jump is
found by a forward search (Atkinson, Riani and Cerioli, "Exploring Multivariate Data with the
Forward Search", 2004): from the smaller half on, the first difference far beyond all smaller ones.
The spread is unknown and averaged over a scaled inverse chi-squared around the machine's usual
spread s0, the root mean square of the differences that are no jumps: the empirical-Bayes step
that lets few pairs decide (Smyth, "Linear models and empirical Bayes methods", 2004,
doi:10.2202/1544-6115.1027), with a flat share in case s0 is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Singles: TypeAlias = npt.NDArray[np.float32]

OUTLIER_SHARE = 0.06  # e above
OUTLIER_REACH = 0.6  # w above, a log ratio
SIGMAS: Floats = np.geomspace(0.0012, 0.20, 36)
SMALLEST_SPREAD = 0.0015
FLAT_PRIOR_SHARE = 0.02

UNKNOWN_SPREAD, UNKNOWN_FREEDOM = 0.03, 1.0
KNOWN_FREEDOM = 6.0
MIN_HISTORY = 10
"""Fewer stored differences than the rule was ever simulated with count as none."""

FAR_BEYOND = 4.5
"""A jump is a difference of so many times the root mean square of all smaller ones."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """What is known of a metric's pair-to-pair noise before the first pair.

    ``prior`` is the weight of each spread of the grid ``sigmas``, together one.
    ``jumps`` are the jumps seen before, with both signs, and ``jump_share`` how often one occurs.
    """

    spread: float
    known: bool
    prior: Floats
    jumps: Singles
    jump_share: float
    sigmas: Floats = field(default_factory=lambda: SIGMAS)

    def density(self, away: Floats) -> Singles:
        """f(d | t, s) for ``away`` = d - t of any shape; a last axis has the grid's spreads.

        In single precision: what that loses is far below the flat part, and it is six times faster.
        """
        sigmas = self.sigmas.astype(np.float32)
        narrow = away.astype(np.float32)
        height = np.float32(1.0 / math.sqrt(2.0 * math.pi)) / sigmas
        usual = np.square(narrow[..., None] / sigmas)
        usual *= np.float32(-0.5)
        np.exp(usual, out=usual)
        usual *= height * np.float32(1.0 - OUTLIER_SHARE - self.jump_share)
        usual += np.float32(OUTLIER_SHARE / (2.0 * OUTLIER_REACH))
        if len(self.jumps):
            usual += self._jumped(narrow) * height * np.float32(self.jump_share)
        return np.asarray(usual)

    def _jumped(self, away: Singles) -> Singles:
        squared = np.square(away.ravel()[:, None] - self.jumps).ravel()
        rates = (-0.5 / np.square(self.sigmas)).astype(np.float32)
        heights = np.exp(rates[:, None] * squared).reshape(len(rates), away.size, -1)
        return np.asarray(heights.mean(axis=2).T.reshape(*away.shape, -1))

    def coarse(self, *, sigmas: int, jumps: int) -> Noise:
        """The same on every n-th spread and on quantiles of the jumps: enough for an interval."""
        shares = (np.arange(jumps) + 0.5) / jumps
        thin = np.quantile(self.jumps, shares) if len(self.jumps) > jumps else self.jumps
        every = len(self.sigmas) // sigmas
        return replace(
            self,
            prior=self.prior[::every],
            sigmas=self.sigmas[::every],
            jumps=np.asarray(thin, dtype=np.float32),
        )


def noise_from(history: Sequence[float]) -> Noise:
    """The noise that ``history`` (differences of equal sides, logarithms) shows, or the guess."""
    values = np.asarray(history, dtype=np.float64)
    if not np.all(np.isfinite(values)):
        bad = next(value for value in history if not math.isfinite(value))
        raise ValueError(f"a stored pair difference is not a finite number: {bad!r}")
    if len(values) < MIN_HISTORY:
        return _unknown_noise()
    usual, jumps = _told_apart(np.sort(np.abs(values)))
    spread = max(_root_mean_square(usual), SMALLEST_SPREAD)
    return Noise(
        spread=spread,
        known=True,
        prior=_prior(spread, KNOWN_FREEDOM),
        jumps=np.concatenate([-jumps[::-1], jumps]).astype(np.float32),
        jump_share=(len(jumps) + 0.5) / (len(values) + 1.0) if len(jumps) else 0.0,
    )


@cache
def _unknown_noise() -> Noise:
    return Noise(
        spread=UNKNOWN_SPREAD,
        known=False,
        prior=_prior(UNKNOWN_SPREAD, UNKNOWN_FREEDOM),
        jumps=np.empty(0, dtype=np.float32),
        jump_share=0.0,
    )


def _told_apart(sizes: Floats) -> tuple[Floats, Floats]:
    """The usual differences and the jumps, from all sizes in rising order."""
    for usual in range(len(sizes) // 2, len(sizes)):
        reach = max(_root_mean_square(sizes[:usual]), SMALLEST_SPREAD)
        if sizes[usual] > FAR_BEYOND * reach:
            return sizes[:usual], sizes[usual:]
    return sizes, sizes[:0]


def _root_mean_square(values: Floats) -> float:
    return math.sqrt(float(np.mean(np.square(values))))


def _prior(spread: float, freedom: float) -> Floats:
    """Scaled inverse chi-squared of the variance, as masses on the log-spaced grid of spreads."""
    log_mass = -freedom * np.log(SIGMAS) - freedom * spread**2 / (2.0 * np.square(SIGMAS))
    mass = np.exp(log_mass - log_mass.max())
    shares = (1.0 - FLAT_PRIOR_SHARE) * mass / mass.sum() + FLAT_PRIOR_SHARE / len(SIGMAS)
    return np.asarray(shares)
