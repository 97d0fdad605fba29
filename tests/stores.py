"""Real places of a history for tests: clones of bare repositories, and stores opened anew."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from perfgate.history.opening import open_store
from perfgate.history.store import Store

Opener: TypeAlias = Callable[[], Store]
"""Opens the same place anew each time, as the next job does."""

GIT_ENV = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.org",
}


def git(where: Path, *arguments: str) -> str:
    done = subprocess.run(
        ("git", *arguments), cwd=where, env=GIT_ENV, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def a_clone(folder: Path) -> Path:
    """A clone with one commit on main, of a bare repository beside it."""
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
    git(folder, "clone", "--quiet", "origin.git", "clone")
    clone = folder / "clone"
    (clone / "code.py").write_text("pass\n")
    git(clone, "add", "code.py")
    git(clone, "commit", "--quiet", "-m", "code")
    git(clone, "push", "--quiet", "origin", "HEAD:refs/heads/main")
    return clone


def opened(named: str, start: Path, scratch: Path, **rest: object) -> Store:
    scratch.mkdir(parents=True)
    return open_store(
        named, start=start, environ=GIT_ENV, scratch=scratch, sleep=lambda _: None, **rest
    )
