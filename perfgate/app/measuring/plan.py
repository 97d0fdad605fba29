"""What a job will cost before it is spent: expected and worst device minutes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

TYPICAL_PAIRS = 4
"""Pairs that an unchanged case takes on a machine with 1 % noise, rounded up."""


@dataclass(frozen=True, kw_only=True)
class PlannedCase:
    """One case; ``launch_s`` is None where no earlier launch tells how long one takes."""

    id: str
    launch_s: float | None
    paired: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Device minutes: ``expected_min`` is None when a case's launch time is unknown."""

    cases: tuple[PlannedCase, ...]
    most_launches: int
    expected_min: float | None
    worst_min: float
    budget_min: float

    def told(self) -> str:
        """One line for a person."""
        count = f"{len(self.cases)} case{'' if len(self.cases) == 1 else 's'}"
        expected = (
            "expected: known after the first launches"
            if self.expected_min is None
            else f"expected {self.expected_min:.1f}"
        )
        return (
            f"plan: {count}, at most {self.most_launches} launches; device minutes: {expected}, "
            f"worst {self.worst_min:.1f} (budget {self.budget_min:.1f})"
        )


def plan(cases: Sequence[PlannedCase], *, max_pairs: int, budget_min: float) -> Plan:
    """Add up the cases: one burn-in each, then pairs, or two head launches where unpaired."""

    def launches(case: PlannedCase, pairs: int) -> int:
        return 1 + (2 * pairs if case.paired else 2)

    most = sum(launches(case, max_pairs) for case in cases)
    known = [case.launch_s for case in cases]
    expected = worst = None
    if all(seconds is not None for seconds in known):
        expected = sum(launches(c, TYPICAL_PAIRS) * (c.launch_s or 0.0) for c in cases) / 60
        worst = sum(launches(c, max_pairs) * (c.launch_s or 0.0) for c in cases) / 60
    return Plan(
        cases=tuple(cases),
        most_launches=most,
        expected_min=None if expected is None else min(expected, budget_min),
        worst_min=budget_min if worst is None else min(worst, budget_min),
        budget_min=budget_min,
    )
