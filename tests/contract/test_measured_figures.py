"""The guides repeat what docs/measurements.md and the golden files say, and make up nothing."""

from __future__ import annotations

import re

import pytest

from tests.documents import blocks, page

MEASURED = page("docs/measurements.md")
# A share with decimals, with an interval or a count behind it or without; 3 % is a setting.
SHARE = r"\d+\.\d+ %(?: \(\d[^)]* of \d+\))?"
COUNT = r"\b\d+ of \d{2,}\b"


@pytest.mark.parametrize("name", ["verdict", "explain", "kernels", "nightly"])
def test_figures__stand_in_the_measurements(name: str) -> None:
    told = re.findall(f"{SHARE}|{COUNT}", page(f"docs/{name}.md"))
    assert not [figure for figure in told if figure not in MEASURED]


def test_figures__of_the_verdict_are_told_with_their_interval() -> None:
    rows = re.findall(r"^\|.*\| (.+?) \|$", page("docs/verdict.md"), flags=re.MULTILINE)
    assert sum(" of 8000)" in row for row in rows) >= 3
    assert any("**missed**" in row for row in rows)


def test_output__of_explain_is_what_the_command_prints() -> None:
    (shown,) = blocks(page("docs/explain.md"), "text")
    assert shown in page("tests/golden/expected/explained.terminal.txt")
