"""The check run's name, page and lines: within GitHub's limits, the worst case first."""

import pytest

from perfgate.records import Problem, Verdict
from perfgate.report.check import (
    MAX_CHECK_BYTES,
    MAX_TITLE_CHARS,
    MOST_LINES,
    check_lines,
    check_name,
    check_title,
    render_check,
)
from tests.factories import a_case_decision, a_decision, a_metric


def a_case(name, verdict, change=1.1):
    metrics = (
        []
        if verdict in ("failed", "missing")
        else [a_metric("end-to-end", 1000, 1000 * change, verdict)]
    )
    return a_case_decision(name, verdict, metrics)


def test_name__as_a_branchs_protection_asks_for_it():
    assert check_name("perfgate") == "perfgate/perfgate"
    assert check_name("wan nightly") == "perfgate/wan nightly"
    assert check_name("wan", "h100") == "perfgate/wan/h100"


def test_name__no_two_share_one():
    suites = ["a", "a/b", "a b", "a\nb", "x" * 60, "x" * 61, "x" * 62, "", " "]
    found = {check_name(suite, key) for suite in suites for key in ("", "b")}
    assert len(found) == 2 * len(suites)
    assert all(name.isprintable() and len(name) < 100 for name in found)


def test_page__table_with_the_worst_first_and_the_unchanged_ones_too():
    cases = [
        a_case("fine", "passed", 1.0),
        a_case("slow", "regressed"),
        a_case("slowest", "regressed", 2),
    ]
    lines = [line for line in render_check(a_decision(cases)).splitlines() if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["slowest", "slow", "fine"]


@pytest.mark.parametrize(
    "name",
    ["x" * 100, "&" * 100, "作" * 100, "\u202e" * 100, "`|<!--" * 20],
    ids=["long", "ampersands", "wide", "invisible", "syntax"],
)
def test_page__1000_cases_of_60_metrics_stay_below_the_limit(name):
    metrics = [a_metric(f"{name} {number}", 1000, 1100, "regressed") for number in range(60)]
    cases = [
        a_case_decision(
            f"{name} {number}", "regressed", metrics, detail=name * 9, log_tail=name * 99
        )
        for number in range(1000)
    ]
    told = {f"{name} {number}": name * 9 for number in range(60)}
    text = render_check(a_decision(cases, told=told, notes=(name * 20,) * 40))
    assert len(text.encode()) <= MAX_CHECK_BYTES
    assert "left out for length" in text


def test_page__a_huge_problem():
    problem = Problem(problem="&" * 100_000, fix="Mend it.", exit_code=2)
    decision = a_decision([], problem=problem, conclusion="failure", exit_code=2)
    assert len(render_check(decision).encode()) <= MAX_CHECK_BYTES


def test_page__never_empty_since_github_needs_a_summary():
    assert render_check(a_decision([])).strip()


def test_title__one_line_within_the_limit():
    title = check_title(a_decision(suite="a\nb" * 300))
    assert len(title) <= MAX_TITLE_CHARS
    assert title.isprintable()


def test_lines__every_verdict_that_is_not_well():
    decision = a_decision([a_case(str(verdict), verdict) for verdict in Verdict])
    assert [(line.case, line.level) for line in check_lines(decision)] == [
        ("regressed", "failure"),
        ("failed", "failure"),
        ("missing", "warning"),
        ("incomparable", "warning"),
        ("inconclusive", "warning"),
        ("accepted", "notice"),
    ]


def test_lines__bounded_and_the_worst_kept():
    cases = [a_case(f"case-{number}", "regressed", 1 + number / 1000) for number in range(1, 1000)]
    lines = check_lines(a_decision(cases))
    assert len(lines) == MOST_LINES
    assert lines[0].case == "case-999"


def test_lines__hostile_names_stay_on_their_line():
    (line,) = check_lines(a_decision([a_case("a\n::error::b\u202e" + "x" * 5000, "regressed")]))
    assert line.title.isprintable()
    assert len(line.title) <= MAX_TITLE_CHARS
    assert len(line.message) < 5000
    assert all(one.isprintable() for one in line.message.split("\n"))
