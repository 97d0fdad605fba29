"""Nothing that a pull request can choose ends a workflow command, an output or the summary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.github.workflow import SUMMARY_LIMIT_BYTES, annotation, output, summary


def test_annotation():
    told = annotation("warning", "100 % sure\n::error::forged\r", title="a:b,c\n")
    assert told == "::warning title=a%3Ab%2Cc%0A::100 %25 sure%0A::error::forged%0D"


def test_annotation__on_a_line():
    told = annotation("error", "raised", place=("perf,x/a:b.json", 146))
    assert told == "::error file=perf%2Cx/a%3Ab.json,line=146,title=perfgate::raised"


@given(st.text(), st.text())
def test_annotation__is_one_command(message, title):
    told = annotation("notice", message, title=title)
    assert "\n" not in told
    assert "\r" not in told
    assert told.startswith("::notice title=")
    assert len(told) < 13_000 + 3 * len(title)


def test_output():
    assert output("verdict", "passed", delimiter="d-1") == "verdict<<d-1\npassed\nd-1\n"


def test_output__delimiter_in_the_value():
    with pytest.raises(ValueError, match="verdict"):
        output("verdict", "x\nd-1\nforged=1", delimiter="d-1")


def test_summary__fits():
    assert summary("| a |\n") == "| a |\n"


@pytest.mark.parametrize("already", [0, 1000, SUMMARY_LIMIT_BYTES - 300, SUMMARY_LIMIT_BYTES])
def test_summary__is_cut_at_a_line_within_the_limit(already):
    row = "| wan_tiny | größer | 1 ms |\n"
    told = summary(row * 60_000, already_bytes=already)
    assert len(told.encode()) + already <= SUMMARY_LIMIT_BYTES
    if told:
        assert told.startswith(row)
        assert "cut here" in told
        assert told.split("\n\n(cut here")[0].rstrip("\n").endswith("|")


def test_summary__lone_surrogates():
    assert summary("a\udc00b") == "a?b"
