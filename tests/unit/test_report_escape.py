"""Hostile text: shown as it is, and nothing else."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from perfgate.report.escape import (
    JOINER,
    escape_markdown,
    fenced,
    log_lines,
    message,
    one_line,
    plain,
    xml_text,
)

HOSTILE = [
    "**bold** _it_ ~~gone~~ `code`",
    "a | b || c",
    "<script>alert(1)</script> <!-- perfgate:history=AAAA -->",
    "[a](https://evil.example) ![b](https://evil.example/x.png) [^1] [ref]",
    "<https://evil.example> &lt;b&gt; &#42;",
    "back\\slash \\",
    "``` fence",
    "1. list",
    "- list",
    "# heading",
    "+ plus",
    "=====",
    "> quote",
    "$x$ $$y$$",
    "</details></summary>",
]


def tokens(markdown):
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    found = parser.parse(markdown)
    return found + [child for token in found for child in token.children or []]


def shown(markdown):
    """The text of a rendered line, and the kinds of markup in it."""
    found = tokens(markdown)
    text = "".join(token.content for token in found if token.type in ("text", "text_special"))
    return text.replace(JOINER, "").replace("\N{FULLWIDTH DOLLAR SIGN}", "$"), {
        token.type for token in found
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_escape_markdown__shows_the_text_itself(text):
    found, kinds = shown(escape_markdown(text))
    assert found == text
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}


@given(st.text(max_size=120))
@settings(max_examples=400, deadline=None)
def test_escape_markdown__any_text_is_only_text(text):
    found, kinds = shown("x " + escape_markdown(text))
    assert found == ("x " + one_line(text)).rstrip().replace("\N{FULLWIDTH DOLLAR SIGN}", "$")
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}


@given(st.text(max_size=120))
@settings(max_examples=200, deadline=None)
def test_escape_markdown__any_text_stays_in_its_table_cell(text):
    found = tokens(f"| a | b |\n| --- | --- |\n| {escape_markdown(text)} | end |\n")
    cells = [token for token in found if token.type == "td_open"]
    assert len(cells) == 2
    assert found[-1].content == "end"


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("@octocat", f"@{JOINER}octocat"),
        ("see #12", f"see #{JOINER}12"),
        ("a/b#12", f"a/b#{JOINER}12"),
        ("GH-12", f"GH{JOINER}-12"),
        ("https://evil.example", f"https:{JOINER}//evil.example"),
        ("www.evil.example", f"www{JOINER}.evil.example"),
        ("me@evil.example", f"me@{JOINER}evil.example"),
        (":rocket:", f":{JOINER}rocket:"),
        (":rocket", f":{JOINER}rocket"),  # a colon of our own may follow
        ("deadbeef", f"dead{JOINER}beef"),
        ("_www.evil.example", f"\\_www{JOINER}.evil.example"),
        ("_GH-12", f"\\_GH{JOINER}-12"),
        ("x_deadbeef_", f"x_dead{JOINER}beef\\_"),
        ("$x$", "\N{FULLWIDTH DOLLAR SIGN}x\N{FULLWIDTH DOLLAR SIGN}"),
    ],
)
def test_escape_markdown__breaks_what_github_links_itself(text, broken):
    assert escape_markdown(text) == broken


@pytest.mark.parametrize(
    "text", ["wan2_1_t2v_1.3b", "DecodingStage", "nvidia-h100-80gb-hbm3-x1", "580.65.06", "+1.9 %"]
)
def test_escape_markdown__leaves_names_searchable(text):
    assert escape_markdown("x " + text) == "x " + text


def test_one_line__drops_what_cannot_be_seen():
    text = "a\x00\x1b[31mb\x1b[0m\u202ec\u200bd\r\ne\u2028f\tg"
    assert one_line(text) == "abcd e f g"


def test_one_line__is_cut():
    assert one_line("a" * 500, limit=10) == "a" * 9 + "…"


def test_plain__breaks_workflow_commands():
    assert "::" not in plain("::set-output name=x::y")
    assert "##[" not in plain("##[error]x")
    assert plain("aten::copy_").replace(JOINER, "") == "aten::copy_"


def test_message__keeps_its_lines_and_breaks_workflow_commands():
    told = message("perfgate: stages.\x1b[31m\n::error::boo\r\n ##[stop]x: bad\n  → Mend it.")
    assert told.splitlines() == [
        "perfgate: stages.",
        f":{JOINER}:error:{JOINER}:boo",
        f" ##{JOINER}[stop]x: bad",
        "  → Mend it.",
    ]


def test_fenced__nothing_inside_closes_it():
    block = fenced("a\n````\n</details>\n~~~\n```js\n")
    assert [token.type for token in tokens(block)] == ["fence"]


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_fenced__any_text_is_one_block_or_none(text):
    assert [token.type for token in tokens(fenced(text))] in ([], ["fence"])


def test_log_lines__keeps_the_end_within_lines_and_characters():
    lines = log_lines("\n".join(str(number) for number in range(1000)), max_lines=5)
    assert lines == ["995", "996", "997", "998", "999"]
    assert sum(map(len, log_lines("x" * 10**6, max_chars=1000))) <= 1000
    assert log_lines(" \n\n") == []


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_xml_text__any_text_makes_a_readable_document(text):
    element = ET.Element("a", value=xml_text(text))
    element.text = xml_text(text)
    ET.fromstring(ET.tostring(element, "unicode"))
