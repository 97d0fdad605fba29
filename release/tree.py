"""The release's commit: pins the doors' images in a work tree; checks that nothing else changed.

Calls git, and changes nothing but the files that it pins.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from release.errors import ReleaseError
from release.pinning import is_docker_action, pinned

_ACTION: Final = "action.yml"


def pin(root: Path, by_dockerfile: Mapping[str, str]) -> list[str]:
    """Rewrite the image's line of every Docker action below ``root``; returns their paths.

    Raises ReleaseError where an action cannot be pinned, and then no file has changed.
    """
    found = {path: _text(root, path) for path in _tracked(root)}
    new = {
        path: pinned(text, by_dockerfile, path=path)
        for path, text in found.items()
        if is_docker_action(text)
    }
    for path, text in new.items():
        (root / path).write_text(text, encoding="utf-8")
    return sorted(new)


def check(root: Path, base: str, by_dockerfile: Mapping[str, str]) -> list[str]:
    """The paths that HEAD pins; raises ReleaseError unless it is ``base`` with those pinned."""
    parents = _git(root, "rev-list", "--parents", "--max-count=1", "HEAD").split()[1:]
    expected = _git(root, "rev-parse", "--verify", f"{base}^{{commit}}").strip()
    if parents != [expected]:
        raise ReleaseError(
            f"the release's commit stands on {', '.join(parents) or 'nothing'}, not on {expected}",
            fix="Start the release again: its commit is made from main's.",
        )
    problems = []
    changed = _changed(root, expected)
    for path in _docker_actions_at(root, expected):
        was, now = _at(root, expected, path), _at(root, "HEAD", path)
        if now != pinned(was, by_dockerfile, path=path):
            problems.append(f"{path} is not main's with its image pinned")
        if changed.pop(path, "M") != "M":
            problems.append(f"{path} changed in more than its text")
    problems += [f"{path} changed ({how})" for path, how in changed.items()]
    if problems:
        raise ReleaseError(
            "the release's commit changes more than the images:\n  - " + "\n  - ".join(problems),
            fix="Start the release again, from a clean checkout of main.",
        )
    return _docker_actions_at(root, expected)


def _changed(root: Path, base: str) -> dict[str, str]:
    """What differs from ``base`` to HEAD, by path: git's letter, M being a file's text alone."""
    told = _git(root, "diff-tree", "-r", "-z", "--no-renames", "--raw", base, "HEAD")
    parts = [part for part in told.split("\0") if part]
    found = {}
    for about, path in zip(parts[::2], parts[1::2], strict=True):
        old_mode, new_mode, _, _, status = about.lstrip(":").split()
        same = status != "M" or old_mode == new_mode
        found[path] = status if same else f"{old_mode} to {new_mode}"
    return found


def _docker_actions_at(root: Path, commit: str) -> list[str]:
    told = _git(root, "ls-tree", "-r", "-z", "--name-only", commit)
    paths = [path for path in told.split("\0") if path.split("/")[-1] == _ACTION]
    return [path for path in paths if is_docker_action(_at(root, commit, path))]


def _tracked(root: Path) -> list[str]:
    told = _git(root, "ls-files", "-z")
    return [path for path in told.split("\0") if path.split("/")[-1] == _ACTION]


def _text(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")


def _at(root: Path, commit: str, path: str) -> str:
    return _git(root, "show", f"{commit}:{path}")


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        raise ReleaseError(
            f"git {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}",
            fix="Run this in a checkout of perfgate whose history holds the commit that is named.",
        )
    return done.stdout
