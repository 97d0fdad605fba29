"""Exit codes by the first that applies, and what GitHub is told."""

import pytest

from perfgate.records import GatePolicy, Problem
from perfgate.verdict.conclude import conclude
from tests.factories import a_case_decision


def outcome(*verdicts, problem=None, publish_failed=False, output="not checked", **policy):
    cases = [
        a_case_decision(f"case{k}", verdict, output=output) for k, verdict in enumerate(verdicts)
    ]
    found = conclude(cases, GatePolicy(**policy), problem=problem, publish_failed=publish_failed)
    return int(found.exit_code), found.conclusion, found.verdict


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["passed"], (0, "success", "passed")),
        (["passed", "improved"], (0, "success", "improved")),
        (["passed", "accepted"], (0, "success", "accepted")),
        (["passed", "new"], (0, "neutral", "new")),
        (["passed", "inconclusive"], (0, "neutral", "inconclusive")),
        (["passed", "incomparable"], (0, "neutral", "incomparable")),
        (["passed", "missing"], (7, "failure", "missing")),
        (["passed", "failed"], (4, "failure", "failed")),
        (["failed", "regressed"], (1, "failure", "regressed")),
        (["inconclusive"], (7, "failure", "inconclusive")),
        (["incomparable", "new"], (7, "failure", "incomparable")),
        (["new"], (7, "failure", "new")),
        ([], (4, "failure", "failed")),
    ],
)
def test_the_words__make_the_exit_code(verdicts, expected):
    assert outcome(*verdicts) == expected


def test_a_changed_output__is_exit_1():
    assert outcome("failed", output="changed") == (1, "failure", "failed")


@pytest.mark.parametrize("word", ["inconclusive", "incomparable", "missing"])
def test_the_policy__decides_about_what_is_not_decided(word):
    assert outcome("passed", word, **{word: "fail"})[0] == 7
    assert outcome("passed", word, **{word: "neutral"})[:2] == (0, "neutral")


@pytest.mark.parametrize("code", [2, 3, 5])
def test_a_problem_before_measuring__comes_before_every_verdict(code):
    problem = Problem(problem="no such ref", fix="fetch it", exit_code=code)
    assert outcome("regressed", "failed", problem=problem)[:2] == (code, "failure")


def test_a_benchmark_that_could_not_run__comes_after_a_regression():
    problem = Problem(problem="nothing ran", fix="mend it", exit_code=4)
    assert outcome("regressed", problem=problem)[0] == 1
    assert outcome("passed", problem=problem)[0] == 4


def test_publishing__counts_last_and_only_when_strict():
    assert outcome("passed", publish_failed=True) == (6, "failure", "passed")
    assert outcome("inconclusive", publish_failed=True)[0] == 7
