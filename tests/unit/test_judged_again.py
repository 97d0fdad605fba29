"""Of another job's record only what was measured counts; everything else is the base's."""

from __future__ import annotations

from datetime import date

import pytest

from perfgate.app.known import KnownNoise
from perfgate.app.publishing.judged_again import (
    MAX_CASES,
    MAX_LAUNCHES,
    Rules,
    decide_again,
    joined,
)
from perfgate.errors import ConfigurationError
from perfgate.records import Accuracy, EqualGates, Origin, Tree
from perfgate.suite import parse_suite
from perfgate.verdict.permission import Permissions
from tests.factories import a_case_record, a_fingerprint, a_launch, a_record

SUITE = """\
version: 1
name: tiny
gate: {strategy: paired, margin: 3%}
cases:
  - {id: wan, backend: command, command: python3 wan.py}
  - id: flux
    backend: command
    command: python3 flux.py
    accuracy: {command: python3 score.py, minimum: 0.9}
"""
PARSED = parse_suite(SUITE, source="perfgate.yml")
HASHES = {case.id: case.workload_hash() for case in PARSED.cases}
STEADY = [1000, 1001, 999, 1000, 1002, 998]


def rules(**more):
    told = {
        "suite": PARSED,
        "base": Tree(commit="b" * 40, ref="main"),
        "head": Tree(commit="c" * 40, ref="pull request 7"),
        "expected": frozenset(HASHES),
        "may_change": False,
        "permissions": Permissions(today=date(2026, 3, 1)),
    }
    return Rules(**told | more)


def a_case(name="wan", **more):
    told = {"base": STEADY, "head": STEADY, "workload_hash": HASHES.get(name, "f" * 16)}
    return a_case_record(name, **told | more)


def decided(*cases, record=None, **more):
    """Verdicts by case of a record with these cases, and the record as it was judged."""
    record = record or a_record(cases)
    decision, seen = decide_again(record, rules(**more), measured_by_fork=True)
    return {case.id: case for case in decision.cases}, seen


def refusal(record, **more):
    with pytest.raises(ConfigurationError) as refused:
        decide_again(record, rules(**more), measured_by_fork=True)
    return refused.value.problem


def test_a_score_that_was_left_out_is_no_score():
    found, _ = decided(a_case("flux"))
    assert found["flux"].verdict == "failed"
    assert "the record holds no score" in found["flux"].detail


def test_a_score_is_held_against_the_bases_minimum():
    low = Accuracy(score=0.5, minimum=0.1)
    found, seen = decided(a_case("flux", accuracy=low))
    assert "accuracy 0.5 is below 0.9" in found["flux"].detail
    assert seen.cases[0].accuracy.minimum == 0.9
    found, _ = decided(a_case("flux", accuracy=Accuracy(score=0.95, minimum=0.1)))
    assert found["flux"].verdict == "passed"


def test_a_score_that_the_base_does_not_ask_for_is_nothing():
    _, seen = decided(a_case("wan", accuracy=Accuracy(score=1.0, minimum=0.0)))
    assert seen.cases[0].accuracy is None


def test_what_a_case_is_comes_from_the_base():
    told = a_case(origin=Origin.NEW, allow={"output": "yes"}, stopped="the budget is spent")
    rate = EqualGates(restart_every=4, gates=9, blocked=0, passed=9, undecided=0)
    forged = told.model_copy(
        update={
            "workload": {"launch": "resident", "devices": 8},
            "history": (0.5, -0.5),
            "equal_gates": rate,
            "refused": "nothing to see",
        }
    )
    noise = KnownNoise(histories={"wan": (0.001, -0.001)})
    _, seen = decided(forged, noise=noise)
    (case,) = seen.cases
    assert (case.origin, case.allow, case.history) == (Origin.JUDGED, {}, (0.001, -0.001))
    assert (case.workload, case.equal_gates) == (PARSED.cases[0].workload(), None)
    assert case.refused is None


def test_what_the_base_refuses_to_judge_is_refused():
    found, _ = decided(a_case(), noise=KnownNoise(refused={"wan": "no error rate"}))
    assert (found["wan"].verdict, found["wan"].refused) == ("failed", True)


def test_suite_trees_and_notes_are_the_bases():
    record = a_record([a_case()], suite="other", notes=["well done"])
    _, seen = decided(record=record)
    assert (seen.suite, seen.head.ref, seen.base.ref) == ("tiny", "pull request 7", "main")
    assert "well done" not in seen.notes


def test_a_workload_may_change_only_with_its_suite():
    changed = a_case(base=(), head=(), burn_in=None, origin=Origin.WORKLOAD_CHANGED)
    assert decided(changed, may_change=True)[0]["wan"].verdict == "incomparable"
    assert decided(changed, may_change=False)[0]["wan"].verdict == "missing"


def test_a_case_that_is_not_expected_is_not_missing():
    found, _ = decided(a_case(), expected={"wan"})
    assert found.keys() == {"wan"}


def test_no_case_at_all_is_never_green():
    decision, _ = decide_again(a_record([]), rules(expected=()), measured_by_fork=True)
    assert decision.conclusion == "failure"


@pytest.mark.parametrize(
    ("cases", "told"),
    [
        ([a_case(), a_case()], "a case twice"),
        ([a_case("../../etc")], "is no case of a suite"),
        ([a_case("x\n::error::y")], "is no case of a suite"),
        ([a_case(workload_hash="0" * 16)], "computes something else than the base's suite"),
        ([a_case("new", workload_hash="@evil")], "is no case of a suite"),
        ([a_case(head=[a_launch()] * (MAX_LAUNCHES + 1), base=())], "launches"),
        ([a_case(burn_in=a_launch().model_copy(update={"server": -1}))], "numbers its launches"),
        ([a_case(f"c{number}", head=(), base=()) for number in range(MAX_CASES + 1)], "cases"),
    ],
)
def test_what_no_job_of_ours_leaves_is_refused(cases, told):
    assert told in refusal(a_record(cases))


def test_numbers_that_cannot_be_judged_are_refused():
    head = [1e308, 1e-300] * 4
    assert "cannot be judged (OverflowError)" in refusal(a_record([a_case(head=head)]))


def test_joined__parts_of_one_job():
    whole = joined([a_record([a_case("wan")]), a_record([a_case("flux")])])
    assert [case.id for case in whole.cases] == ["wan", "flux"]


@pytest.mark.parametrize(
    "other",
    [
        a_record([a_case("wan")]),
        a_record([a_case("flux")], hardware_key="cpu-other-x4"),
        a_record([a_case("flux")], fingerprint=a_fingerprint(torch="9")),
        a_record([a_case("flux")], head=Tree(commit="9" * 40, ref="x")),
        a_record([a_case("flux")], base=None),
    ],
    ids=["same case", "machine", "software", "head", "base"],
)
def test_joined__what_is_no_part_stands_apart(other):
    assert joined([a_record([a_case("wan")]), other]) is None
