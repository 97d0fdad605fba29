"""Whatever a comment holds: commands that are what they seem, and answers that are only words."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

from hypothesis import strategies as st

from perfgate.github.commands import (
    MOST_COMMANDS,
    Accept,
    Explain,
    Rerun,
    UpdateBaseline,
    commands_in,
)
from perfgate.report.answers import (
    MAX_ANSWERS_BYTES,
    Answer,
    answers_section,
    asked,
    first_comment,
    read_answers,
    with_answers,
)
from perfgate.report.comment import belongs_to, read_history
from perfgate.report.escape import escape_markdown
from tests.fuzz.counted import fuzz
from tests.fuzz.hostile import LONG, TEXT
from tests.fuzz.shown import page_of, spoken

TODAY = date(2026, 1, 1)
ISSUES = "https://github.com/octo/bench/issues"
URL = "https://github.com/octo/bench/pull/7#issuecomment-99"
WORDS = st.sampled_from(
    [
        *("/perfgate", "rerun", "accept", "update-baseline", "explain", "help", "RERUN", "re-run"),
        *("wan_t2v_tiny", "flux", "DecodingStage", "until", "2026-12-31", "2025-01-01", "because"),
        *(
            "the new sampler is better",
            "#123",
            "https://github.com/o/r/issues/7",
            ",",
            "`",
            "--all",
        ),
        *("\n", "\n\n", "\r\n", " ", "\t", "> ", "    ", "```\n", "- ", "<!--", "-->", "<pre>"),
    ]
)
ARGUMENTS = st.lists(WORDS | TEXT, max_size=3).map(" ".join)
BODY = st.one_of(
    st.lists(WORDS | TEXT, max_size=14).map(" ".join),
    st.builds("/perfgate {} {}".format, WORDS, ARGUMENTS),
    st.builds("/perfgate explain {}".format, TEXT),
    st.builds("/perfgate rerun {},{}".format, TEXT, TEXT),
    st.builds("/perfgate accept {} until 2026-12-31 because {} {}".format, TEXT, TEXT, ARGUMENTS),
    st.builds("/perfgate accept a {} until 2026-12-31 because it {} #12".format, TEXT, TEXT),
)
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@fuzz(BODY | LONG)
def test_commands__what_is_heard_is_what_it_seems(body):
    heard = commands_in(body, today=TODAY, issues_url=ISSUES)
    assert len(heard) <= MOST_COMMANDS
    for one in heard:
        assert (one.command is None) == bool(one.problems)
        assert "\n" not in one.line
        assert one.line.startswith("/perfgate")
        match one.command:
            case Rerun(cases=cases):
                assert all(ID.fullmatch(case) for case in cases)
            case Explain(case=case) | UpdateBaseline(case=case):
                assert ID.fullmatch(case)
            case Accept(case=case, metric=metric, until=until, reason=reason, issue=issue):
                assert ID.fullmatch(case)
                assert until > TODAY
                assert not {unicodedata.category(one) for one in metric + reason + issue} & HIDDEN
                assert re.match(r"https?://", issue)


@fuzz(st.lists(st.tuples(TEXT, LONG), max_size=12), TEXT)
def test_answers__are_only_words_and_are_read_again(told, suite):
    answers = [
        Answer(comment=number, by="octocat", text=asked(line, escape_markdown(text), url=URL))
        for number, (line, text) in enumerate(told, start=1)
    ]
    body = with_answers(first_comment(suite), answers)
    assert belongs_to(body, suite)
    assert len(answers_section(answers).encode()) <= MAX_ANSWERS_BYTES
    page = page_of(body)
    assert page.links <= {URL}
    assert spoken(page) == []
    assert page.elements.count("details open") == page.elements.count("/details")
    again = read_answers(body)
    texts = {one.comment: one.text.strip() for one in answers}
    assert [one.comment for one in again] == sorted(texts)[len(texts) - len(again) :]
    assert all(one.text == texts[one.comment] or one.text.endswith("…") for one in again)
    once = with_answers(body, again)
    assert with_answers(once, read_answers(once)) == once


@fuzz(LONG | BODY)
def test_memory__of_a_comment_that_holds_anything(body):
    for text in (body, f"x\n{body}", f"<!-- perfgate:answers -->\n{body}"):
        for answer in read_answers(text):
            assert answer.comment >= 0
        read_history(text)
