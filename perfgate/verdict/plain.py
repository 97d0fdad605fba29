"""Judges a case's launches against stored figures that have no launches behind them; no effect.

Such figures say nothing of the spread between jobs. What they decide has no error rate, says so,
and comes last: stored launches that suffice for the baseline rule have precedence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfgate.records import CaseDecision, Launch
from perfgate.verdict.tolerance import STEP_FRACTIONS, Expected, Tolerances, judge_run, run_of


@dataclass(frozen=True, kw_only=True)
class PlainFigures:
    """One scenario's figures, and how much slower a run may be by them."""

    expected: Expected
    tolerances: Tolerances
    fractions: Sequence[float] = STEP_FRACTIONS

    def judge(self, case_id: str, usable: Sequence[Launch]) -> CaseDecision:
        """Every figure of the launches, the median over all their requests, against its limit."""
        decided = judge_run(
            self.expected,
            run_of([report for launch in usable for report in launch.reports]),
            tolerances=self.tolerances,
            fractions=self.fractions,
            launches=len(usable),
        )
        return decided.model_copy(update={"id": case_id})
