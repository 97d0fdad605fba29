"""How likely each commit is to be the one that made it slower; asks nothing and ends nothing.

One commit, the culprit k, is taken to have made itself and every later commit slower by one log
ratio t. The difference of a pair of commits a before b is then t where a < k <= b and nothing
elsewhere, with the noise of :mod:`perfgate.verdict.likelihood` around it. The posterior of k, t and
the spread is kept jointly: every suspect alike beforehand, t flat over what the pairs of the two
ends leave open, the spread as the machine's history says. A wrong answer is therefore no loss, only
evidence that later pairs outweigh: the probabilistic bisection of Horstein ("Sequential
transmission using noiseless feedback", IEEE Transactions on Information Theory, 1963), with a
likelihood in place of a known rate of wrong answers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from perfgate.verdict.interval import Change
from perfgate.verdict.likelihood import SMALLEST_SPREAD, Floats, Noise

_SIZES = 15
_LEAST_OF_CHANGE = 0.25
"""A culprit made it slower by this part of the whole change at least."""


@dataclass(kw_only=True)
class Odds:
    """What pairs of commits say, as one weight for each culprit, size of its change and spread.

    ``sizes`` are log ratios, all of them slower. Suspects are the commits at the places from 1 on;
    place 0 is the commit that is known to be fast.
    """

    noise: Noise
    sizes: Floats
    weights: Floats

    @classmethod
    def of(cls, *, suspects: int, whole: Change, noise: Noise) -> Odds:
        """Before any pair; ``whole`` is the change from place 0 to the last suspect."""
        low, high = math.log(whole.low), math.log(whole.high)
        beyond = (high - low) / 2.0
        least = max(low - beyond, _LEAST_OF_CHANGE * math.log(whole.ratio), SMALLEST_SPREAD)
        return cls(
            noise=noise,
            sizes=np.linspace(least, max(high + beyond, 2.0 * least), _SIZES),
            weights=np.ones((suspects, _SIZES, len(noise.sigmas))),
        )

    def observe(self, before: int, after: int, difference: float) -> None:
        """Take in log(after/before) of a pair of places, the earlier one first."""
        density = self.noise.density(difference - np.append(self.sizes, 0.0))
        slower, equal = density[:-1], density[-1]
        # The suspect at place k has row k - 1.
        self.weights[:before] *= equal
        self.weights[before:after] *= slower
        self.weights[after:] *= equal
        # Only ratios matter, and many pairs would leave the range of a double.
        self.weights /= self.weights.max()

    def chances(self) -> Floats:
        """The probability of each suspect to be the culprit, together one."""
        found = (self.weights @ self.noise.prior).sum(axis=1)
        return np.asarray(found / found.sum())

    def spreads(self) -> Floats:
        """The probability of each spread of the noise's grid, together one."""
        found = self.weights.sum(axis=(0, 1)) * self.noise.prior
        return np.asarray(found / found.sum())
