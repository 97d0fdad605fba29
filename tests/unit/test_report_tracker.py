"""A tracker issue's memory survives its body, and a sparkline shows a shift where it is."""

from __future__ import annotations

import base64
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.report.sparkline import BLOCKS, sparkline
from perfgate.report.tracker_memory import MOST_LINES, Marks, hidden, read, remembering
from perfgate.verdict.tracking import Memory

LINE = "e2dc1d6f8b94"
MEMORY = Memory(told={LINE: 1.1}, span_s=(100, 200), steps=2, closing="recovered")
MARKS = Marks(line=LINE, since="a" * 40, until="b" * 40, memory=MEMORY)


def state(text: str) -> str:
    return f"<!-- perfgate:told={base64.b64encode(text.encode()).decode()} -->"


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["as written", "as a browser's form sends it"])
def test_memory__is_read_as_it_was_written(end):
    text = f"{hidden(MARKS)}\nA text.".replace("\n", end)
    found = read(text)
    assert found.memory == MEMORY
    assert (found.line, found.since, found.until) == (LINE, "a" * 12, "b" * 12)


@pytest.mark.parametrize(
    "commit",
    ["", "main", "a" * 41, "abc", "--> <b>"],
    ids=["none", "name", "long", "short", "html"],
)
def test_memory__what_is_no_commit_is_none(commit):
    marks = read(hidden(Marks(line=LINE, since=commit, until=commit, memory=MEMORY)))
    assert (marks.since, marks.until) == ("", "")


def test_memory__a_new_one_leaves_every_other_word():
    text = f"{hidden(MARKS)}\nA text.\n\nAnother.\n"
    other = Memory(told={LINE: 1.3, "0" * 12: 2.0}, span_s=(0, 9), steps=3)
    found = remembering(text, other)
    assert found.endswith("-->\nA text.\n\nAnother.\n")
    assert read(found).memory == other


def test_memory__a_new_one_for_a_damaged_one():
    first = hidden(MARKS).split("\n")[0]
    found = remembering(f"{first}\nA text.\n", MEMORY)
    assert read(found).memory == MEMORY
    assert found.endswith("-->\nA text.\n")


@pytest.mark.parametrize(
    "second",
    [
        "",
        "A text.",
        "<!-- perfgate:told=!!! -->",
        "<!-- perfgate:told=AAAA -->",
        state("[]"),
        state('{"told": {}}'),
        state('{"told": 3, "span": [1, 2], "steps": 0, "closing": "", "picture": ""}'),
        state('{"told": {"x": 1}, "span": [1], "steps": 0, "closing": "", "picture": ""}'),
        state('{"told": {"x": 1}, "span": [1, 1e999], "steps": 0, "closing": "", "picture": ""}'),
        state("[" * 9000),
    ],
)
def test_memory_that_was_damaged__is_about_any_shift_of_its_line(second):
    first = hidden(MARKS).split("\n")[0]
    memory = read(f"{first}\n{second}").memory
    assert dict(memory.told) == {LINE: math.inf}
    assert memory.span_s[0] == 0
    assert memory.span_s[1] > 10**12


@pytest.mark.parametrize(
    "body",
    [
        "",
        "A text.",
        f"\n{hidden(MARKS)}",
        f"> {hidden(MARKS)}",
        hidden(MARKS).replace("regression", "other"),
        hidden(MARKS).replace(LINE, "x" * 12),
    ],
)
def test_no_tracker_issue(body):
    assert read(body) is None
    assert remembering(body, MEMORY) == body


def test_memory__of_very_many_lines_the_first_are_kept():
    told = {f"{number:012x}": 1.2 for number in range(5000)}
    memory = Memory(told=told, span_s=(1, 2))
    text = hidden(Marks(line=LINE, since="", until="", memory=memory))
    assert len(text) < 10_000
    assert list(read(text).memory.told) == list(told)[:MOST_LINES]


@given(st.text())
def test_any_text__is_read(text):
    read(text)
    read(f"{hidden(MARKS)}\n{text}")
    read(f"{hidden(MARKS).split(chr(10))[0]}\n{text}")


@pytest.mark.parametrize(
    ("values", "shift", "drawn"),
    [
        ([], None, ""),
        ([3.0], None, "▁"),
        ([1.0, 2.0], None, "▁█"),
        ([5.0, 5.0, 5.0], None, "▁▁▁"),
        ([1.0, 1.0, 8.0, 8.0], 2, "▁▁│██"),
        ([0.0, 7.0, 3.5], None, "▁█▅"),
    ],
)
def test_sparkline(values, shift, drawn):
    assert sparkline(values, shift=shift) == drawn


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=400).flatmap(
        lambda values: st.tuples(st.just(values), st.integers(1, len(values) - 1))
    )
)
def test_sparkline__has_a_bound_and_nothing_but_blocks(drawn):
    values, shift = drawn
    text = sparkline(values, shift=shift, width=40)
    left, right = text.split("│")
    assert left
    assert right
    assert set(left + right) <= set(BLOCKS)
    assert len(text) <= 40
