"""Whatever stands in a decision, readers get its words: no markup, no mention, no command."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from perfgate.github.workflow import SUMMARY_LIMIT_BYTES, annotation
from perfgate.report.check import (
    MAX_CHECK_BYTES,
    check_lines,
    check_name,
    check_title,
    render_check,
)
from perfgate.report.comment import MAX_COMMENT_CHARS, Links, read_history, render_comment
from perfgate.report.escape import escape_markdown, fenced, message, plain
from perfgate.report.state import Earlier, safe_url
from perfgate.report.summary import render_summary
from tests.fuzz.counted import fuzz
from tests.fuzz.decisions import DECISION, harmless
from tests.fuzz.hostile import LONG, TEXT
from tests.fuzz.shown import Page, page_of, spoken

RUN = "https://github.com/octo/bench/actions/runs/7"
EARLIER = st.builds(Earlier, commit=TEXT, verdict=TEXT, headline=TEXT, when=TEXT, run_url=TEXT)
# What the runner takes for a command: one at a line's start, the older kind anywhere.
COMMAND = re.compile(r"^\s*::|##\[")


def own_links(decision, *others):
    """The addresses that a page may lead to."""
    issues = [m.accepted.issue for case in decision.cases for m in case.metrics if m.accepted]
    return {safe_url(one) for one in [*issues, *others]}


def check(page: Page, like: Page, links: set[str]) -> None:
    assert page.elements == like.elements
    assert page.links <= links
    # The one reference of our own: an issue's checked number in the title of what it accepts.
    assert [one for one in spoken(page) if not re.fullmatch(r"#\d{1,9}", one)] == []
    assert {"script", "img", "iframe", "input"}.isdisjoint(page.elements)


@fuzz(DECISION, st.lists(EARLIER, max_size=3), TEXT)
def test_comment__is_shown_as_one_of_harmless_words_is(decision, history, when):
    links = Links(run_url=RUN, when=when)
    text = render_comment(decision, history=history, links=links)
    assert len(text) < MAX_COMMENT_CHARS
    page = page_of(text)
    words = [Earlier(commit="x", verdict="x", headline="word", when="x")] * len(history)
    like = page_of(render_comment(harmless(decision), history=words, links=links))
    assert [one for one in page.elements if one == "comment"] == ["comment"] * 2
    if not history:
        check(page, like, own_links(decision, RUN))
    assert page.links <= own_links(decision, RUN, *(one.run_url for one in history))
    assert len(read_history(text)) <= len(history) + 1


@fuzz(DECISION)
def test_summary__is_shown_as_one_of_harmless_words_is(decision):
    text = render_summary(decision)
    assert len(text.encode()) < SUMMARY_LIMIT_BYTES
    check(page_of(text), page_of(render_summary(harmless(decision))), own_links(decision))


@fuzz(DECISION)
def test_check__is_shown_as_one_of_harmless_words_is(decision):
    text = render_check(decision)
    assert len(text.encode()) <= MAX_CHECK_BYTES
    check(page_of(text), page_of(render_check(harmless(decision))), own_links(decision))
    titles = [check_title(decision), check_name(decision.suite)]
    for line in check_lines(decision):
        titles.append(line.title)
        assert len(line.message.encode()) < 64 * 1024
    assert not [one for one in titles if len(one) > 255 or re.search(r"[\x00-\x1f\x7f]", one)]


@fuzz(LONG)
def test_escaped__is_text_alone_wherever_it_stands(text):
    shown = escape_markdown(text)
    for template in ("{}", "x {} x", "- **{}:** x", "| a | b |\n| --- | --- |\n| {} | last |"):
        page, like = page_of(template.format(shown)), page_of(template.format("x" if shown else ""))
        assert page.elements == like.elements
        assert spoken(page) == []
    # A cell too many would push the last one out of its row.
    assert "last" in page.texts


@fuzz(LONG)
def test_fenced__is_one_block_or_nothing(text):
    elements = page_of(f"before\n\n{fenced(text)}\n\nafter").elements
    block = ["pre", "code class=language-text", "/code", "/pre"]
    assert elements in (["p", "/p", "p", "/p"], ["p", "/p", *block, "p", "/p"])


@fuzz(LONG)
def test_logged__is_no_command_to_the_runner(text):
    assert not COMMAND.search(plain(text))
    assert len(plain(text).splitlines()) <= 1
    assert not [line for line in message(text).splitlines() if COMMAND.search(line)]


@fuzz(
    st.sampled_from(["notice", "warning", "error"]),
    LONG,
    TEXT,
    st.none() | st.tuples(TEXT, st.integers(1, 10**9)),
)
def test_annotation__is_one_command_with_its_own_properties(kind, text, title, place):
    line = annotation(kind, text, title=title, place=place)
    # Nothing but these two ends a line for the runner, and nothing but the first `::` the header.
    assert "\n" not in line
    assert "\r" not in line
    found = re.fullmatch(r"::(\w+) (.*?)::(.*)", line, flags=re.DOTALL)
    assert found[1] == kind
    names = [part.partition("=")[0] for part in found[2].split(",")]
    assert names == (["title"] if place is None else ["file", "line", "title"])
    assert len(line) < 4096 * 4
