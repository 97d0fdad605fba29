"""Which slowdowns of a history stand: by margin, by line, by commits, by how recent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from perfgate.verdict.standing import LineState, Margins, Standing, digest, standing
from tests.histories import DAY, a_history, a_line, a_run, nights, seconds_of


def stands(*lines, night: int = 99, margins: Margins | None = None, runs=None) -> Standing:
    """What stands in the morning after a night."""
    return standing(
        a_history(*lines, runs=runs),
        now_s=seconds_of(night) + DAY // 3,
        margins=margins or Margins(),
        recent_days=7,
    )


def told(found: Standing) -> list[tuple[str, list[str], bool]]:
    """Each regression: its case, its metrics, and whether it counts."""
    return [
        (one.case, [shift.key.metric for shift in one.shifts], one.counts)
        for one in found.regressions
    ]


def steps_to(*levels: tuple[int, float], **more):
    return a_line(nights(*levels, noise=0.005), **more)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([(100, 1000)], []),
        ([(90, 1000), (10, 1100)], [True]),
        ([(90, 1000), (10, 900)], []),
        ([(90, 1000), (10, 1022)], [False]),
        ([(50, 1000), (25, 1100), (25, 1000)], []),
        ([(50, 1000), (25, 1100), (25, 1020)], [False]),
        ([(50, 1000), (25, 1100), (25, 1050)], [True]),
        ([(50, 1000), (25, 800), (25, 1000)], [True]),
        ([(40, 1000), (30, 1100), (30, 1250)], [True, True]),
        ([(40, 1000), (20, 1100), (20, 1000), (20, 1100)], [True]),
    ],
    ids=[
        "nothing",
        "slower",
        "faster",
        "below the margin",
        "back",
        "back but for less than the margin",
        "back in part",
        "a gain that was lost",
        "twice",
        "back, and slow again: only the second",
    ],
)
def test_one_line(levels, expected):
    assert [counts for _, _, counts in told(stands(steps_to(*levels)))] == expected


def test_levels_and_where_it_lies():
    found = stands(steps_to((90, 1000.0), (10, 1100.0)))
    shift = found.regressions[0].head
    assert shift.point.before == pytest.approx(1000, rel=0.01)
    assert shift.now == pytest.approx(1100, rel=0.01)
    assert shift.ratio == pytest.approx(1.1, rel=0.01)
    assert shift.commits == (89, 90)
    assert shift.last_before == 89
    assert shift.span_s == (seconds_of(88), seconds_of(91))


def test_margins__of_a_whole_request_and_of_its_parts():
    seven = [(90, 1000.0), (10, 1070.0)]
    lines = [steps_to(*seven), steps_to(*seven, metric="DenoisingStage")]
    assert told(stands(*lines)) == [("wan_t2v_tiny", ["e2e", "DenoisingStage"], True)]
    assert told(stands(lines[1])) == [("wan_t2v_tiny", ["DenoisingStage"], False)]
    wide = Margins(end_to_end=0.09, part=0.04)
    assert told(stands(*lines, margins=wide)) == [("wan_t2v_tiny", ["DenoisingStage", "e2e"], True)]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"metric": "DecodingStage"}, True),
        ({"metric": "load"}, False),
        ({"metric": "peak_memory", "unit": "MiB"}, True),
        ({"metric": "peak_memory", "unit": "MiB", "hardware_key": "cpu-epyc-x4"}, False),
    ],
    ids=["stage", "load has a margin of its own", "memory", "memory of a processor"],
)
def test_other_metrics__fifteen_percent_more(more, expected):
    found = told(stands(steps_to((90, 1000.0), (10, 1150.0), **more)))
    assert [counts for _, _, counts in found if counts] == ([True] if expected else [])


@pytest.mark.parametrize(("level", "total"), [(4.0, 100.0), (40.0, 9000.0)])
def test_a_stage_that_takes_next_to_nothing__makes_no_issue(level, total):
    small = steps_to((90, level), (10, 2 * level), metric="TextEncodingStage")
    assert told(stands(small, a_line([total] * 100))) == []


def test_lines_of_one_case_on_one_night__are_one_regression():
    jump = [(90, 1000.0), (10, 1200.0)]
    lines = [
        steps_to(*jump, metric="DenoisingStage"),
        steps_to(*jump),
        steps_to((90, 500.0), (10, 650.0), framework="diffusers"),
        steps_to(*jump, case="flux_t2i_tiny"),
        steps_to((60, 1000.0), (40, 1200.0), hardware_key="nvidia-a100-x1"),
    ]
    assert sorted(told(stands(*lines))) == [
        ("flux_t2i_tiny", ["e2e"], True),
        ("wan_t2v_tiny", ["e2e"], True),
        ("wan_t2v_tiny", ["e2e", "e2e", "DenoisingStage"], True),
    ]


def test_neighbouring_nights__are_two_regressions():
    lines = [
        steps_to((90, 1000.0), (10, 1300.0)),
        steps_to((91, 1000.0), (9, 1250.0), framework="diffusers"),
    ]
    assert [one.head.commits for one in stands(*lines).regressions] == [(89, 90), (90, 91)]


def test_machines_that_measure_at_other_hours__commits_tell_what_is_one():
    early = steps_to((90, 1000.0), (10, 1300.0))
    late = steps_to((91, 1000.0), (9, 1300.0), framework="diffusers")
    late = replace(late, seconds=late.seconds - DAY // 2)
    assert len(stands(early, late).regressions) == 2


def test_one_commit_measured_again__a_machine_that_changed_is_told_of():
    line = steps_to((90, 1000.0), (10, 1300.0))
    runs = [a_run(min(night, 80)) for night in range(100)]
    assert stands(line, runs=runs).regressions[0].head.commits == (80, 80)


def test_states__recent_stale_and_ended():
    lines = [
        a_line([1000.0] * 100, case="recent"),
        a_line([1000.0] * 92, case="stale"),
        a_line([1000.0] * 50, case="changed"),
        a_line([1000.0] * 50, case="changed", workload_hash="f" * 16, first_night=50),
    ]
    found = stands(*lines).lines
    assert [found[digest(line.key)] for line in lines] == [
        LineState.RECENT,
        LineState.STALE,
        LineState.ENDED,
        LineState.RECENT,
    ]


def test_a_slow_line_that_is_not_measured_any_more__does_not_stand():
    line = steps_to((80, 1000.0), (10, 1300.0))
    assert len(stands(line, night=95).regressions) == 1
    assert stands(line, night=97).regressions == ()


def test_two_workloads_side_by_side__neither_took_the_others_place():
    lines = [
        a_line([1000.0] * 100),
        a_line([1000.0] * 98 + [None, 1000.0], workload_hash="f" * 16, first_night=0),
    ]
    assert set(stands(*lines).lines.values()) == {LineState.RECENT}


def test_a_changed_workload__is_no_regression():
    lines = [
        a_line([1000.0] * 50),
        a_line([2000.0] * 50, workload_hash="f" * 16, first_night=50),
    ]
    assert stands(*lines).regressions == ()


def test_points_from_the_future_and_no_numbers__are_left_out():
    line = steps_to((90, 1000.0), (20, 1300.0))
    assert stands(line, night=88).regressions == ()
    values = line.values.copy()
    values[50] = np.nan
    assert len(stands(replace(line, values=values), night=109).regressions) == 1


@pytest.mark.parametrize("values", [[], [1000.0], [0.0] * 100, [0.0] * 90 + [5.0] * 10])
def test_lines_that_tell_nothing(values):
    assert stands(a_line(values)).regressions == ()
