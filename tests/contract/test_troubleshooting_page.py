"""docs/troubleshooting.md explains texts that perfgate really prints."""

from __future__ import annotations

import ast
import re

import pytest

from tests.documents import ROOT, page

ROWS = re.findall(r"^\| (.+?) \| .+ \|$", page("docs/troubleshooting.md"), flags=re.MULTILINE)
TEXTS = [text for row in ROWS for text in re.findall(r"`([^`]+)`", row)]


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """Every text in perfgate's code: of an f-string the pieces between what it fills in."""
    pieces = [
        node.value
        for path in sorted((ROOT / "perfgate").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return [*pieces, page("host/action.yml")]


def test_page__has_texts() -> None:
    assert len(TEXTS) > 40


@pytest.mark.parametrize("text", TEXTS)
def test_text__is_in_the_code(text: str, printed: list[str]) -> None:
    for piece in re.split(r"\s*…\W*", text):
        assert any(piece in known for known in printed), piece
