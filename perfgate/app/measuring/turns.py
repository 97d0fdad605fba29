"""Which case gets the next pair, so that the budget decides as many cases as it can. Pure.

Every case first gets the fewest pairs that can decide it, in turns, the shortest launches first.
From then on the next pair goes to the case that is expected to be decided with the fewest device
seconds: its pairs still expected (:attr:`perfgate.verdict.sequential.Evidence.more_pairs`, Wald's
approximation) times the time of a pair. On one machine the shortest expected remaining time first
has the most jobs finished at every moment when the times are known (Schrage, "A proof of the
optimality of the shortest remaining processing time discipline", 1968,
doi:10.1287/opre.16.3.687), and each pair brings a new estimate. A case that its pairs left are not
expected to decide waits until no other is open. Among cases alike, the one with the fewest pairs
comes first, so that they take turns. Before all, a case whose resident servers are loaded goes on
until they are due to restart: any other would have to end them. The order makes no verdict: each
case is judged by its own pairs alone, and its test may be looked at at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST_PAIRS = 3
"""The fewest pairs that decide a case on a machine of which no noise is stored."""


@dataclass(frozen=True, kw_only=True)
class Open:
    """A case that is not decided: pair numbers used and left, pairs still expected, their time.

    ``more_pairs`` is None where it cannot be foretold, ``pair_s`` are device seconds, ``stays`` is
    for servers that are loaded.
    """

    case_id: str
    pairs: int
    pairs_left: int
    more_pairs: int | None
    pair_s: float
    stays: bool = False

    @property
    def hopeless(self) -> bool:
        """Whether the pairs left are not expected to decide it."""
        return self.more_pairs is None or self.more_pairs > self.pairs_left

    @property
    def expected_s(self) -> float:
        more = self.pairs_left if self.more_pairs is None else min(self.more_pairs, self.pairs_left)
        # Evidence that seems enough and decided nothing needs one pair at least.
        return max(more, 1) * self.pair_s


def next_case(cases: Sequence[Open]) -> str:
    """The case that gets the next pair, out of at least one, given in the suite's order."""
    staying = next((case for case in cases if case.stays), None)
    if staying is not None:
        return staying.case_id
    new = [case for case in cases if case.pairs < LEAST_PAIRS]
    if new:
        return min(new, key=lambda case: (case.pairs, case.pair_s)).case_id
    return min(cases, key=lambda case: (case.hopeless, case.expected_s, case.pairs)).case_id
