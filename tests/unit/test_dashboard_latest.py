"""The latest table: what stands out, who is fastest, what is old, what failed."""

from __future__ import annotations

import pytest

from perfgate.report.dashboard.latest import against_level, latest_of
from tests.histories import a_history, a_line, a_miss, nights, shifts_in


def the_table(history):
    return latest_of(history, shifts_in(history))


def the_cells(history):
    (row,) = the_table(history).rows
    return row.cells


class TestAgainstLevel:
    def test_as_before__does_not_stand_out(self):
        ratio, stands_out = against_level(a_line([*nights((20, 1000.0), noise=0.005), 1002.0]))
        assert ratio == pytest.approx(1.002, abs=0.005)
        assert not stands_out

    def test_slower_by_a_tenth__stands_out(self):
        ratio, stands_out = against_level(a_line([*nights((20, 1000.0), noise=0.005), 1100.0]))
        assert ratio == pytest.approx(1.1, abs=0.01)
        assert stands_out

    def test_two_per_cent_of_a_quiet_line__is_too_little(self):
        assert against_level(a_line([*[1000.0] * 20, 1020.0])) == (pytest.approx(1.02), False)

    def test_a_tenth_in_a_noisy_line__is_noise(self):
        assert not against_level(a_line([*nights((20, 1000.0), noise=0.08), 1100.0]))[1]

    @pytest.mark.parametrize("before", [[], [1000.0], [1000.0] * 2, [0.0] * 5])
    def test_too_little_before__says_nothing(self, before):
        assert against_level(a_line([*before, 1000.0])) == (None, False)

    def test_points_before_the_present_level_do_not_count(self):
        line = a_line([*[1000.0] * 10, *[2000.0] * 4])
        assert against_level(line, since=10) == (pytest.approx(1.0), False)


class TestStandings:
    def test_two_apart__one_is_fastest(self):
        cells = the_cells(
            a_history(
                a_line(nights((20, 1000.0), noise=0.005, seed=1), framework="a"),
                a_line(nights((20, 1300.0), noise=0.005, seed=2), framework="b"),
            )
        )
        assert [cells[name].standing for name in "ab"] == ["fastest", "behind"]
        assert cells["b"].behind == pytest.approx(1.3, abs=0.01)

    def test_two_alike__are_not_told_apart(self):
        cells = the_cells(
            a_history(
                a_line(nights((20, 1000.0), noise=0.02, seed=1), framework="a"),
                a_line(nights((20, 1001.0), noise=0.02, seed=2), framework="b"),
            )
        )
        assert [cells[name].standing for name in "ab"] == ["tied", "tied"]

    def test_three_nights__are_too_few_to_name_a_winner(self):
        cells = the_cells(
            a_history(a_line([1000.0] * 3, framework="a"), a_line([2000.0] * 3, framework="b"))
        )
        assert [cells[name].standing for name in "ab"] == ["tied", "tied"]

    def test_nights_before_a_change_of_level_do_not_count(self):
        cells = the_cells(
            a_history(
                a_line(nights((30, 1000.0), (8, 1500.0), noise=0.005, seed=1), framework="a"),
                a_line(nights((38, 1300.0), noise=0.005, seed=2), framework="b"),
            )
        )
        assert [cells[name].standing for name in "ab"] == ["behind", "fastest"]

    def test_alone__has_no_standing(self):
        (cell,) = the_cells(a_history(a_line([1000.0] * 9))).values()
        assert cell.standing == "alone"

    def test_who_failed_or_was_not_there_tonight__takes_no_part(self):
        history = a_history(
            a_line([1000.0] * 20, framework="a"),
            a_line([500.0] * 10, framework="old"),
            a_line([400.0] * 19, framework="failed"),
            missed=[a_miss(19, "out of memory", framework="failed")],
        )
        cells = the_cells(history)
        assert cells["a"].standing == "alone"
        assert cells["old"].stale
        assert str(cells["failed"].missed.kind) == "out of memory"

    def test_counts_by_framework(self):
        history = a_history(
            *(a_line([1000.0] * 9, case=f"c{n}", framework="a") for n in range(3)),
            *(a_line([2000.0] * 9, case=f"c{n}", framework="b") for n in range(2)),
        )
        table = the_table(history)
        assert table.standings["a"]["fastest"] == 2
        assert table.standings["b"]["behind"] == 2


def test_a_failure_before_the_newest_number__is_past():
    (cell,) = the_cells(a_history(a_line([1.0, None, 1.0]), missed=[a_miss(1)])).values()
    assert cell.missed is None
    assert cell.value == 1.0


def test_another_workload__its_own_line_is_the_newest():
    history = a_history(
        a_line([1000.0] * 5, workload_hash="a" * 16),
        a_line([2000.0] * 5, workload_hash="0" * 16, first_night=5),
    )
    (cell,) = the_cells(history).values()
    assert cell.value == 2000.0


def test_a_cell_that_never_had_a_number():
    (cell,) = the_cells(a_history(missed=[a_miss(3, "never healthy")])).values()
    assert cell.value is None
    assert cell.line is None
    assert cell.missed is not None
