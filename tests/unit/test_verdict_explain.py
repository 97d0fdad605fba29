"""The evidence pair by pair: what it holds, and how it is printed."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from perfgate.records import Origin, Record
from perfgate.report.explain import MOST_CASES, render_evidence
from perfgate.verdict.decide import decide
from perfgate.verdict.explain import CaseEvidence, evidence_of
from perfgate.verdict.sequential import Policy
from tests.factories import a_case_record, a_record

SLOWER = {"base": [1000, 1001, 999, 1000, 1000], "head": [1081, 1075, 1082, 1080, 1079]}


def explained(*cases, most_metrics: int = 8, **policy) -> tuple[CaseEvidence, ...]:
    record = a_record(list(cases), **policy)
    return evidence_of(record, decide(record), most_metrics=most_metrics)


def printed(found: tuple[CaseEvidence, ...], *, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, legacy_windows=False, _environ={})
    render_evidence(found, console)
    return console.file.getvalue()


def test_every_pair_has_its_two_sides_and_the_evidence_so_far():
    (case,) = explained(a_case_record(**SLOWER))
    whole = case.metrics[0]
    assert whole.name == "end-to-end"
    assert [(pair.pair, pair.base, pair.head) for pair in whole.pairs] == [
        (1, 1000, 1081),
        (2, 1001, 1075),
        (3, 999, 1082),
        (4, 1000, 1080),
        (5, 1000, 1079),
    ]
    evidence = [pair.e_block for pair in whole.pairs]
    assert evidence == sorted(evidence)


def test_the_thresholds_are_those_that_decide():
    record = a_record([a_case_record(**SLOWER)], false_block=0.01, miss=0.05)
    (case,) = evidence_of(record, decide(record), most_metrics=8)
    whole, *stages = case.metrics
    assert whole.block_at == pytest.approx(1 / (0.8 * 0.01))
    assert whole.pass_at == Policy(miss=0.05).pass_at
    assert whole.pairs[-1].e_block >= whole.block_at
    assert whole.verdict == "regressed"
    assert {stage.pass_at for stage in stages} == {None}
    # End-to-end is blocked, so that its part of the rate is shared by the case's own four.
    assert {round(stage.block_at) for stage in stages} == {500}


def test_what_regressed_comes_before_what_passed_and_the_rest_is_counted():
    (case,) = explained(a_case_record(), most_metrics=2)
    assert (len(case.metrics), case.left_out) == (2, 3)


def test_a_case_without_pairs_says_so():
    found = explained(a_case_record("new", origin=Origin.NEW), a_case_record("b", head=["boom"]))
    assert [case.metrics for case in found] == [(), ()]
    assert printed(found).count("No pair of it was judged.") == 2


def test_a_pair_of_which_a_launch_failed_is_left_out():
    (case,) = explained(a_case_record(base=[1000] * 3, head=[1000, "boom", 1000]))
    assert [pair.pair for pair in case.metrics[0].pairs] == [1, 3]


def test_printed__a_table_a_metric_with_what_decides():
    text = printed(explained(a_case_record(**SLOWER)))
    assert "end-to-end: slower · margin 3.0 %, slower at 125, passed at " in text
    row = next(line for line in text.splitlines() if line.strip().startswith("4 "))
    assert row.split()[1:7] == ["1.00", "s", "1.08", "s", "+8.0", "%"]


def test_printed__is_bounded_and_harmless():
    record: Record = a_record([a_case_record(f"c{i}") for i in range(MOST_CASES + 3)])
    evil = a_case_record("::error::[red]x", **SLOWER)
    record = record.model_copy(update={"cases": (*record.cases, evil)})
    text = printed(evidence_of(record, decide(record), most_metrics=1))
    assert "And 4 more cases." in text
    assert text.index("[red]x") < text.index("c0")
    assert "::error::" not in text
    assert max(len(line) for line in text.splitlines()) <= 80
