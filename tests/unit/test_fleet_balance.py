"""Cases over runners: nothing lost, nothing twice, and the longest part near what is possible."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.app.fleet.balance import balance, longest, lower_bound

LENGTHS = st.lists(st.floats(min_value=0.0, max_value=1e5), min_size=1, max_size=40)


def named(lengths: list[float]) -> dict[str, float]:
    return {f"case_{number}": seconds for number, seconds in enumerate(lengths)}


@given(lengths=LENGTHS, runners=st.integers(min_value=1, max_value=12))
def test_every_case_is_in_one_group_and_no_group_is_empty(
    lengths: list[float], runners: int
) -> None:
    cases = named(lengths)
    groups = balance(cases, runners)
    assert sorted(case for group in groups for case in group) == sorted(cases)
    assert all(groups)
    assert len(groups) <= min(runners, len(cases))
    # What Graham's bound leaves of the mean and the longest case.
    at_most = sum(lengths) / runners + max(lengths) * (1 - 1 / runners)
    assert longest(groups, cases) <= at_most * (1 + 1e-9)
    assert lower_bound(cases, runners) <= longest(groups, cases) * (1 + 1e-9)


@given(
    lengths=st.lists(st.integers(min_value=1, max_value=50), min_size=1, max_size=7),
    runners=st.integers(min_value=1, max_value=3),
)
def test_no_split_beats_the_lower_bound_and_ours_is_near_the_best(
    lengths: list[int], runners: int
) -> None:
    cases = named([float(one) for one in lengths])
    best = min(
        max(
            sum(seconds for seconds, where in zip(lengths, places, strict=True) if where == runner)
            for runner in range(runners)
        )
        for places in product(range(runners), repeat=len(lengths))
    )
    assert lower_bound(cases, runners) <= best
    assert longest(balance(cases, runners), cases) <= best * 4 / 3


@pytest.mark.parametrize(
    ("lengths", "runners", "best"),
    [
        ([5, 5, 4, 4, 3, 3, 3], 3, 9),  # the longest first alone gives 11
        ([2, 2, 2], 2, 4),  # no half cases
        ([100, 1, 1, 1], 4, 100),  # one case cannot be split
        ([1, 1, 1], 8, 1),  # more runners than cases
    ],
)
def test_splits_that_are_known(lengths: list[float], runners: int, best: float) -> None:
    cases = named(lengths)
    assert longest(balance(cases, runners), cases) == best
    assert lower_bound(cases, runners) == best


def test_a_thousand_cases_on_64_runners_are_within_15_percent() -> None:
    drawn = random.Random(20261122)
    for spread in (0.3, 1.0, 1.5):
        cases = named([drawn.lognormvariate(3.0, spread) for _ in range(1000)])
        assert longest(balance(cases, 64), cases) <= 1.15 * lower_bound(cases, 64)


def test_cases_of_no_length_spread_as_well() -> None:
    groups = balance(dict.fromkeys("abcdefgh", 0.0), 4)
    assert [len(group) for group in groups] == [2, 2, 2, 2]


def test_a_group_keeps_the_suites_order() -> None:
    assert balance({"z": 1.0, "a": 2.0, "m": 3.0}, 1) == (("z", "a", "m"),)


def test_no_runners_are_refused() -> None:
    with pytest.raises(ValueError, match="0 runners"):
        balance({"a": 1.0}, 0)
