"""`/perfgate` commands in comments: what is heard, what is told back, what is left alone."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from perfgate.github.commands import (
    MOST_COMMANDS,
    USAGE,
    Accept,
    Explain,
    Help,
    Rerun,
    UpdateBaseline,
    commands_in,
)
from perfgate.suite import parse_suite

TODAY = date(2026, 3, 1)
ISSUES = "https://ghe.example.org/octo/bench/issues"


def heard(body):
    return commands_in(body, today=TODAY, issues_url=ISSUES)


def told(line):
    (one,) = heard(line)
    assert one.command is None
    return one.problems


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/perfgate rerun", Rerun()),
        ("/perfgate rerun wan flux", Rerun(cases=("wan", "flux"))),
        ("/perfgate rerun wan,flux, wan", Rerun(cases=("wan", "flux"))),
        ("/perfgate rerun `wan_t2v-1.3b`  ", Rerun(cases=("wan_t2v-1.3b",))),
        ("/perfgate update-baseline wan", UpdateBaseline(case="wan")),
        ("/perfgate Explain wan", Explain(case="wan")),
        ("/perfgate\thelp me", Help()),
        ("/perfgate", Help()),
    ],
)
def test_command(line, command):
    (one,) = heard(line)
    assert (one.command, one.problems) == (command, ())


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        (
            "/perfgate accept wan DecodingStage until 2026-12-31 because of the exact decoder #55",
            {"metric": "DecodingStage", "reason": "of the exact decoder", "issue": f"{ISSUES}/55"},
        ),
        (
            "/perfgate accept wan until 2026-12-31 because the decoder is exact (see #55).",
            {"reason": "the decoder is exact (see", "issue": f"{ISSUES}/55"},
        ),
        (
            "/perfgate accept wan until 2026-12-31 because #55 needs it",
            {"reason": "#55 needs it", "issue": f"{ISSUES}/55"},
        ),
        (
            "/perfgate accept wan peak memory until 2026-12-31 because cache https://t.example/X?y=2",
            {
                "metric": "peak memory",
                "reason": "cache",
                "issue": "https://t.example/X?y=2",
            },
        ),
    ],
)
def test_accept(line, rest):
    (one,) = heard(line)
    assert one.command == Accept(**{"case": "wan", "until": date(2026, 12, 31), **rest})


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("/perfgate rerun wan/../flux", "wan/../flux is no case id"),
        ("/perfgate rerun -x", "-x is no case id"),
        ("/perfgate rerun " + "a" * 101, "is no case id"),
        ("/perfgate rerun " + " ".join(f"c{i}" for i in range(60)), "60 cases; 50 at most"),
        ("/perfgate explain", "no case"),
        ("/perfgate explain wan flux", "2 cases; it takes one"),
        ("/perfgate update-baseline <b>", "<b> is no case id"),
        ("/perfgate re-run", "did you mean rerun?"),
        ("/perfgate rm", "there are: rerun, accept, update-baseline, explain, help"),
        ("/perfgate explain wa\u200bn", "characters that nobody can see"),
        ("/perfgate explain wan \u202e", "characters that nobody can see"),
        ("/perfgate rerun " + "wan " * 600, "longer than 2000 characters"),
    ],
)
def test_wrong_command(line, problem):
    assert problem in told(line)[0]


def test_wrong_accept__every_problem_at_once_and_the_spelling():
    assert told("/perfgate accept") == (
        "no case",
        "no last day: `until` and a day such as 2026-12-31",
        "no reason: `because` and some words",
        "no issue: `#123`, or an address that starts with https://",
        f"write it like this: {USAGE['accept']}",
    )


@pytest.mark.parametrize(
    ("day", "problem"),
    [
        ("2026-02-30", "2026-02-30 is no day"),
        ("20261231", "20261231 is no day"),
        ("tomorrow", "tomorrow is no day"),
        ("2026-03-01", "2026-03-01 is not in the future"),
        ("2025-12-31", "2025-12-31 is not in the future"),
    ],
)
def test_impossible_day(day, problem):
    (first, spelling) = told(f"/perfgate accept wan until {day} because it is right #5")
    assert problem in first
    assert spelling.endswith(USAGE["accept"])


@pytest.mark.parametrize(
    ("why", "problem"),
    [
        ("because #5", "no reason"),
        ("because it is right", "no issue"),
        ("because it is right #0", "no issue"),
        ("because it is right javascript:alert(1)", "no issue"),
        ("because " + "x" * 1001 + " #5", "longer than 1000 characters"),
        ("it is right #5", "no last day"),
    ],
)
def test_insufficient_reason(why, problem):
    assert problem in told(f"/perfgate accept wan until 2026-12-31 {why}")[0]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nothing for perfgate",
        "see /perfgate rerun",
        " /perfgate rerun",
        "/perfgates rerun",
        "/PERFGATE rerun",
        "    /perfgate rerun",
        "```\n/perfgate rerun\n```",
        "~~~ sh\n/perfgate rerun\n~~~",
        "```\n/perfgate rerun",
        "> /perfgate rerun",
        "> a quote\n/perfgate rerun",
        "> a\n> > b\n/perfgate rerun",
        "- /perfgate rerun",
        "# /perfgate rerun",
        "<!--\n/perfgate rerun\n-->",
        "<details>\n/perfgate rerun\n</details>",
    ],
)
def test_no_command(body):
    assert heard(body) == ()


@pytest.mark.parametrize(
    "body",
    [
        "Thanks!\n/perfgate rerun\nand that was it",
        "> a quote\n\n/perfgate rerun",
        "```\ncode\n```\n/perfgate rerun",
        "- a list\n- its end\n/perfgate rerun",
        "/perfgate rerun\n---\nmore",
        "/perfgate rerun\r\n\r\nthanks",
        "[x]: y\n/perfgate rerun",
    ],
)
def test_command_among_other_lines(body):
    (one,) = heard(body)
    assert one.command == Rerun()


def test_several_commands__in_their_order_and_not_without_end():
    body = "/perfgate help\n/perfgate rerun wan\n\n/perfgate explain wan\n"
    assert [type(one.command) for one in heard(body)] == [Help, Rerun, Explain]
    assert len(heard("/perfgate help\n" * 100)) == MOST_COMMANDS


def test_second_rerun_of_a_comment__told():
    first, second, third = heard("/perfgate rerun wan\n/perfgate rerun flux\n/perfgate help")
    assert first.command == Rerun(cases=("wan",))
    assert second.problems == ("a comment starts one run: name all its cases",)
    assert third.command == Help()


def test_case_ids__the_suites_own_rule():
    for name in ("wan", "a.b-c_d", "a" * 100, "9"):
        assert parse_suite(_suite(name), source="x").cases[0].id == name
        assert heard(f"/perfgate explain {name}")[0].command == Explain(case=name)
    assert told("/perfgate explain _wan")


def _suite(name):
    return f"version: 1\ncases: [{{id: '{name}', backend: command, command: x}}]\n"


def test_what_is_accepted_can_be_kept():
    from perfgate.verdict.acceptance import Acceptance  # noqa: PLC0415 - for this one alone

    (one,) = heard("/perfgate accept wan x until 2026-12-31 because ünïcode `code` | <b> @all #5")
    fields = {"reason": one.command.reason, "issue": one.command.issue, "metric": "x"}
    adapter = TypeAdapter(Acceptance)
    rest = {
        "case": "wan",
        "hardware": "k",
        "reference": {"value": 1, "unit": "ms", "commit": "a" * 40},
        "ceiling": 1.1,
        "expires": one.command.until,
        "asked_by": "ann",
    }
    assert adapter.validate_python({**rest, **fields}).reason == one.command.reason
    with pytest.raises(ValidationError):
        adapter.validate_python({**rest, **fields, "issue": "#5"})


@pytest.mark.parametrize(
    "body",
    ["> " * 30_000, "[" * 60_000, "- " * 30_000, "`" * 60_000, "\t" * 60_000, "<!" * 30_000],
    ids=["quotes", "brackets", "lists", "ticks", "tabs", "html"],
)
def test_hostile_text__read_to_its_end(body):
    assert heard(f"{body}\n\n/perfgate help\n")[-1:] in ((), heard("/perfgate help"))


@given(
    st.lists(st.sampled_from([*" >-`#\n\t", "/perfgate ", "accept ", "until ", "because ", "é"]))
)
def test_any_text__an_answer_or_nothing(parts):
    for one in heard("".join(parts)):
        assert (one.command is None) == bool(one.problems)
        assert "\n" not in one.line


@given(st.text(max_size=200))
def test_any_line__nothing_is_raised(text):
    for one in heard(f"/perfgate {text}"):
        assert one.line.startswith("/perfgate")
