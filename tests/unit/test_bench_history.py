"""How `make bench-history` draws, counts and tells; the figures themselves are measured there."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from benchmarks.history import nightly
from benchmarks.history.figures import Alerts, Figures, Found
from benchmarks.history.methods import OTAVA, OURS
from benchmarks.history.noise import REPORTING, REPORTING_SEED, TUNING, TUNING_SEED
from benchmarks.history.scoring import Score, total
from benchmarks.history.series import SHIFTS, Series, shifted, single_spikes, unchanged
from benchmarks.history.table import all_of, goals_of


def series(*changes: int, points: int = 100) -> Series:
    return Series(row=("any",), values=np.ones(points), changes=changes)


def found(*, false: int = 0, hits: int = 9, whole_s: float = 0.01, appended_s: float = 0.001):
    quiet = {("normal",): Score(points=1000, false=false)}
    shifts = {
        ("normal", "wandering", str(length), f"{size:g}"): Score(points=100, changes=10, hits=hits)
        for length in (10, 30, 100, 300)
        for size in (1.0, 1.5, 2.0, 3.0, 5.0)
    }
    return Found(
        quiet=quiet,
        spikes={("1 in a row",): Score(points=100)},
        shifts=shifts,
        real={("case",): Score(points=40, false=1)},
        injected={("5 %",): Score(points=100, changes=10, hits=hits)},
        replay=Alerts(alerts=2, points=400),
        whole_s=whole_s,
        appended_s=appended_s,
    )


def figures(ours: Found, otava: Found) -> Figures:
    return Figures(
        methods={OURS: ours, OTAVA.name: otava},
        rule_of_five=Alerts(alerts=30, points=400),
        files=50,
    )


# Scoring


@pytest.mark.parametrize(
    ("places", "hits", "false"),
    [
        ([], 0, 0),
        ([50], 1, 0),
        ([55], 1, 0),
        ([56], 0, 1),
        ([48, 52], 1, 1),
        ([10, 50, 90], 1, 2),
    ],
)
def test_a_change_is_hit_once_by_what_is_at_most_five_points_away(places, hits, false):
    score = Score.of(series(50), places)

    assert (score.changes, score.hits, score.false) == (1, hits, false)


def test_one_change_point_hits_one_of_two_changes():
    score = Score.of(series(50, 54), [52])

    assert (score.hits, score.false) == (1, 0)


def test_scores_add_up():
    score = total([Score(points=100, changes=3, hits=2, false=1), Score(points=900, changes=1)])

    assert score.recall == 0.5
    assert score.false_per_1000 == 1.0


# Synthetic series


def test_what_is_reported_was_not_tuned_on():
    assert REPORTING_SEED != TUNING_SEED
    # The families that are in both differ by their seed, and most by their shape as well.
    assert {*REPORTING} & {*TUNING} == {"normal", "changing size", "rounded"}


@pytest.mark.parametrize("families", [TUNING, REPORTING])
def test_every_family_gives_positive_times_of_one_size_by_its_seed(families):
    drawn = list(unchanged(families, seed=3, count=2, plain=3, points=200))
    again = list(unchanged(families, seed=3, count=2, plain=3, points=200))

    assert len(drawn) == 2 * len(families) + 1
    for one, same in zip(drawn, again, strict=True):
        assert one.changes == ()
        assert (one.values > 0.0).all()
        assert len(one.values) == 200
        assert np.array_equal(one.values, same.values)


def test_shifts_are_where_they_are_said_to_be():
    for one in shifted(seed=3, count=1):
        name, _, length, size = one.row
        if name == "normal" and length == "300" and size == "5":
            ends = [0, *one.changes, len(one.values)]
            assert len(one.changes) == SHIFTS
            levels = [np.log(one.values[start:end]).mean() for start, end in pairwise(ends)]
            assert np.abs(np.diff(levels)) == pytest.approx(0.1, rel=0.1)


def test_spikes_come_one_two_or_three_in_a_row():
    for number, one in enumerate(single_spikes(seed=3, count=1, points=200), start=1):
        assert (one.values > 140.0).sum() == 4 * number
        assert one.changes == ()


# Nightly files


def cells(**seconds: float | None) -> list[dict[str, object]]:
    return [{"case_id": case, "latency_s": value} for case, value in seconds.items()]


def write(folder: Path, day: str, run: int, **seconds: float | None) -> None:
    document = {"timestamp": f"{day}T01:00:00+00:00", "results": cells(**seconds)}
    (folder / f"{day}_{run}.json").write_text(json.dumps(document))


def test_nights_are_read_in_order_of_time_without_what_was_not_measured(tmp_path):
    write(tmp_path, "2026-04-02", 1, flux=2.0, wan=None)
    write(tmp_path, "2026-04-01", 9, flux=1.0, wan=5.0)
    (tmp_path / "config_20260325.json").write_text("{}")

    cases, files = nightly.read(tmp_path)

    assert files == 2
    assert [night.seconds for night in cases["flux"]] == [1.0, 2.0]
    assert [night.seconds for night in cases["wan"]] == [5.0]


def test_a_line_begins_anew_where_a_configuration_change_is_known(tmp_path):
    write(tmp_path, "2026-04-03", 1, wan22_t2v_a14b_720p=16.0, flux=1.0)
    write(tmp_path, "2026-04-04", 2, wan22_t2v_a14b_720p=210.0, flux=1.0)

    cases, _ = nightly.read(tmp_path)

    assert [(case, line.tolist()) for case, line in nightly.lines(cases)] == [
        ("wan22_t2v_a14b_720p", [16.0]),
        ("wan22_t2v_a14b_720p", [210.0]),
        ("flux", [1.0, 1.0]),
    ]


@pytest.mark.parametrize(
    ("values", "alerted"),
    [([1.0] * 5, False), ([1.0] * 5 + [1.04], False), ([1.0] * 5 + [1.06], True)],
)
def test_the_rule_of_five_alerts_at_more_than_five_percent_over_the_median(values, alerted):
    assert nightly.rule_of_five(np.array(values)) is alerted


def test_shifts_put_into_real_values_are_of_the_size_that_is_said():
    real = [Series(row=("case",), values=np.full(20, 7.0))]

    for one in nightly.injected(real, seed=1, count=1):
        steps = np.diff(np.log(one.values))
        changed = np.flatnonzero(np.abs(steps) > 1e-9) + 1
        assert tuple(changed) == one.changes
        percent = float(one.row[0].removesuffix(" %"))
        assert np.abs(steps[changed - 1]) == pytest.approx(np.log1p(percent / 100.0))


# Goals


def test_every_goal_is_met_by_what_is_better_and_faster():
    goals = goals_of(figures(found(hits=9), found(false=1, hits=8)))

    assert [goal.figure for goal in goals if not goal.met] == []


def test_every_goal_that_is_missed_is_told():
    worse = found(false=1, hits=7, whole_s=0.2, appended_s=0.006)

    goals = goals_of(figures(worse, found(false=9, hits=8)))

    assert [goal.figure for goal in goals if goal.met] == []
    assert all_of(figures(worse, found(false=9, hits=8)))[1].count("**missed**") == len(goals)


def test_the_replay_tells_every_rule():
    text = all_of(figures(found(), found()))[-1]

    assert "| perfgate | 2 | 400 | 5.0 |" in text
    assert "| 5 % over the median of five | 30 | 400 | 75.0 |" in text
