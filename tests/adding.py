"""Adds files to a store in a test's own folder, and reads them back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perfgate.app.history.add import Added, AddRequest, add_files
from perfgate.history.folder import Folder
from perfgate.history.read import read_history
from perfgate.records.history import History
from tests.result_files import NOW

HARDWARE = "nvidia-h100-80gb-hbm3-x4"


def store(root: Path) -> Folder:
    return Folder(root=root / "kept", told="kept")


def add(root: Path, *files: Path, hardware: str | None = HARDWARE, **rest: Any) -> Added:
    request = AddRequest(start=root, files=files, hardware_key=hardware, **rest)
    return add_files(request, store(root), now=NOW, perfgate="0.1.0")


def read(root: Path) -> History:
    return read_history(store(root), now=NOW)
