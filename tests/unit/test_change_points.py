"""Level shifts of a series: what is found, what is none, and how exactly the place is told."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from perfgate.verdict.change_points import TAIL, ChangePoint, change_points, newest

Values = NDArray[np.float64]
NOISE = 0.01


def levels(*parts: tuple[float, int], noise: float = NOISE, seed: int = 1) -> Values:
    """Levels as (height, points), each with that relative noise."""
    heights = np.concatenate([np.full(points, height) for height, points in parts])
    return heights * np.exp(noise * np.random.default_rng(seed).normal(size=len(heights)))


def places(values: object) -> list[int]:
    return [found.index for found in change_points(np.asarray(values))]


# What is found


def test_a_clear_step_is_found_at_its_place() -> None:
    (found,) = change_points(levels((100.0, 60), (110.0, 40)))

    assert found.index == 60
    assert found.earliest <= 60 <= found.latest
    assert found.before == pytest.approx(100.0, rel=0.01)
    assert found.ratio == pytest.approx(1.1, rel=0.01)
    assert found.strength > 10.0


def test_every_level_of_several_is_found() -> None:
    found = change_points(levels((100.0, 50), (106.0, 30), (100.0, 30), (85.0, 80), (90.0, 40)))

    assert [one.index for one in found] == [50, 80, 110, 190]
    assert [one.after for one in found[:-1]] == [one.before for one in found[1:]]


@pytest.mark.parametrize("points", [4, 5, 8])
def test_a_new_level_is_told_once_it_has_stood_for_four_points(points: int) -> None:
    assert places(levels((100.0, 60), (110.0, points))) == [60]


@pytest.mark.parametrize("points", [4, 8])
def test_a_short_level_is_found_between_long_ones(points: int) -> None:
    assert places(levels((100.0, 60), (110.0, points), (100.0, 60))) == [60, 60 + points]


def test_a_step_of_a_series_without_noise_is_found() -> None:
    (found,) = change_points([5.0] * 10 + [6.0] * 10)

    assert (found.index, found.before, found.after) == (10, 5.0, 6.0)


def test_a_step_of_rounded_values_is_found() -> None:
    """Videos whose latency is told in whole seconds."""
    random = np.random.default_rng(3)
    values = np.round(62.2 + random.normal(0.0, 0.4, 120))
    values[70:] += 3.0

    assert places(values) == [70]


def test_a_series_with_zeros_is_compared_by_difference() -> None:
    random = np.random.default_rng(4)
    values = np.concatenate((np.zeros(30), random.normal(50.0, 1.0, 30)))

    (found,) = change_points(values)

    assert found.index == 30
    assert found.ratio == math.inf


# How exactly the place is told


def test_the_range_holds_the_true_place_in_nine_of_ten_series() -> None:
    held = found = 0
    for seed in range(200):
        nearest = [
            one
            for one in change_points(levels((100.0, 60), (102.0, 60), seed=seed))
            if abs(one.index - 60) <= 15
        ]
        found += len(nearest)
        held += sum(one.earliest <= 60 <= one.latest for one in nearest)

    assert found >= 190
    assert held >= 0.9 * found


def test_a_clearer_shift_has_a_narrower_range() -> None:
    def width(height: float) -> int:
        (found,) = change_points(levels((100.0, 60), (height, 60), seed=2))
        return found.latest - found.earliest

    assert width(101.5) > width(110.0) == 0


# What is none


@pytest.mark.parametrize("points", [0, 1, 2, 5])
def test_a_short_series_has_no_change_points(points: int) -> None:
    assert change_points(np.arange(1.0, points + 1.0)) == ()


@pytest.mark.parametrize("value", [1e-300, 0.0, 5.0, 1e300])
def test_a_constant_series_has_no_change_points(value: float) -> None:
    assert change_points([value] * 50) == ()


@pytest.mark.parametrize("long", [1, 2, 3])
@pytest.mark.parametrize("place", ["first", "early", "late", "last"])
def test_a_spike_is_no_change_point(long: int, place: str) -> None:
    values = levels((100.0, 100))
    start = {"first": 0, "early": 40, "late": 93, "last": 100 - long}[place]
    values[start : start + long] *= 3.0

    assert places(values) == []


def test_a_spike_beside_a_step_hides_neither_its_place_nor_its_height() -> None:
    values = levels((100.0, 60), (106.0, 60))
    values[[30, 57, 90]] *= 2.0

    (found,) = change_points(values)

    assert found.index == 60
    assert found.ratio == pytest.approx(1.06, rel=0.01)


NOISES: dict[str, tuple[Callable[[np.random.Generator, int], Values], float]] = {
    "normal": (lambda random, count: random.normal(size=count), 0.3),
    "Student 3": (lambda random, count: random.standard_t(3.0, size=count), 0.4),
    "spikes": (
        lambda random, count: random.normal(size=count) + 30.0 * (random.random(count) < 0.02),
        0.4,
    ),
    "correlated": (
        lambda random, count: np.convolve(
            random.normal(size=count + 30), 0.6 ** np.arange(30), "full"
        )[30 : count + 30],
        0.6,
    ),
    "wave": (
        lambda random, count: random.normal(size=count) + 2.0 * np.sin(np.arange(count) / 160.0),
        2.0,
    ),
    "changing size": (
        lambda random, count: (
            random.normal(size=count) * np.repeat(random.uniform(0.3, 3.0, count // 100), 100)
        ),
        0.5,
    ),
    "two modes": (
        lambda random, count: 0.3 * random.normal(size=count) + 2.0 * (random.random(count) < 0.3),
        0.5,
    ),
}


@pytest.mark.parametrize("noise", list(NOISES))
def test_noise_without_a_shift_gives_few_change_points(noise: str) -> None:
    """The bound is per 1,000 points, of 20,000 drawn."""
    draw, most = NOISES[noise]
    found = 0
    for seed in range(10):
        random = np.random.default_rng([11, seed])
        found += len(change_points(100.0 * np.exp(0.02 * draw(random, 2000))))

    assert found / 20.0 <= most


def test_shifts_of_three_times_the_noise_are_found_in_levels_of_thirty_points() -> None:
    hits = 0
    for seed in range(20):
        random = np.random.default_rng([12, seed])
        heights = 3.0 * NOISE * np.cumsum(random.choice([-1.0, 1.0], 10))
        noise = NOISE * random.normal(size=300)
        found = change_points(100.0 * np.exp(np.repeat(heights, 30) + noise))
        hits += sum(any(abs(one.index - 30 * at) <= 5 for one in found) for at in range(1, 10))

    assert hits >= 0.95 * 180


# What it does not depend on


def test_the_unit_does_not_matter() -> None:
    values = levels((100.0, 50), (104.0, 40), (90.0, 30))

    expected = change_points(values)

    for unit in (1e-3, 60.0, 1e9):
        found = change_points(values * unit)
        assert [one.index for one in found] == [one.index for one in expected]
        assert [one.ratio for one in found] == pytest.approx([one.ratio for one in expected])


def test_faster_is_found_as_slower_is() -> None:
    values = levels((100.0, 50), (104.0, 40), (90.0, 30))

    assert places(1e4 / values) == places(values)


def test_the_same_values_always_give_the_same_answer() -> None:
    values = levels((100.0, 200), (102.0, 200), seed=5)

    assert change_points(values) == change_points(list(values))


def test_values_are_not_changed() -> None:
    values = levels((100.0, 50), (110.0, 50))
    before = values.copy()

    change_points(values)

    assert (values == before).all()


# One point more


def test_newest_agrees_with_the_whole_of_a_short_series() -> None:
    values = levels((100.0, 300), (105.0, 250))

    assert newest(values) == change_points(values)


def test_newest_tells_places_in_the_whole_series() -> None:
    values = levels((100.0, 2000), (110.0, 20))

    assert [one.index for one in newest(values)] == [2000]
    assert [one.index for one in change_points(values)] == [2000]


def test_newest_does_not_look_further_back_than_its_tail() -> None:
    values = levels((100.0, 100), (150.0, TAIL))

    assert newest(values) == ()
    assert places(values) == [100]


def test_a_step_is_told_night_by_night_from_its_fourth_point_on() -> None:
    values = levels((100.0, 80), (110.0, 40), seed=6)

    told = {count: [one.index for one in newest(values[:count])] for count in range(70, 121)}

    assert all(not told[count] for count in range(70, 84))
    assert all(told[count] == [80] for count in range(84, 121))


# Numbers that are hard


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_only_finite_numbers_make_a_series(wrong: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        change_points([1.0, wrong, 2.0])


def test_a_table_is_no_series() -> None:
    with pytest.raises(ValueError, match="one dimension, not 2"):
        newest(np.ones((20, 2)))


@pytest.mark.parametrize(
    "values",
    [
        [5e-324] * 10 + [1.7e308] * 10,
        [-1.7e308] * 10 + [1.7e308] * 10,
        [0.0] * 19 + [1.7e308],
        [1.0, 2.0] * 50,
        [1.0, 1e9] * 50,
        list(range(1, 200)),
        [1e-30 * one for one in range(200)],
        [1.0 + 1e-16 * (one % 3) for one in range(100)],
        [2.0**one for one in range(-500, 500)],
    ],
    ids=[
        *("the whole range", "both signs", "a last spike", "up and down", "far up and down"),
        *("a line", "a tiny line", "rounding", "a curve"),
    ],
)
def test_hard_numbers_are_answered_in_order_and_without_a_warning(values: list[float]) -> None:
    found = change_points(values)

    assert [one.index for one in found] == sorted({one.index for one in found})
    for one in found:
        assert 0 < one.earliest <= one.index <= one.latest < len(values)
        assert math.isfinite(one.strength)


def test_the_widest_step_is_found() -> None:
    assert places([5e-324] * 10 + [1.7e308] * 10) == [10]
    assert places([-1.7e308] * 10 + [1.7e308] * 10) == [10]


def test_changes_every_five_points_are_all_found() -> None:
    """10,000 points that do nothing but change."""
    values = np.repeat(np.arange(2000) % 2, 5) * 10.0 + 100.0
    values = values + np.random.default_rng(8).normal(size=10_000)

    assert places(values) == list(range(5, 10_000, 5))


@pytest.mark.parametrize(
    ("before", "after", "ratio"), [(2.0, 3.0, 1.5), (0.0, 1.0, math.inf), (0.0, -1.0, -math.inf)]
)
def test_ratio__of_levels(before: float, after: float, ratio: float) -> None:
    point = ChangePoint(index=4, earliest=4, latest=4, before=before, after=after, strength=9.0)

    assert point.ratio == ratio


def test_ratio__of_nothing_to_nothing_is_not_a_number() -> None:
    point = ChangePoint(index=4, earliest=4, latest=4, before=0.0, after=0.0, strength=9.0)

    assert math.isnan(point.ratio)
