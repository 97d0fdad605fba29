"""The permission that docs/baselines.md shows is one, in the bytes that an update writes."""

from __future__ import annotations

from perfgate.baselines.accepted import parse_accepted, render_accepted
from tests.documents import blocks, page


def test_permission__is_what_an_update_writes() -> None:
    (shown,) = [text for text in blocks(page("docs/baselines.md"), "text") if "accepted:" in text]
    (permission,) = parse_accepted(shown, source="docs/baselines.md")
    assert render_accepted([permission]) == shown
    assert permission.expires.isoformat() in page("docs/baselines.md").replace(shown, "")
