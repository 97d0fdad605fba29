"""Changing one value of a JSON text: what it says afterwards, and that all else keeps its bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.baselines.json_edit import with_value
from perfgate.baselines.spans import spans_of

HAND_MADE = """{
  "b": {"x": 30.20, "y" : 1e3,"z":[1,  2]},

  "a": {
      "\\u0061b": null,
      "empty": {}
  },
  "t": "a \\"key\\": {"
}
"""

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=5)
STYLES = st.sampled_from(
    [{}, {"indent": 1}, {"indent": 4}, {"indent": "\t"}, {"separators": (",", ":")}]
)


def test_spans__of_every_value_with_its_key() -> None:
    spans = spans_of(HAND_MADE)
    found = {path: HAND_MADE[span.start : span.end] for path, span in spans.items()}
    assert found[()] == HAND_MADE.strip()
    assert found["b", "x"] == "30.20"
    assert found["b", "z", 1] == "2"
    assert found["a", "ab"] == "null"
    assert found["a", "empty"] == "{}"
    assert found["t",] == '"a \\"key\\": {"'
    assert HAND_MADE[spans["b", "y"].key :].startswith('"y" : 1e3')
    assert spans["a", "empty"].line(HAND_MADE) == 6


@given(document=VALUES, style=STYLES)
def test_spans__hold_what_stands_there(document, style) -> None:
    text = json.dumps(document, **style)
    for path, span in spans_of(text).items():
        value = document
        for part in path:
            value = value[part]
        assert json.loads(text[span.start : span.end]) == value


def test_edit__an_equal_value_keeps_its_writing() -> None:
    value = {"x": 30.2, "y": 1000, "z": [1.0, 2]}
    assert with_value(HAND_MADE, ("b",), value) == HAND_MADE


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"x": 30.3, "y": 1000, "z": [1, 2]}, '"b": {"x": 30.3, "y" : 1e3,"z":[1,  2]},'),
        ({"y": 1000, "z": [1, 2]}, '"b": {"y" : 1e3,"z":[1,  2]},'),
        ({"x": 30.2, "y": 1000}, '"b": {"x": 30.20, "y" : 1e3},'),
        ({"n": 1, "x": 30.2}, '"b": {"x": 30.20, "n": 1},'),
        ({}, '"b": {},'),
        (True, '"b": true,'),
    ],
)
def test_edit__changes_no_other_line(value, line: str) -> None:
    was = HAND_MADE.splitlines()
    assert with_value(HAND_MADE, ("b",), value).splitlines() == [was[0], f"  {line}", *was[2:]]


def test_edit__what_is_new_is_indented_as_its_place() -> None:
    told = with_value(HAND_MADE, ("a", "empty"), {"k": [1]})
    assert '      "empty": {\n        "k": [\n          1\n        ]\n      }\n  },\n' in told
    told = with_value(HAND_MADE, ("a", "new"), {"k": 1})
    assert '      "empty": {},\n      "new": {\n        "k": 1\n      }\n  },\n' in told


def test_edit__keeps_the_line_ends_of_another_system() -> None:
    text = HAND_MADE.replace("\n", "\r\n")
    told = with_value(text, ("a", "new"), {"k": 1})
    assert told.count("\n") == told.count("\r\n") == text.count("\n") + 3


def test_edit__without_a_parent() -> None:
    for path in (("c", "x"), ("t", "x"), ("b", "z", 0)):
        with pytest.raises(KeyError):
            with_value(HAND_MADE, path, 1)


@given(document=OBJECTS, key=st.text(max_size=4), value=VALUES, style=STYLES)
def test_edit__says_the_new_value_and_otherwise_what_it_said(document, key, value, style) -> None:
    key = next(iter(document), key)
    told = json.loads(with_value(json.dumps(document, **style), (key,), value))
    assert list(told.items()) == list({**document, key: value}.items())


@given(document=OBJECTS, style=STYLES)
def test_edit__of_nothing_gives_the_same_bytes(document, style) -> None:
    text = json.dumps(document, **style) + "\n"
    assert with_value(text, (), json.loads(text)) == text
