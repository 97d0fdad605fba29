"""Where each side's tree lies and what its processes see. Makes base's work tree, removes it again.

Head is the working tree as it is. Base is a linked work tree outside of it, so that the two can
never resolve to one path, and nothing is written into the workspace but git's own note of it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perfgate.errors import ConfigurationError
from perfgate.records import Side, Tree
from perfgate.sides.git import Git


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Where processes run: the interpreter, and the variables that they see."""

    python: Path
    env: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """One side, ready to run: its tree, its interpreter and the environment of its processes.

    ``frameworks`` has the frameworks that do not run there but in an environment of their own.
    """

    side: Side
    tree: Tree
    path: Path
    python: Path
    env: Mapping[str, str] = field(repr=False)
    frameworks: Mapping[str, Environment] = field(default_factory=dict)

    def environment(self, framework: str = "") -> Environment:
        """Where a framework runs; one without an environment of its own runs in the side's."""
        own = Environment(python=self.python, env=self.env)
        return self.frameworks.get(framework, own)


@contextlib.contextmanager
def base_work_tree(git: Git, commit: str, *, folder: Path) -> Iterator[Path]:
    """Check ``commit`` out below ``folder`` for as long as the block runs."""
    path = folder / "base"
    # A job that was killed leaves its note behind, and git then refuses the path.
    git("worktree", "prune")
    git("worktree", "add", "--detach", "--force", "--quiet", str(path), commit, timeout_s=600)
    try:
        yield path
    finally:
        git.asks("worktree", "remove", "--force", str(path))
        git.asks("worktree", "prune")


def side_environment(
    environ: Mapping[str, str], *, side: Side, path: Path, python: Path, own_env: Path | None
) -> dict[str, str]:
    """The environment of every process of a side.

    Python's own switches are dropped, since they would put one side's code before the other's;
    GitHub's token and file commands too: a benchmark needs neither.
    """
    env = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("INPUT_", "ACTIONS_")) and name not in _WITHHELD
    }
    env |= {
        "PERFGATE_SIDE": side.value,
        "PERFGATE_WORKTREE": str(path),
        "PERFGATE_PYTHON": str(python),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if own_env is not None:
        env["VIRTUAL_ENV"] = str(own_env)
        env["PATH"] = f"{own_env / 'bin'}{os.pathsep}{env.get('PATH', os.defpath)}"
    return env


_WITHHELD = frozenset(
    {
        "GH_TOKEN",
        "GITHUB_TOKEN",
        "GITHUB_OUTPUT",
        "GITHUB_ENV",
        "GITHUB_PATH",
        "GITHUB_STATE",
        "GITHUB_STEP_SUMMARY",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "__PYVENV_LAUNCHER__",
    }
)


def refuse_same_path(base: Path, head: Path) -> None:
    """Two sides at one path would compare a tree with itself and call it equal."""
    if os.path.realpath(base) == os.path.realpath(head):
        raise ConfigurationError(
            f"base and head both resolve to {head}",
            fix="Give each side its own tree: leave the work trees to perfgate.",
        )
