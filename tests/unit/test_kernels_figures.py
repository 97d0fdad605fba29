"""What samples say: times, ratios with intervals that hold, rates and shares of a bound."""

from __future__ import annotations

import math
import random

import pytest

from perfgate.records.kernels import CallTimes, KernelBound
from perfgate.verdict.kernels import (
    bound_rate,
    figures_of,
    geometric_mean,
    low_time_us,
    ratio_of,
)
from tests.timed_kernels import a_table


def row(table, name):
    return next(one for one in table.variants if one.name == name)


def figures(table, name):
    return figures_of(table, row(table, name))


def test_time__is_the_lower_quartile():
    assert low_time_us([5.0, 1.0, 2.0, 4.0, 3.0]) == 2.0
    assert low_time_us([1.0, 2.0]) == 1.25
    assert low_time_us([7.0]) == 7.0


def test_time__does_not_move_with_what_disturbs_half_of_the_rounds():
    assert low_time_us([10.0] * 8 + [90.0] * 7) == 10.0


def test_ratio__is_the_median_of_the_rounds():
    found = ratio_of([20.0, 20.0, 60.0, 20.0, 20.0, 20.0], [10.0, 10.0, 30.0, 10.0, 10.0, 1.0])
    assert found.value == 2.0


@pytest.mark.parametrize(("rounds", "rank"), [(6, 1), (8, 1), (9, 2), (15, 4), (20, 6), (100, 40)])
def test_ratio__has_an_interval_of_order_statistics(rounds, rank):
    """The ranks of any table of the sign test at 5 %, both tails."""
    found = ratio_of([float(one) for one in range(1, rounds + 1)], [1.0] * rounds)
    assert (found.low, found.high) == (rank, rounds + 1 - rank)


def test_ratio__of_under_six_rounds_has_no_interval():
    found = ratio_of([2.0] * 5, [1.0] * 5)
    assert (found.value, found.low, found.high) == (2.0, None, None)


@pytest.mark.parametrize(("rounds", "exact"), [(6, 0.96875), (15, 0.96484), (25, 0.95673)])
def test_ratio__the_interval_holds_the_truth_as_often_as_it_says(rounds, exact):
    """Under noise with a heavy tail on one side: a tenth of the blocks is disturbed."""
    chance, trials, held = random.Random(271828), 4000, 0

    def noisy(truth):
        burst = chance.expovariate(1.0) if chance.random() < 0.1 else 0.0
        return truth * chance.lognormvariate(0.0, 0.05) * (1.0 + burst)

    for _ in range(trials):
        slow = [noisy(20.0) for _ in range(rounds)]
        found = ratio_of(slow, [noisy(10.0) for _ in range(rounds)])
        held += found.low <= 2.0 <= found.high
    spread = math.sqrt(exact * (1 - exact) / trials)
    assert held / trials == pytest.approx(exact, abs=4 * spread)


def test_ratio__what_slows_whole_rounds_leaves_it_alone():
    machine = [1.0, 1.0, 3.0, 3.0, 3.0, 1.0]
    found = ratio_of([20.0 * one for one in machine], [10.0 * one for one in machine])
    assert (found.value, found.low, found.high) == (2.0, 2.0, 2.0)


def test_figures__of_a_row_beside_reference_and_copy():
    found = figures(a_table(fast=(10.0,) * 6), "fast")
    assert found.time_us == 10.0
    assert found.speed_up.value == 4.0
    assert found.bytes_per_s == pytest.approx(400e6)
    assert found.operations_per_s == pytest.approx(100e6)
    assert found.share.value == pytest.approx(1.0), "2,000 bytes in 5 µs are the copy's rate too"


def test_figures__the_reference_is_not_compared_with_itself():
    table = a_table(fast=(10.0,) * 6)
    assert figures(table, "reference").speed_up is None
    assert figures(table, "reference").share.value == pytest.approx(0.25)


@pytest.mark.parametrize("state", ["hazard", "failed: ValueError", "not available: no triton"])
def test_figures__what_was_not_timed_has_none(state):
    assert figures(a_table(fast=state), "fast") is None


def test_figures__without_reference_or_bound_there_is_a_time_alone():
    found = figures(a_table("failed: it is broken", copy=None, fast=(10.0,) * 6), "fast")
    assert (found.time_us, found.speed_up, found.share) == (10.0, None, None)


def test_figures__a_product_bounds_by_operations():
    times = CallTimes(method="events", calls=3, samples_us=(20.0,) * 6)
    product = KernelBound(name="matmul", moved_bytes=4_000, operations=4_000, times=times)
    table = a_table(fast=(10.0,) * 6).model_copy(update={"bound": product})
    assert bound_rate(table) == pytest.approx(200e6)
    assert figures(table, "fast").share.value == pytest.approx(0.5)


def test_geometric_mean__of_nothing_is_nothing():
    assert geometric_mean([2.0, 8.0]) == pytest.approx(4.0)
    assert geometric_mean([]) is None
