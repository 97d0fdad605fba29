"""Nothing that a fork's job wrote is more than text: not in comment, check, summary or log."""

from __future__ import annotations

import re

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from perfgate.github.workflow import annotation
from perfgate.report.check import render_check
from perfgate.report.comment import render_comment
from perfgate.report.summary import render_summary
from tests import hostile

OUR_TAGS = re.compile(
    r"</?details>|</?summary>|<!-- perfgate:(comment key|history)=[A-Za-z0-9+/=._-]* -->"
)
LINKED_BY_GITHUB = re.compile(r"@evil|#66613|\bGH-66613|https?://|\bwww\.evil", re.IGNORECASE)


# A record is large, and takes minutes to be made small: what fails is shown as it was drawn.
AS_DRAWN = (Phase.explicit, Phase.reuse, Phase.generate)


def leaks(markdown):
    """What of a text is more than text, and no markup of ours."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    blocks = parser.parse(markdown)
    inside = [child for block in blocks for child in block.children or []]
    return [told for token in (*blocks, *inside) if (told := _leak(token))]


def _leak(token):
    """What is wrong with a part of the text; empty for what is text alone, or ours."""
    if token.type in ("link_open", "image"):
        return f"{token.type} {token.attrs}"
    if token.type in ("html_block", "html_inline"):
        left = OUR_TAGS.sub("", token.content)
        return left if "<" in left or "evil" in left else ""
    if token.type == "heading_open" and token.tag == "h1":
        return "a heading"
    if token.type == "text" and LINKED_BY_GITHUB.search(token.content):
        return token.content
    return ""


def lines_of(found):
    """The log as the runner reads it."""
    told = (*found.notes, *found.refused)
    return [annotation("notice", one) for one in told]


def assert_tame(found):
    for one in found.judged:
        comment, summary = render_comment(one.decision), render_summary(one.decision)
        check = render_check(one.decision)
        for text in (comment, summary, check):
            assert leaks(text) == []
            assert "Measured by the fork's own code" in text
        assert comment.count("<!-- perfgate:comment key=") == 1
        assert len(comment) < 65_536
    for line in lines_of(found):
        assert line.startswith("::notice ")
        assert not re.search(r"[\r\n]", line)


@pytest.mark.parametrize("strategy", ["auto", "paired", "baseline"])
@given(data=st.data())
@settings(max_examples=25, deadline=None, phases=AS_DRAWN)
def test_any_record__is_text_alone(data, strategy):
    record = data.draw(hostile.records(strategy))
    name = data.draw(st.just("perfgate-tiny") | hostile.TEXT.map("perfgate".__add__))
    paths = data.draw(st.none() | st.just(("perfgate.yml",)) | st.tuples(hostile.TEXT))
    found = hostile.judged([(name, hostile.uploaded(record))], strategy=strategy, paths=paths)
    assert_tame(found)


@given(hostile.TEXT, st.text(max_size=200) | hostile.TEXT.map('{{"schema": "{}"}}'.format))
@settings(max_examples=25, deadline=None, phases=AS_DRAWN)
def test_any_artifact__is_told_as_text(name, text):
    found = hostile.judged(
        [(f"perfgate{name}", hostile.uploaded(text.encode(errors="replace").decode()))]
    )
    (one,) = found.judged
    assert one.decision.conclusion == "failure"
    assert_tame(found)


def test_leaks__the_check_is_really_one():
    for bait in ("@evil", "[x](https://evil.example)", "<b>evil", "\n# evil", "![x](y)"):
        assert leaks(f"some text {bait}")
