"""The places that every test of a store is run in."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.stores import Opener, a_clone, opened


@pytest.fixture(params=["folder", "memory", "file", "branch"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    start, named = tmp_path, "kept"
    if request.param == "memory":
        named = f"memory://{uuid.uuid4().hex}/kept"
    elif request.param == "file":
        named = f"file://{tmp_path}/kept"
    elif request.param == "branch":
        start, named = a_clone(tmp_path), "branch:perfgate-data"
    return lambda: opened(named, start, tmp_path / "scratch" / uuid.uuid4().hex)
