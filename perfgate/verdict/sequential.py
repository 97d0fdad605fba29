"""The sequential test of one metric: pairs in, evidence and a state out; no clock, no I/O.

Evidence is a ratio of mixture likelihoods, an e-value when noise and prior are right (Grünwald,
de Heide and Koolen, "Safe testing", 2024, doi:10.1093/jrsssb/qkae011), so it may be looked at
after every pair; the plug-in components follow Wald's predictable estimate. Noise and prior are
never exactly right: what may be claimed is the rate that the simulations measure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from perfgate.verdict.interval import change_of, spread_of
from perfgate.verdict.likelihood import FAR_BEYOND, SIGMAS, Floats, log_sum_exp, noise_from

State: TypeAlias = Literal["continue", "passed", "regressed", "inconclusive"]

MIN_PAIRS_WITHOUT_HISTORY = 3
MIN_PAIRS_TO_BLOCK = 3
"""Two pairs that jumped alike look like a slowdown; three seldom do."""
EARLY_PAIRS, EARLY_DISCOUNT = 3, 10.0
"""What so few pairs say of a slower or faster head counts for less: they show too little of how
much wider than its history, or than base, head spreads."""
MDE_FACTOR = 1.1
WIDENED_DISCOUNT = 4.0
"""The same where the margin is no wider than the noise, so that any error in the spread tells."""
MOST_FORETOLD_PAIRS = 99
_LARGEST_EXPONENT = 700.0

# Slowdowns in units of theta1. "Up" are slowdowns worth blocking, "down" are none or the reverse;
# the mirrored sets (indices after the comma) are the same for an improvement.
_UNITS: Floats = np.array([0.0, 1.0, 1.5, 2.25, 3.5, 6.0, -1.0, -1.5, -2.25, -3.5, -6.0, 2.5, -2.5])
_UP, _UP_MIRRORED = [1, 2, 3, 4, 5], [6, 7, 8, 9, 10]
_DOWN, _DOWN_MIRRORED = [0, 6, 12], [0, 1, 11]
_PLUG_UP, _PLUG_DOWN, _PLUG_UP_MIRRORED, _PLUG_DOWN_MIRRORED = 13, 14, 15, 16
_UP_WEIGHTS = np.log([0.80, 0.08, 0.03, 0.02, 0.02, 0.05])
_DOWN_WEIGHTS = np.log([0.75, 0.08, 0.02, 0.15])


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One metric's rule: the slowdown to catch, the two error rates, and how many pairs."""

    margin: float = 0.03
    false_block: float = 0.01
    miss: float = 0.05
    min_pairs: int = 2
    max_pairs: int = 12

    def __post_init__(self) -> None:
        for name in ("margin", "false_block", "miss"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be a positive number, not {value!r}")
        if not 1 <= self.min_pairs <= self.max_pairs:
            raise ValueError(
                f"min_pairs must be from 1 to max_pairs ({self.max_pairs}), not {self.min_pairs!r}"
            )

    @property
    def block_at(self) -> float:
        return 1.0 / self.false_block

    @property
    def pass_at(self) -> float:
        """Less than 1 / ``miss``, which misses far fewer than it may: chosen by simulation."""
        return 0.3 / self.miss


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the pairs so far say about one metric.

    ``ratio``, ``low`` and ``high`` are head/base with its 95 % credible interval; ``decidable`` is
    the smallest slowdown, as a fraction, that this metric can decide; ``more_pairs`` is how many
    pairs are still expected, ``None`` where that cannot be foretold; ``noise`` is the standard
    deviation of one pair's difference, ``None`` before the second pair.
    """

    state: State
    pairs: int
    ratio: float
    low: float
    high: float
    e_block: float
    e_pass: float
    e_improve: float
    decidable: float
    more_pairs: int | None = None
    noise: float | None = None


class SequentialGate:
    """Judges one metric from its pairs; the state is a function of the pairs in their order.

    ``history`` holds differences log(head/base) of equal sides on this hardware and workload.
    A state is no end by itself: whoever measures may go on, and every pair counts.
    """

    def __init__(self, policy: Policy, history: Sequence[float] = ()) -> None:
        self.policy = policy
        self._noise = noise_from(history)
        # Without history the spread is a guess, no measurement that could widen the margin.
        noisy = MDE_FACTOR * self._noise.spread if self._noise.known else 0.0
        self._theta1 = max(math.log1p(policy.margin), noisy)
        self._widened = self._theta1 > math.log1p(policy.margin)
        self._differences: list[float] = []
        self._log_likelihood: Floats = np.zeros((len(_UNITS) + 4, len(SIGMAS)))
        self._log_e = (0.0, 0.0, 0.0)

    @property
    def pairs(self) -> int:
        return len(self._differences)

    @property
    def decidable(self) -> float:
        return math.expm1(self._theta1)

    @property
    def e_block(self) -> float:
        return _exp(self._log_e[0])

    def observe(self, base: float, head: float) -> Evidence:
        """Take in one pair (milliseconds, both positive); ValueError names any other value."""
        self.add(base, head)
        return self.evidence()

    def add(self, base: float, head: float) -> None:
        """Take in one pair without drawing its interval, for callers that need only the state."""
        for side, value in (("base", base), ("head", head)):
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{side} must be a positive number, not {value!r}")
        difference = math.log(head) - math.log(base)
        thetas = np.concatenate([_UNITS * self._theta1, self._plug_ins()])
        self._log_likelihood += np.log(self._noise.density(difference, thetas))
        self._differences.append(difference)
        self._log_e = self._weigh()

    def _plug_ins(self) -> list[float]:
        """The best guess of the slowdown from the pairs before this one, kept on its own side."""
        median = float(np.median(self._differences)) if self._differences else 0.0
        return [
            max(self._theta1, median),
            min(0.0, median),
            min(-self._theta1, median),
            max(0.0, median),
        ]

    def _weigh(self) -> tuple[float, float, float]:
        marginal = log_sum_exp(self._log_likelihood + self._noise.log_prior)
        up = float(log_sum_exp(_UP_WEIGHTS + marginal[[*_UP, _PLUG_UP]]))
        down = float(log_sum_exp(_DOWN_WEIGHTS + marginal[[*_DOWN, _PLUG_DOWN]]))
        mirrored = float(log_sum_exp(_UP_WEIGHTS + marginal[[*_UP_MIRRORED, _PLUG_UP_MIRRORED]]))
        discount = self._log_discount()
        return (
            up - float(marginal[_DOWN].max()) - discount,
            down - float(marginal[_UP].max()),
            mirrored - float(marginal[_DOWN_MIRRORED].max()) - discount,
        )

    def _log_discount(self) -> float:
        """What is taken off the evidence for a change; an e-value that shrinks remains one."""
        early = self._noise.known and self.pairs <= EARLY_PAIRS
        return math.log(
            (EARLY_DISCOUNT if early else 1.0) * (WIDENED_DISCOUNT if self._widened else 1.0)
        )

    def blocks(self, block_at: float | None = None) -> bool:
        """Whether the evidence accuses, at the metric's own threshold or at ``block_at``."""
        threshold = self.policy.block_at if block_at is None else block_at
        if self.pairs < max(self._min_pairs(), MIN_PAIRS_TO_BLOCK):
            return False
        if self._log_e[0] >= math.log(threshold) and self._lower_median() > 0.0:
            return True
        # One look at the last pair: pairs that come after it do not give the sign test another.
        return self.pairs == self.policy.max_pairs and self._signs_accuse(1.0 / threshold)

    def improves(self) -> bool:
        """Whether the mirrored evidence says faster, at the threshold that accuses of slower."""
        return (
            self.pairs >= max(self._min_pairs(), MIN_PAIRS_TO_BLOCK)
            and self._log_e[2] >= math.log(self.policy.block_at)
            and self._upper_median() < 0.0
        )

    def passes(self) -> bool:
        return (
            self.pairs >= self._min_pairs()
            and self._log_e[1] >= math.log(self.policy.pass_at)
            and self._upper_median() < self._theta1
            and self._pairs_that_agree() >= self._min_pairs()
        )

    @property
    def state(self) -> State:
        if self.blocks():
            return "regressed"
        if self.passes():
            return "passed"
        return "inconclusive" if self.pairs >= self.policy.max_pairs else "continue"

    def evidence(self) -> Evidence:
        """Everything that is told about the pairs so far; needs at least one."""
        change = change_of(self._differences, self._noise)
        return Evidence(
            state=self.state,
            pairs=self.pairs,
            ratio=change.ratio,
            low=change.low,
            high=change.high,
            e_block=_exp(self._log_e[0]),
            e_pass=_exp(self._log_e[1]),
            e_improve=_exp(self._log_e[2]),
            decidable=self.decidable,
            more_pairs=self.more_pairs_needed(),
            noise=spread_of(self._differences),
        )

    def more_pairs_needed(self) -> int | None:
        """Pairs until a threshold is met if the evidence keeps growing as it did; None if not.

        Wald's approximation of the expected sample number: missing evidence over mean increment.
        """
        if self.state in ("passed", "regressed"):
            return 0
        if not self.pairs:
            return self._min_pairs()
        targets = (
            (self._log_e[0], math.log(self.policy.block_at)),
            (self._log_e[1], math.log(self.policy.pass_at)),
        )
        waits = [
            max(math.ceil((target - now) * self.pairs / now), self._min_pairs() - self.pairs, 1)
            for now, target in targets
            if now > 0.0
        ]
        wait = min(waits, default=MOST_FORETOLD_PAIRS + 1)
        return wait if wait <= MOST_FORETOLD_PAIRS else None

    def _min_pairs(self) -> int:
        least = 0 if self._noise.known else MIN_PAIRS_WITHOUT_HISTORY
        return max(self.policy.min_pairs, least)

    def _lower_median(self) -> float:
        return sorted(self._differences)[(self.pairs - 1) // 2]

    def _upper_median(self) -> float:
        return sorted(self._differences)[self.pairs // 2]

    def _pairs_that_agree(self) -> int:
        """Pairs within the usual noise of the middle one; without history, all of them.

        A wild pair is no evidence for a pass: two launches of base that both went badly could hide
        any slowdown.
        """
        if not self._noise.known:
            return self.pairs
        middle, reach = self._upper_median(), FAR_BEYOND * self._noise.spread
        return sum(abs(difference - middle) <= reach for difference in self._differences)

    def _signs_accuse(self, level: float) -> bool:
        """The exact one-sided sign test (Arbuthnott 1710) and a median beyond the margin."""
        slower = sum(difference > 0.0 for difference in self._differences)
        tail = sum(math.comb(self.pairs, k) for k in range(slower, self.pairs + 1))
        median = float(np.median(self._differences))
        return tail / 2**self.pairs <= level and median >= self._theta1


def _exp(log_value: float) -> float:
    return math.exp(min(log_value, _LARGEST_EXPONENT))
