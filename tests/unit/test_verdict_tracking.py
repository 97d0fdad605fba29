"""What happens to which issue, as one table, and what a person decided is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perfgate.verdict.standing import Margins, Standing, digest, standing
from perfgate.verdict.tracking import Do, Known, Memory, Step, steps
from tests.histories import DAY, a_history, a_line, nights, seconds_of

SLOWER = [(60, 1000.0), (40, 1100.0)]


def a_line_of(levels, **more):
    return a_line(nights(*levels, noise=0.005), **more)


def stands(*lines, night: int = 99) -> Standing:
    now_s = seconds_of(night) + DAY // 3
    return standing(a_history(*lines), now_s=now_s, margins=Margins(), recent_days=7)


def known_of(*lines, number: int = 1, ratio: float = 1.1, at: int = 60, **fields) -> Known:
    """An open issue about a shift of these lines at a night."""
    memory = Memory(
        told={digest(line.key): ratio for line in lines},
        span_s=(seconds_of(at - 2), seconds_of(at + 1)),
        closing=fields.pop("closing", ""),
    )
    return Known(number=number, is_open=fields.pop("is_open", True), memory=memory, **fields)


def done(found: tuple[Step, ...]) -> list[tuple[Do, int | None]]:
    return [(one.do, one.known.number if one.known else None) for one in found]


CLOSED = {"is_open": False, "closed_s": seconds_of(97)}


@pytest.mark.parametrize(
    ("levels", "issue", "expected"),
    [
        (SLOWER, None, Do.OPEN),
        ([(60, 1000.0), (40, 1020.0)], None, None),
        ([(60, 1000.0), (40, 900.0)], None, None),
        ([(60, 1000.0), (20, 1100.0), (20, 1000.0)], None, None),
        (SLOWER, {}, Do.UPDATE),
        ([(60, 1000.0), (40, 1020.0)], {}, Do.UPDATE),
        ([(60, 1000.0), (40, 1160.0)], {}, Do.WORSE),
        ([(60, 1000.0), (20, 1100.0), (20, 1000.0)], {}, Do.RECOVERED),
        ([(100, 1000.0)], {}, Do.RECOVERED),
        (SLOWER, {"expected": True}, Do.EXPECTED),
        ([(60, 1000.0), (40, 1160.0)], {"expected": True}, Do.EXPECTED),
        (SLOWER, {**CLOSED, "expected": True}, Do.LEAVE),
        (SLOWER, {**CLOSED, "reason": "not_planned"}, Do.LEAVE),
        (SLOWER, {**CLOSED, "reason": "duplicate"}, Do.LEAVE),
        (SLOWER, {**CLOSED, "reason": "completed"}, Do.LEAVE),
        (SLOWER, {**CLOSED, "reason": "completed", "closed_s": seconds_of(95)}, Do.REOPEN),
        (SLOWER, {**CLOSED, "reason": "completed", "closed_s": None}, Do.LEAVE),
        (SLOWER, {**CLOSED, "reason": "completed", "closing": "recovered"}, Do.REOPEN),
        ([(60, 1000.0), (40, 1020.0)], {**CLOSED, "closing": "recovered"}, Do.LEAVE),
        ([(100, 1000.0)], {**CLOSED, "closing": "recovered"}, None),
        ([(100, 1000.0)], {"closing": "recovered"}, Do.LEAVE),
        (SLOWER, {"closing": "recovered"}, Do.UPDATE),
    ],
    ids=[
        "new",
        "new but below the margin",
        "faster",
        "back before it was told",
        "as it was",
        "almost back",
        "worse again",
        "back",
        "no shift after all",
        "labelled as expected",
        "labelled as expected, and worse",
        "labelled and closed",
        "closed as not planned",
        "closed as a duplicate by a person",
        "closed as completed, yesterday",
        "closed as completed, and slow since",
        "closed at an unknown time",
        "closed by us as back, and it is not",
        "closed by us, and below the margin",
        "closed and back",
        "opened again by a person, and back",
        "opened again by a person, and slow",
    ],
)
def test_the_table(levels, issue, expected):
    line = a_line_of(levels)
    issues = [] if issue is None else [known_of(line, **issue)]
    assert [do for do, _ in done(steps(stands(line), issues))] == ([expected] if expected else [])


def test_a_line_that_ended__its_workload_changed():
    old = a_line_of([(60, 1000.0), (30, 1100.0)])
    new = a_line_of([(10, 1300.0)], workload_hash="f" * 16, first_night=90)
    assert done(steps(stands(old, new), [known_of(old)])) == [(Do.ENDED, 1)]


@pytest.mark.parametrize("lines", [[], [a_line_of([(60, 1000.0), (30, 1100.0)])]])
def test_a_line_that_is_not_measured_any_more__nothing_is_known_of_it(lines):
    known = known_of(a_line_of(SLOWER))
    (step,) = steps(stands(*lines), [known])
    assert (step.do, step.why) == (Do.LEAVE, "not measured lately")


def test_another_shift_of_the_line__is_another_issue():
    line = a_line_of([(30, 1000.0), (30, 1100.0), (40, 1250.0)])
    found = steps(stands(line), [known_of(line, at=30, reason="not_planned", is_open=False)])
    assert done(found) == [(Do.OPEN, None), (Do.LEAVE, 1)]


def test_a_shift_on_another_line_at_the_same_time__is_not_covered_by_a_dismissed_issue():
    line, other = a_line_of(SLOWER), a_line_of([(61, 500.0), (39, 600.0)], framework="diffusers")
    found = steps(stands(line, other), [known_of(line, expected=True, is_open=False)])
    assert done(found) == [(Do.OPEN, None), (Do.LEAVE, 1)]


def test_a_stage_first_and_the_whole_request_later__one_issue():
    stage, whole = a_line_of(SLOWER, metric="DenoisingStage"), a_line_of(SLOWER)
    (step,) = steps(stands(stage, whole), [known_of(stage)])
    assert (step.do, step.regression.head.key.metric) == (Do.UPDATE, "e2e")


def test_a_shift_that_more_points_moved__its_open_issue_goes_with_it():
    line = a_line_of(SLOWER)
    assert done(steps(stands(line), [known_of(line, at=50)])) == [(Do.UPDATE, 1)]
    closed = known_of(line, at=50, is_open=False, closing="recovered")
    assert done(steps(stands(line), [closed])) == [(Do.OPEN, None)]


def test_two_issues_of_one_regression__the_oldest_stays():
    line = a_line_of(SLOWER)
    found = steps(stands(line), [known_of(line, number=12), known_of(line, number=9)])
    assert done(found) == [(Do.DUPLICATE, 12), (Do.UPDATE, 9)]
    assert found[0].of == 9


@pytest.mark.parametrize(
    ("older", "expected"),
    [
        ({"closing": "recovered"}, [(Do.UPDATE, 5)]),
        ({"reason": "not_planned"}, [(Do.DUPLICATE, 5), (Do.LEAVE, 3)]),
    ],
    ids=["closed", "dismissed"],
)
def test_a_closed_issue_and_an_open_one__what_a_person_decided_comes_first(older, expected):
    line = a_line_of(SLOWER)
    issues = [known_of(line, number=3, is_open=False, **older), known_of(line, number=5)]
    assert done(steps(stands(line), issues)) == expected


def test_two_neighbouring_issues__each_with_the_shift_that_it_is_about():
    line = a_line_of([(50, 1000.0), (20, 1100.0), (30, 1250.0)])
    issues = [known_of(line, number=2, at=50), known_of(line, number=4, at=70, ratio=1.13)]
    found = {one.known.number: one for one in steps(stands(line), issues)}
    assert found[4].do is Do.UPDATE
    assert found[2].do is Do.WORSE  # 25 % above where it began, where 10 % were told
    assert found[2].regression.head.point.index == 50


def test_an_issue_whose_memory_is_lost__counts_for_any_shift_of_its_line():
    line = a_line_of(SLOWER)
    lost = Memory(told={digest(line.key): 1.1}, span_s=(0, 2**60))
    assert done(steps(stands(line), [replace(known_of(line), memory=lost)])) == [(Do.UPDATE, 1)]


def test_what_a_person_must_know_comes_first():
    lines = [a_line_of(SLOWER, case="a_case"), a_line_of([(100, 1000.0)], case="b_case")]
    issues = [known_of(lines[1], number=4)]
    assert done(steps(stands(*lines), issues)) == [(Do.OPEN, None), (Do.RECOVERED, 4)]
