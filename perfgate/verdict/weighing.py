"""Weighs pair differences under slowdowns, of many metrics at once; knows no threshold, no verdict.

Evidence is a ratio of mixture likelihoods, an e-value when noise and prior are right (Grünwald,
de Heide and Koolen, "Safe testing", 2024, doi:10.1093/jrsssb/qkae011), so it may be looked at
after every pair; the plug-in components follow Wald's predictable estimate. Noise and prior are
never exactly right: what may be claimed is the rate that the simulations measure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from perfgate.verdict.likelihood import FAR_BEYOND, SIGMAS, Floats, Noise

MDE_FACTOR = 1.1
DOUBTED_PAIRS, LEAST_SCATTER = 12.0, 0.7
"""Few pairs show too little of how much wider than its history, or than base, head spreads, and
pairs that scatter wider than the history contradict it: until there are so many pairs times their
scatter over the stored spread (at least the second), what they say of a slower or faster head
counts for less. Chosen by simulation."""
_SMALLEST = 1e-300

# Slowdowns in units of theta1. "Up" are slowdowns worth blocking, "down" are none or the reverse;
# the mirrored sets (indices after the comma) are the same for an improvement.
_UNITS: Floats = np.array([0.0, 1.0, 1.5, 2.25, 3.5, 6.0, -1.0, -1.5, -2.25, -3.5, -6.0, 2.5, -2.5])
_UP, _UP_MIRRORED = [1, 2, 3, 4, 5], [6, 7, 8, 9, 10]
_DOWN, _DOWN_MIRRORED = [0, 6, 12], [0, 1, 11]
_PLUG_UP, _PLUG_DOWN, _PLUG_UP_MIRRORED = 13, 14, 15
_SLOWDOWNS = len(_UNITS) + 3
_UP_WEIGHTS = np.array([0.80, 0.08, 0.03, 0.02, 0.02, 0.05])
_DOWN_WEIGHTS = np.array([0.75, 0.08, 0.02, 0.15])


@dataclass(kw_only=True)
class Weighing:
    """One metric: what is known of its noise, its differences log(head/base), what they weigh.

    ``theta1`` is the logarithm of the slowdown that is to be caught. ``log_block``, ``log_pass``
    and ``log_improve`` are the logarithms of the evidence.
    """

    noise: Noise
    theta1: float
    differences: list[float] = field(default_factory=list)
    likelihood: Floats = field(default_factory=lambda: np.ones((_SLOWDOWNS, len(SIGMAS))))
    log_block: float = 0.0
    log_pass: float = 0.0
    log_improve: float = 0.0

    @classmethod
    def of(cls, *, margin: float, noise: Noise) -> Weighing:
        """Before the first pair."""
        # Without history the spread is a guess, no measurement that could widen the margin.
        noisy = MDE_FACTOR * noise.spread if noise.known else 0.0
        return cls(noise=noise, theta1=max(math.log1p(margin), noisy))

    def lower_median(self) -> float:
        return sorted(self.differences)[(len(self.differences) - 1) // 2]

    def upper_median(self) -> float:
        return sorted(self.differences)[len(self.differences) // 2]

    def pairs_that_agree(self) -> int:
        """Pairs within the usual noise of the middle one; without history, all of them.

        A wild pair is no evidence for a pass: two launches of base that both went badly could hide
        any slowdown.
        """
        if not self.noise.known:
            return len(self.differences)
        middle, reach = self.upper_median(), FAR_BEYOND * self.noise.spread
        return sum(abs(difference - middle) <= reach for difference in self.differences)

    def signs_accuse(self, level: float) -> bool:
        """The exact one-sided sign test (Arbuthnott 1710) and a median beyond the margin."""
        pairs = len(self.differences)
        slower = sum(difference > 0.0 for difference in self.differences)
        tail = sum(math.comb(pairs, k) for k in range(slower, pairs + 1))
        return tail / 2**pairs <= level and median(self.differences) >= self.theta1


def weigh(weighings: Sequence[Weighing], differences: Sequence[float]) -> None:
    """Take in the next difference of each metric: of many far faster than one by one."""
    for noise, places in alike(weighings):
        some = [weighings[place] for place in places]
        theirs = np.array([differences[place] for place in places])
        likelihood = np.stack([one.likelihood for one in some])
        likelihood *= noise.density(theirs[:, None] - _slowdowns(some))
        # Only ratios matter, and many pairs would leave the range of a double.
        likelihood /= likelihood.max(axis=(1, 2), keepdims=True)
        for one, difference, row in zip(some, theirs.tolist(), likelihood, strict=True):
            one.differences.append(difference)
            one.likelihood = row
        marginal = np.maximum(likelihood @ noise.prior, _SMALLEST)
        evidence = _log_evidence(marginal, _log_discounts(some))
        for one, found in zip(some, evidence.tolist(), strict=True):
            one.log_block, one.log_pass, one.log_improve = found


def alike(weighings: Sequence[Weighing]) -> list[tuple[Noise, list[int]]]:
    """The places of the metrics whose noise is the same and that saw as many pairs."""
    groups: dict[tuple[int, int], tuple[Noise, list[int]]] = {}
    for place, one in enumerate(weighings):
        same = (id(one.noise), len(one.differences))
        groups.setdefault(same, (one.noise, []))[1].append(place)
    return list(groups.values())


def _slowdowns(weighings: Sequence[Weighing]) -> Floats:
    """What the next pair is weighed under, a row a metric: multiples of theta1, and best guesses.

    A guess is the median of the pairs before it, kept on its own side.
    """
    pairs = np.array([one.differences for one in weighings])
    guess = np.median(pairs, axis=1) if pairs.size else np.zeros(len(weighings))
    theta1 = np.array([one.theta1 for one in weighings])
    guesses = [np.maximum(theta1, guess), np.minimum(0.0, guess), np.minimum(-theta1, guess)]
    return np.concatenate([theta1[:, None] * _UNITS, np.stack(guesses, axis=1)], axis=1)


def _log_discounts(weighings: Sequence[Weighing]) -> Floats:
    """What the evidence for a change is divided by; an e-value that shrinks remains one.

    The scatter is the root mean square about the median, wild pairs left out: the likelihood's
    flat part has them. All metrics have the same noise and as many pairs.
    """
    noise, count = weighings[0].noise, len(weighings[0].differences)
    if not noise.known:
        return np.zeros(len(weighings))
    pairs = np.array([one.differences for one in weighings])
    squared = np.square(pairs - np.median(pairs, axis=1)[:, None])
    usual = squared <= (FAR_BEYOND * noise.spread) ** 2
    variance = (squared * usual).sum(axis=1) / np.maximum(usual.sum(axis=1) - 1, 1)
    scatter = np.maximum(np.sqrt(variance) / noise.spread, LEAST_SCATTER)
    return np.asarray(2.0 * np.log(np.maximum(DOUBTED_PAIRS * scatter / count, 1.0)))


def _log_evidence(marginal: Floats, log_discounts: Floats) -> Floats:
    """Logarithms of the evidence to block, to pass and for an improvement, a row a metric."""
    up = marginal[:, [*_UP, _PLUG_UP]] @ _UP_WEIGHTS
    down = marginal[:, [*_DOWN, _PLUG_DOWN]] @ _DOWN_WEIGHTS
    mirrored = marginal[:, [*_UP_MIRRORED, _PLUG_UP_MIRRORED]] @ _UP_WEIGHTS
    rows = [
        np.log(up / marginal[:, _DOWN].max(axis=1)) - log_discounts,
        np.log(down / marginal[:, _UP].max(axis=1)),
        np.log(mirrored / marginal[:, _DOWN_MIRRORED].max(axis=1)) - log_discounts,
    ]
    return np.stack(rows, axis=1)
