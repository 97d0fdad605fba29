"""The comment's memory, its limits, and the other forms at their limits."""

from __future__ import annotations

import base64
import io
import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from perfgate.records import Problem
from perfgate.report.comment import (
    MAX_COMMENT_CHARS,
    Earlier,
    Links,
    belongs_to,
    key_in,
    marker,
    read_history,
    render_comment,
)
from perfgate.report.junit import render_junit
from perfgate.report.state import MAX_EARLIER, state_line
from perfgate.report.summary import MAX_SUMMARY_BYTES, render_summary
from perfgate.report.terminal import render_terminal
from tests.factories import a_case_decision, a_decision, a_metric

LINKS = Links(run_url="https://github.com/o/r/actions/runs/1", when="2026-01-01")


def a_result(number=0, **rest):
    return Earlier(
        **{
            "commit": f"{number:040x}",
            "verdict": "passed",
            "headline": f"result {number}",
            "run_url": f"https://github.com/o/r/actions/runs/{number}",
            **rest,
        }
    )


def hidden(document):
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    return f"x\n<!-- perfgate:history={base64.b64encode(text).decode()} -->"


def test_marker__no_two_suites_share_one_and_none_ends_the_comment():
    suites = ["perfgate", "a b", "a-b", "a--b", "-->", "<!--", "", "ä", "x" * 200, "x" * 201]
    found = {marker(suite) for suite in suites}
    assert len(found) == len(suites)
    assert all(one.count("--") == 2 for one in found)


def test_marker__no_two_keys_share_one_and_none_is_another_suites():
    keys = ["", "a", "a-b", "a/b", "x" * 200, "x" * 201, "-->", "größe"]
    found = {marker(suite, key) for suite in ("a", "b") for key in keys}
    assert len(found) == 2 * len(keys)
    assert all(one.count("-->") == 1 for one in found)


def test_key_in__what_was_written_under_it():
    for key in ("", "nightly", "nvidia-h100-80gb-hbm3-x1-0123456789ab"):
        assert key_in(f"{marker('a', key)}\ntext", "a") == key
        assert key_in(f"{marker('a', key)}\ntext", "b") is None
    assert key_in("text", "a") is None
    assert not belongs_to(f"{marker('a', 'nightly')}\ntext", "a")


def test_belongs_to__only_by_its_own_first_line():
    body = render_comment(a_decision(suite="a"))
    assert belongs_to(body, "a")
    assert belongs_to(body.replace("\n", "\r\n"), "a")
    assert not belongs_to(body, "b")
    assert not belongs_to(f"```\n{marker('a')}\n```", "a")


def test_history__a_comment_remembers_itself_and_what_was_before():
    first = render_comment(a_decision(), links=LINKS)
    second = render_comment(
        a_decision([a_case_decision(verdict="regressed")]),
        history=read_history(first),
        links=Links(run_url="https://github.com/o/r/actions/runs/2"),
    )
    assert [result.verdict for result in read_history(second)] == ["passed", "regressed"]
    assert "Earlier results in this pull request" in second
    assert "Earlier results" not in first


def test_history__publishing_the_same_job_again_adds_nothing():
    first = render_comment(a_decision(), links=LINKS)
    again = render_comment(a_decision(), history=read_history(first), links=LINKS)
    assert again == first


def test_history__keeps_the_newest():
    comment = render_comment(
        a_decision(), history=[a_result(number) for number in range(50)], links=LINKS
    )
    found = read_history(comment)
    assert len(found) == MAX_EARLIER
    assert found[-2].headline == "result 49"


def test_history__is_bounded_whatever_it_is_given():
    endless = [a_result(n, headline="🟢" * 9000, when="é" * 9000) for n in range(99)]
    assert len(state_line(endless)) < MAX_COMMENT_CHARS / 4
    assert read_history("x\n" + state_line(endless))


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no state",
        "x\n<!-- perfgate:history= -->",
        "x\n<!-- perfgate:history=A -->",
        hidden(b"\xff\xfe"),
        hidden(b"{"),
        hidden(b"[" * 9000),
        hidden({"commit": "a"}),
        hidden([1, None, [], {}]),
        hidden([{"commit": "a", "verdict": "wonderful", "headline": "b"}]),
        hidden([{"commit": 1, "verdict": "passed", "headline": "b"}]),
        "a\nb\nc\nd\n" + hidden([{"commit": "a", "verdict": "passed", "headline": "x"}]),
    ],
)
def test_read_history__anything_damaged_reads_as_none(body):
    assert read_history(body) == ()


@given(st.text(max_size=500))
@settings(max_examples=200, deadline=None)
def test_read_history__never_fails(text):
    read_history(text)
    read_history(f"x\n<!-- perfgate:history={text} -->")


def test_read_history__a_forged_address_is_left_out():
    for url in ("javascript:alert(1)", "https://a) [b](c", "https://a b", "x" * 300):
        body = "x\n" + state_line([a_result(run_url=url)])
        assert read_history(body)[0].run_url == ""


