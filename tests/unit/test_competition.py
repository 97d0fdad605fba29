"""Who wins a case: only where the spread of launches supports it."""

from __future__ import annotations

import random

import pytest

from perfgate.records.results import Cell
from perfgate.verdict.competition import Ranking, compiled_of, rankings, spread_of
from tests.competing import a_cell


def only(*cells: Cell) -> Ranking:
    (found,) = rankings(cells)
    return found


class TestWinner:
    def test_launches_that_lie_apart(self) -> None:
        found = only(a_cell("slow", 120, 121, 122, 123), a_cell("fast", 100, 101, 102, 103))
        assert found.winner == "fast"
        assert [place.cell.framework for place in found.places] == ["fast", "slow"]
        assert found.places[1].ratio == pytest.approx(121.5 / 101.5)

    def test_launches_that_overlap__nobody_wins(self) -> None:
        found = only(a_cell("a", 100, 101, 102, 110), a_cell("b", 109, 120, 121, 122))
        assert found.winner is None
        assert found.places[1].why_not == "spreads overlap"

    def test_three_launches_each__chance_would_part_equal_ones_in_10_percent(self) -> None:
        found = only(a_cell("a", 1, 2, 3), a_cell("b", 10, 11, 12))
        assert found.winner is None
        assert found.places[1].why_not == "only 3 launches"

    def test_it_has_to_be_faster_than_every_other(self) -> None:
        near, far = a_cell("near", 101, 102, 103, 104), a_cell("far", 200, 201, 202, 203)
        found = only(a_cell("a", 100, 101, 102, 103), near, far)
        assert found.winner is None
        assert [place.apart for place in found.places] == [False, False, True]

    def test_one_outlier_among_many_launches_does_not_hide_a_winner(self) -> None:
        found = only(a_cell("a", *range(100, 111), 500), a_cell("b", *range(120, 132)))
        assert found.winner == "a"

    def test_many_launches_whose_medians_cannot_be_told_apart(self) -> None:
        found = only(a_cell("a", *range(100, 112)), a_cell("b", *range(103, 115)))
        assert found.places[1].why_not == "intervals overlap"

    def test_alone_there_is_nothing_to_win(self) -> None:
        assert only(a_cell("a", 1, 2, 3, 4), a_cell("broken")).winner is None

    def test_equal_frameworks_seldom_have_a_winner(self) -> None:
        chance = random.Random(5)

        def wins(launches: int) -> int:
            def cell(name: str) -> Cell:
                return a_cell(name, *(chance.lognormvariate(0, 0.02) for _ in range(launches)))

            return sum(only(cell("a"), cell("b")).winner is not None for _ in range(1000))

        assert wins(4) <= 50
        assert wins(8) <= 50


class TestCompiled:
    def test_eager_and_compiled_of_one_framework(self) -> None:
        eager, fast = (
            a_cell("sglang", 100, 101, 102, 103),
            a_cell("sglang-compiled", 80, 81, 82, 83),
        )
        (found,) = compiled_of(only(eager, fast, a_cell("diffusers", 1, 2, 3, 4)))
        assert found.framework == "sglang"
        assert found.ratio == pytest.approx(81.5 / 101.5)
        assert not found.why_not

    def test_compiling_that_brings_nothing(self) -> None:
        slow = a_cell("sglang-compiled", 101, 102, 103, 104)
        (found,) = compiled_of(only(a_cell("sglang", 100, 101, 102, 103), slow))
        assert (found.ratio > 1, found.why_not) == (True, "spreads overlap")

    def test_one_of_the_two_failed(self) -> None:
        assert compiled_of(only(a_cell("sglang", 1), a_cell("sglang-compiled"))) == ()


class TestPlaces:
    def test_cells_without_a_number_come_last_in_their_order(self) -> None:
        found = only(a_cell("x"), a_cell("slow", 2), a_cell("y"), a_cell("fast", 1))
        assert [place.cell.framework for place in found.places] == ["fast", "slow", "x", "y"]

    def test_no_number_at_all(self) -> None:
        found = only(a_cell("x"), a_cell("y"))
        assert found.winner is None
        assert not found.measured

    def test_cases_keep_their_order(self) -> None:
        found = rankings([a_cell("a", 1, case=name) for name in ("wan", "flux", "qwen")])
        assert [one.case for one in found] == ["wan", "flux", "qwen"]

    def test_a_time_of_nothing_has_no_ratio(self) -> None:
        assert only(a_cell("a", 0.0), a_cell("b", 1.0)).places[1].ratio is None


class TestSpread:
    def test_requests_of_one_launch_are_one_value(self) -> None:
        spread = spread_of(a_cell("a", 10, 20, 30, 50, 7, launches=(2, 2, 1)))
        assert spread is not None
        assert list(spread.launches) == [7, 15, 40]
        assert (spread.median, spread.least, spread.greatest, spread.samples) == (20, 7, 50, 5)

    def test_where_the_launches_are_not_known_each_sample_is_one(self) -> None:
        spread = spread_of(a_cell("a", 10, 20, 30))
        assert spread is not None
        assert list(spread.launches) == [10, 20, 30]

    @pytest.mark.parametrize(
        ("launches", "interval"),
        [(5, None), (6, (0, 5)), (8, (0, 7)), (9, (1, 7)), (12, (2, 9)), (20, (5, 14))],
    )
    def test_the_interval_of_the_median(
        self, launches: int, interval: tuple[int, int] | None
    ) -> None:
        spread = spread_of(a_cell("a", *range(launches)))
        assert spread is not None
        assert spread.interval == interval

    def test_a_metric_that_was_not_measured(self) -> None:
        assert spread_of(a_cell("a", 1), "server") is None
