"""Clones this repository at its commit and plants real work in the clone. Measures nothing."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_GIT = ("git", "-c", "user.name=perfgate", "-c", "user.email=perfgate@localhost")


@dataclass(frozen=True, kw_only=True)
class Plant:
    """Lines that go before the one place in ``file`` where ``at`` stands."""

    file: str
    at: str
    text: str


def clone_with(clone: Path, files: dict[str, str]) -> Path:
    """A clone of this commit; with ``files``, one more commit that holds them."""
    subprocess.run([*_GIT, "clone", "--quiet", str(ROOT), str(clone)], check=True)
    for name, text in files.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text, encoding="utf-8")
    if files:
        _commit(clone, "Add what the benchmark needs")
    return clone


def plant(clone: Path, plants: tuple[Plant, ...]) -> None:
    """One commit more in the clone, with the planted lines; without any it changes nothing."""
    for one in plants:
        path = clone / one.file
        source = path.read_text(encoding="utf-8")
        if source.count(one.at) != 1:
            raise SystemExit(f"{one.file} has no single place to plant work in: {one.at!r}")
        path.write_text(source.replace(one.at, one.text + one.at), encoding="utf-8")
    _commit(clone, "Do more work" if plants else "Change nothing")


def _commit(clone: Path, message: str) -> None:
    subprocess.run([*_GIT, "add", "--all"], cwd=clone, check=True)
    subprocess.run(
        [*_GIT, "commit", "--quiet", "--allow-empty", "--message", message], cwd=clone, check=True
    )