def many(count, metrics, verdict="passed", name="case"):
    rows = [a_metric("end-to-end", 1000, 1001, verdict)]
    rows += [a_metric(f"Stage{number}", 10, 10.01) for number in range(metrics - 1)]
    return [a_case_decision(f"{name}{number}", verdict, rows) for number in range(count)]


def test_comment__2000_cases_of_60_metrics_stay_below_the_limit():
    comment = render_comment(a_decision([*many(1999, 60), *many(1, 60, "regressed")]), links=LINKS)
    assert len(comment) <= MAX_COMMENT_CHARS
    assert "1 of 2,000 cases is slower" in comment
    assert "rows left out for length; the [job summary](https://github.com/o/r/" in comment
    assert "1,999 cases unchanged" in comment


@pytest.mark.parametrize("verdict", ["regressed", "improved", "inconclusive", "new", "failed"])
def test_comment__600_bad_cases_stay_below_the_limit(verdict):
    cases = [
        case.model_copy(update={"log_tail": "é`" * 9000, "sentence": "🟢" * 5000})
        for case in many(600, 5, verdict, name="|" * 90)
    ]
    decision = a_decision(
        cases,
        notes=("é" * 5000,) * 500,
        told={f"{number}" * 500: "é" * 5000 for number in range(500)},
        interrupted="é" * 5000,
    )
    history = [a_result(number, headline="|" * 500) for number in range(50)]
    comment = render_comment(decision, history=history, links=LINKS)
    assert len(comment.encode()) <= MAX_COMMENT_CHARS
    assert comment.count("```") % 2 == 0
    assert comment.count("<details>") == comment.count("</details>")


@pytest.mark.parametrize("verdict", ["regressed", "inconclusive", "failed"])
def test_names_that_grow_five_times_when_escaped__stay_below_both_limits(verdict):
    """1,000 cases of 60 metrics, the worst ones told although the rest of the page is cut."""
    name = "&" * 99
    told = {f"{name}{number}": name * 3 for number in range(60)}
    cases = [
        case.model_copy(update={"detail": name * 9, "log_tail": name * 40})
        for case in many(1000, 60, verdict, name=name)
    ]
    decision = a_decision(cases, told=told, notes=(name * 4,) * 40)
    comment, summary = render_comment(decision, links=LINKS), render_summary(decision)
    assert len(comment.encode()) <= MAX_COMMENT_CHARS
    assert len(summary.encode()) <= MAX_SUMMARY_BYTES
    assert "some parts left out for length" in comment
    for text in (comment, summary):
        assert text.count("**&amp;") >= 1
    if verdict != "failed":
        assert comment.count("\n| ") > 40


def test_comment__a_huge_problem_stays_below_the_limit():
    problem = Problem(problem="é\n" * 100_000, fix="é" * 100_000, exit_code=2)
    assert len(render_comment(a_decision([], problem=problem)).encode()) <= MAX_COMMENT_CHARS


def test_summary__is_whole_until_its_limit():
    summary = render_summary(a_decision(many(50, 60)))
    assert summary.count("| Stage") == 50 * 59
    assert "left out" not in summary


def test_summary__2000_cases_of_60_metrics_stay_below_the_limit():
    summary = render_summary(a_decision(many(2000, 60)))
    assert len(summary.encode()) <= MAX_SUMMARY_BYTES
    assert "rows left out for length; decision.json has all of them" in summary


@pytest.mark.parametrize(
    ("verdict", "conclusion", "exit_code", "tag"),
    [
        ("passed", "success", 0, None),
        ("improved", "success", 0, None),
        ("regressed", "failure", 1, "failure"),
        ("failed", "failure", 4, "failure"),
        ("missing", "failure", 7, "failure"),
        ("missing", "neutral", 0, "skipped"),
        ("new", "neutral", 0, "skipped"),
        ("inconclusive", "neutral", 0, "skipped"),
        ("inconclusive", "failure", 7, "failure"),
    ],
)
def test_junit__is_red_where_the_job_is(verdict, conclusion, exit_code, tag):
    decision = a_decision(
        [a_case_decision(verdict=verdict)], conclusion=conclusion, exit_code=exit_code
    )
    suite = ET.fromstring(render_junit(decision))
    found = {child.tag for child in suite.find("testcase")} - {"system-out"}
    assert found == ({tag} if tag else set())
    assert (suite.get("tests"), suite.get("failures")) == ("1", str(int(tag == "failure")))


def test_junit__a_job_that_decided_nothing_is_an_error():
    suite = ET.fromstring(render_junit(a_decision([])))
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")


def test_terminal__no_line_of_a_log_is_a_workflow_command():
    decision = a_decision(
        [a_case_decision("x" * 70 + "::add-mask::y", "failed", log_tail="::error::forged")],
        notes=("::stop-commands::x",),
        problem=Problem(problem="::error::forged", fix="::error::forged", exit_code=2),
        interrupted="::error::forged",
    )
    for width in (20, 40, 80):
        console = Console(file=io.StringIO(), width=width, _environ={})
        render_terminal(decision, console, verbose=True)
        lines = console.file.getvalue().splitlines()
        assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]
