"""Stored figures without launches behind them: when they decide, and what they never do."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from perfgate.records import CaseDecision
from perfgate.report.conclusion import headline
from perfgate.report.page import unchanged_fold
from perfgate.report.sentences import next_step
from perfgate.verdict.baseline import StoredJobs
from perfgate.verdict.decide import decide
from perfgate.verdict.plain import PlainFigures
from perfgate.verdict.tolerance import DEFAULT_TOLERANCES, Expected
from tests.factories import a_case_record, a_launch, a_record
from tests.unit.test_verdict_strategies import head_only, jobs

CASE = "wan_t2v_tiny"


def figures(**stages_ms: float) -> PlainFigures:
    expected = Expected(
        scenario=CASE,
        e2e_ms=1000.0,
        stages_ms={"DecodingStage": 150.0, **stages_ms},
        load_ms=5000.0,
        memory_mb={"runtime_peak_vram_mb": 1000.0},
    )
    return PlainFigures(expected=expected, tolerances=DEFAULT_TOLERANCES["pr_test"])


def decided(
    *head, strategy: str = "baseline", stored: StoredJobs | None = None, base=(), **fields
) -> CaseDecision:
    record = a_record([a_case_record(base=list(base), head=list(head), **fields)], base=None)
    policy = record.policy.model_copy(update={"strategy": strategy})
    found: Mapping[str, StoredJobs] = {} if stored is None else {CASE: stored}
    record = record.model_copy(update={"policy": policy})
    return decide(record, baselines=found, plain={CASE: figures()}).cases[0]


def row(case: CaseDecision, name: str):
    return next(metric for metric in case.metrics if metric.name == name)


def test_baseline__within_the_limits_passes_and_says_that_nobody_knows_how_surely() -> None:
    case = decided(1000, 1240, 1249)
    assert (case.verdict, case.detail) == ("passed", "tolerance, no error rate")
    assert "3 launches; tolerance, no error rate" in case.sentence
    assert row(case, "end-to-end").head == 1240


def test_baseline__above_a_limit_is_slower() -> None:
    assert decided(1300, 1300).verdict == "regressed"


def test_baseline__never_claims_an_improvement() -> None:
    assert decided(100, 100).verdict == "passed"


def test_baseline__gates_load_time_and_peaks_of_memory() -> None:
    peak = {"runtime_peak": {"peak_reserved_mb": 1200.0}}
    launch = a_launch(total=1000, load_ms=7200.0)
    launch = launch.model_copy(
        update={
            "reports": tuple(
                report.model_copy(update={"memory_checkpoints": peak}) for report in launch.reports
            )
        }
    )
    case = decided(launch)
    assert row(case, "load").verdict == "regressed"
    assert row(case, "runtime peak vram").verdict == "regressed"


def test_baseline__a_stage_that_vanished_is_missing() -> None:
    assert decided({"total": 1000, "DenoisingStage": 900}).verdict == "missing"


@pytest.mark.parametrize(
    ("values", "verdict", "detail"),
    [
        ([1000, 1001], "passed", "tolerance, no error rate"),
        ([1000, 1001, 1002], "regressed", ""),
    ],
)
def test_baseline__stored_launches_have_precedence_once_they_suffice(
    values: list[float], verdict: str, detail: str
) -> None:
    case = decided(1200, 1200, stored=jobs(values))
    assert (case.verdict, case.detail) == (verdict, detail)


def test_baseline__what_is_not_comparable_does_not_become_a_number() -> None:
    stored = jobs([1000], must_match={"torch": "1.0"})
    assert decided(1000, stored=stored).verdict == "incomparable"


def test_baseline__a_launch_that_died_failed() -> None:
    assert decided(1000, "exit status 1").verdict == "failed"


def test_baseline__without_a_launch_nothing_is_decided() -> None:
    assert decided(burn_in=1000, stopped="the budget is spent").verdict == "inconclusive"


def test_auto__never_passes_by_limits() -> None:
    assert decided(1000, 1000, strategy="auto").verdict == "new"


def test_pairs__decide_without_them() -> None:
    paired = decided(*[2000] * 4, strategy="paired", base=[1000] * 4)
    assert paired.verdict == "regressed"
    assert "tolerance" not in paired.sentence


def a_mixed_decision(one: float, other: float):
    """Two cases by the baseline rule, then two by tolerance."""
    ids, totals = ("a", "b", "c", "d"), (1000, 1000, one, other)
    cases = [head_only(total, total, id=name) for name, total in zip(ids, totals, strict=True)]
    record = a_record(cases, strategy="baseline")
    stored = {name: jobs([1000, 1001, 1002]) for name in "ab"}
    return decide(record, baselines=stored, plain={name: figures() for name in "cd"})


def test_headline__of_both_rules_promises_no_more_than_each() -> None:
    decision = a_mixed_decision(1000, 1000)
    assert "2 of 4 cases as fast as the baseline" in headline(decision)
    assert "2 of 4 cases within tolerance, no error rate" in headline(decision)
    assert "unchanged or within tolerance" in unchanged_fold(decision, room=9999).title


def test_headline__of_a_slower_case_says_by_which_rule() -> None:
    assert "is slower by tolerance, no error rate" in headline(a_mixed_decision(1000, 2000))
    assert next_step(a_mixed_decision(1000, 2000)).command == "perfgate gate --strategy paired"
