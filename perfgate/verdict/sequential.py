"""The sequential test of one metric: pairs in, evidence and a state out; no clock, no I/O.

What the pairs weigh is the subject of :mod:`perfgate.verdict.weighing`; here are the thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from perfgate.verdict.interval import Change, changes_of, spread_of
from perfgate.verdict.likelihood import noise_from
from perfgate.verdict.weighing import Weighing, alike, weigh

State: TypeAlias = Literal["continue", "passed", "regressed", "inconclusive"]

MIN_PAIRS_WITHOUT_HISTORY = 3
MIN_PAIRS_TO_BLOCK = 3
"""Two pairs that jumped alike look like a slowdown; three seldom do."""
MOST_FORETOLD_PAIRS = 99
_LARGEST_EXPONENT = 700.0


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
        self.weighing = Weighing.of(margin=policy.margin, noise=noise_from(history))

    @property
    def pairs(self) -> int:
        return len(self.weighing.differences)

    @property
    def decidable(self) -> float:
        return math.expm1(self.weighing.theta1)

    @property
    def e_block(self) -> float:
        return _exp(self.weighing.log_block)

    def observe(self, base: float, head: float) -> Evidence:
        """Take in one pair (milliseconds, both positive); ValueError names any other value."""
        self.add(base, head)
        return self.evidence()

    def add(self, base: float, head: float) -> None:
        """Take in one pair without drawing its interval, for callers that need only the state."""
        add_pairs([self], [(base, head)])

    def blocks(self, block_at: float | None = None) -> bool:
        """Whether the evidence accuses, at the metric's own threshold or at ``block_at``."""
        threshold = self.policy.block_at if block_at is None else block_at
        enough = self.weighing.log_block >= math.log(threshold)
        if not enough and self.pairs != self.policy.max_pairs:
            return False
        if self.pairs < max(self._min_pairs(), MIN_PAIRS_TO_BLOCK):
            return False
        if enough and self.weighing.lower_median() > 0.0:
            return True
        # One look at the last pair: pairs that come after it do not give the sign test another.
        return self.pairs == self.policy.max_pairs and self.weighing.signs_accuse(1.0 / threshold)

    def improves(self) -> bool:
        """Whether the mirrored evidence says faster, at the threshold that accuses of slower."""
        return (
            self.pairs >= max(self._min_pairs(), MIN_PAIRS_TO_BLOCK)
            and self.weighing.log_improve >= math.log(self.policy.block_at)
            and self.weighing.upper_median() < 0.0
        )

    def passes(self) -> bool:
        return (
            self.pairs >= self._min_pairs()
            and self.weighing.log_pass >= math.log(self.policy.pass_at)
            and self.weighing.upper_median() < self.weighing.theta1
            and self.weighing.pairs_that_agree() >= self._min_pairs()
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
        return evidence_of([self])[0]

    def evidence_with(self, change: Change) -> Evidence:
        """The same, where somebody has drawn the interval already."""
        return Evidence(
            state=self.state,
            pairs=self.pairs,
            ratio=change.ratio,
            low=change.low,
            high=change.high,
            e_block=self.e_block,
            e_pass=_exp(self.weighing.log_pass),
            e_improve=_exp(self.weighing.log_improve),
            decidable=self.decidable,
            more_pairs=self.more_pairs_needed(),
            noise=spread_of(self.weighing.differences),
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
            (self.weighing.log_block, math.log(self.policy.block_at)),
            (self.weighing.log_pass, math.log(self.policy.pass_at)),
        )
        waits = [
            max(math.ceil((target - now) * self.pairs / now), self._min_pairs() - self.pairs, 1)
            for now, target in targets
            if now > 0.0
        ]
        wait = min(waits, default=MOST_FORETOLD_PAIRS + 1)
        return wait if wait <= MOST_FORETOLD_PAIRS else None

    def _min_pairs(self) -> int:
        least = 0 if self.weighing.noise.known else MIN_PAIRS_WITHOUT_HISTORY
        return max(self.policy.min_pairs, least)


def add_pairs(gates: Sequence[SequentialGate], pairs: Sequence[tuple[float, float]]) -> None:
    """Take in the pair (base, head) of each gate; of many gates far faster than one by one.

    All pairs are looked at before one is taken in: ValueError names a value that is no time.
    """
    differences = [_difference(base, head) for base, head in pairs]
    weigh([gate.weighing for gate in gates], differences)


def evidence_of(gates: Sequence[SequentialGate]) -> list[Evidence]:
    """Everything that is told about each gate's pairs so far; each needs at least one."""
    found: dict[int, Evidence] = {}
    for noise, places in alike([gate.weighing for gate in gates]):
        changes = changes_of([gates[place].weighing.differences for place in places], noise)
        for place, change in zip(places, changes, strict=True):
            found[place] = gates[place].evidence_with(change)
    return [found[place] for place in range(len(gates))]


def _difference(base: float, head: float) -> float:
    for side, value in (("base", base), ("head", head)):
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{side} must be a positive number, not {value!r}")
    return math.log(head) - math.log(base)


def _exp(log_value: float) -> float:
    return math.exp(min(log_value, _LARGEST_EXPONENT))
