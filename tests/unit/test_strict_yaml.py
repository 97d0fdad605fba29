"""Where the items of a list stand in a YAML file, for who points at their lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.strict_yaml import places

SUITE = """\
version: 1
cases:
  - id: wan

  - backend: command
    id: "größe"
  - {id: flux, backend: command}
  - &anchor
    id: sdxl
  - backend: command
other:
  - id: elsewhere
"""


def test_places__on_the_line_of_the_value():
    assert places(SUITE, of="cases", by="id") == {"wan": 3, "größe": 6, "flux": 7, "sdxl": 9}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cases: 3",
        "cases: [1, [2], null]",
        "cases: {id: wan}",
        "cases: [{id: [wan]}, {id: {a: b}}]",
        "- id: wan",
        "cases: [",
        "cases: &a [*a]",
        "[" * 5000,
        "a: \0",
        "!!python/object:os.system cases: []",
        "? [cases]\n: [{id: wan}]",
    ],
)
def test_places__of_what_is_no_such_document(text):
    assert places(text, of="cases", by="id") == {}


@given(st.text())
def test_places__of_any_text(text):
    for value, line in places(f"cases:\n- id: x\n- id: {text}", of="cases", by="id").items():
        assert isinstance(value, str)
        assert line >= 2
