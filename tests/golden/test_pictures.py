"""The pictures in the documents show the texts of today."""

from __future__ import annotations

import pytest
from PIL import Image

from tests.documents import ROOT
from tests.pictures import DIGEST, comment_text, digest, terminal_text


@pytest.mark.parametrize(
    ("name", "text"), [("comment.png", comment_text), ("terminal.png", terminal_text)]
)
def test_pictures__show_what_is_rendered_today(name, text):
    with Image.open(ROOT / "docs" / name) as picture:
        drawn = picture.info[DIGEST]
    assert drawn == digest(text()), f"docs/{name} is out of date: `make pictures` draws it again"
