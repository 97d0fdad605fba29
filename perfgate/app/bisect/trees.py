"""Work trees of commits with their environments: each prepared once, and kept until the end.

They outlive an interrupted search, so that one that goes on finds them. Measures nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.trees import one_side
from perfgate.backends.registry import BACKENDS
from perfgate.errors import ConfigurationError
from perfgate.records import Side, Tree
from perfgate.sides.checkout import Checkout, refuse_same_path
from perfgate.sides.git import Git
from perfgate.sides.proof import prove_sides
from perfgate.suite import OF_FRAMEWORKS, Case, Suite

_FOLDER = "bisect"


@dataclass(kw_only=True)
class Trees:
    """Checkouts of commits, made when they are first asked for.

    ``good`` is the commit that every other one has to differ from in what it imports. ``suite``
    says how to set up, the same for all of them. ``stack`` holds the environments.
    """

    git: Git
    suite: Suite
    case: Case
    edges: Edges
    folder: Path
    good: str
    stack: contextlib.ExitStack
    _ready: dict[str, Checkout] = field(default_factory=dict)

    def checkout(self, commit: str) -> Checkout:
        """The commit, ready to launch.

        Raises BenchmarkError where its setup fails, ConfigurationError where it cannot be checked
        out or would not run its own code.
        """
        if commit not in self._ready:
            self._ready[commit] = self._prepared(commit)
        return self._ready[commit]

    def remove(self) -> None:
        """Remove every tree and environment of this repository's searches."""
        self.stack.close()
        self._ready.clear()
        for path in sorted(self.folder.glob("*/tree")):
            self.git.asks("worktree", "remove", "--force", str(path))
        shutil.rmtree(self.folder, ignore_errors=True)
        self.git.asks("worktree", "prune")

    def _prepared(self, commit: str) -> Checkout:
        own = self.folder / commit[:20]
        path = own / "tree"
        self._check_out(commit, path)
        refuse_same_path(path, self.git.root)
        # An environment of its own for each commit: two of them may have the same lock files.
        edges = replace(self.edges, cache=own)
        backend = self.case.backend
        made = self.stack.enter_context(
            one_side(
                Side.BASE if commit == self.good else Side.HEAD,
                tree=Tree(commit=commit, ref=commit[:10]),
                suite=self.suite,
                path=path,
                frameworks={backend} if backend in OF_FRAMEWORKS else (),
                git=self.git,
                edges=edges,
            )
        )
        if commit != self.good and not BACKENDS[backend].proves_imports:
            good = self.checkout(self.good)
            prove_sides(good, made, imports=self.suite.imports, run=edges.run)
        return made

    def _check_out(self, commit: str, path: Path) -> None:
        """Make the work tree, or leave the one that an interrupted search has made."""
        there = Git(root=path, environ=self.git.environ)
        if (path / ".git").is_file() and _is_whole(there, commit):
            return
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        # A tree that is gone leaves its note behind, and git then refuses the path.
        self.git("worktree", "prune")
        add = ("worktree", "add", "--detach", "--force", "--quiet", str(path), commit)
        self.git(*add, timeout_s=600)


def _is_whole(tree: Git, commit: str) -> bool:
    """Whether the tree is the commit: no killed check-out, no file that a launch changed."""
    changed = tree.asks("status", "--porcelain", "--untracked-files=no")
    return tree.asks("rev-parse", "HEAD") == commit and changed == ""


@contextlib.contextmanager
def trees(git: Git, suite: Suite, case: Case, *, good: str, edges: Edges) -> Iterator[Trees]:
    """The trees of this repository, held by this search for as long as the block runs.

    They stay on disk after it. Raises ConfigurationError where another search holds them.
    """
    key = hashlib.sha256(os.fsencode(git.root)).hexdigest()[:20]
    folder = (edges.cache / _FOLDER / key).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.with_suffix(".lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise ConfigurationError(
            f"another search of this repository holds the work trees in {folder}",
            fix="Let it end, or give this one its own --cache-dir.",
        ) from error
    try:
        with contextlib.ExitStack() as stack:
            yield Trees(
                git=git,
                suite=suite,
                case=case,
                edges=edges,
                folder=folder,
                good=good,
                stack=stack,
            )
    finally:
        lock.release()
