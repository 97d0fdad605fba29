"""Pairs of equal sides in turns, as `perfgate calibrate` and `perfgate init` measure them."""

from __future__ import annotations

import math

from perfgate.app.calibrate import measure_equal_sides
from perfgate.app.measuring.budget import Budget
from perfgate.app.measuring.measure import Measured
from tests.measuring import Bench, Silent, a_case


def measured(bench: Bench, *, pairs: int, budget_s: float = math.inf) -> Measured:
    return measure_equal_sides(
        [a_case("flux").case, a_case("wan").case],
        pairs=pairs,
        launcher=bench,
        progress=Silent(),
        budget=Budget(limit_s=budget_s),
    )


def launches(found: Measured) -> dict[str, int]:
    return {case.id: len(case.launches) for case in found.cases}


def test_every_case_gets_its_burn_in_and_all_pairs() -> None:
    found = measured(Bench(), pairs=3)
    assert launches(found) == {"flux": 7, "wan": 7}
    assert [case.stopped for case in found.cases] == [None, None]


def test_the_cases_take_turns() -> None:
    bench = Bench()
    measured(bench, pairs=2)
    assert [call.split()[0] for call in bench.calls[2:]] == [*["flux"] * 2, *["wan"] * 2] * 2


def test_no_pair_starts_that_could_outlast_the_budget() -> None:
    # Two burn-ins of 6 s and three pairs of 12 s end within 60 s; a fourth would end at 60 s.
    found = measured(Bench(duration_s=6.0), pairs=10, budget_s=60.0)
    assert launches(found) == {"flux": 5, "wan": 3}
    assert [case.stopped for case in found.cases] == ["the budget of device minutes was spent"] * 2
    assert all(launch.ok for case in found.cases for launch in case.launches)


def test_a_case_that_is_too_long_leaves_the_others_their_pairs() -> None:
    bench = Bench(duration_s={"flux": 40.0, "wan": 2.0})
    found = measured(bench, pairs=3, budget_s=100.0)
    assert launches(found) == {"flux": 1, "wan": 7}
