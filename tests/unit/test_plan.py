"""The plan and the budget: device minutes before they are spent."""

from __future__ import annotations

import pytest

from perfgate.app.measuring.budget import Budget
from perfgate.app.measuring.plan import PlannedCase, plan


def a_case(case_id: str = "wan", launch_s: float | None = 6.0, paired: bool = True) -> PlannedCase:
    return PlannedCase(id=case_id, launch_s=launch_s, paired=paired)


def test_plan__a_case_is_a_burn_in_and_pairs() -> None:
    told = plan([a_case(launch_s=60.0)], max_pairs=12, budget_min=100)
    assert told.most_launches == 25
    assert told.expected_min == pytest.approx(9.0)
    assert told.worst_min == pytest.approx(25.0)


def test_plan__never_promises_more_than_the_budget() -> None:
    told = plan([a_case(launch_s=60.0), a_case("flux", 60.0)], max_pairs=12, budget_min=10)
    assert (told.expected_min, told.worst_min) == (10, 10)


def test_plan__says_when_it_does_not_know() -> None:
    told = plan([a_case(), a_case("flux", None, paired=False)], max_pairs=12, budget_min=30)
    assert told.expected_min is None
    assert told.told() == (
        "plan: 2 cases, at most 28 launches; device minutes: expected: known after the first "
        "launches, worst 30.0 (budget 30.0)"
    )


def test_budget__a_launch_starts_only_if_it_could_end() -> None:
    budget = Budget(limit_s=100)
    assert budget.fits("wan", launches=1)
    budget.spend("wan", 30)
    assert budget.fits("wan", launches=2)
    budget.spend("wan", 35)
    assert not budget.fits("wan", launches=1)
    assert budget.fits("flux", launches=1)


def test_budget__spent_is_spent() -> None:
    budget = Budget(limit_s=10)
    budget.spend("wan", 12)
    assert budget.left_s == 0
    assert not budget.fits("flux", launches=1)
