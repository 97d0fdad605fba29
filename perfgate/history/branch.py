"""A history on a branch of a repository's remote, which shares no commit with its code.

Work tree, index and HEAD of the repository are left alone: commits are built in a bare repository
of our own. A push that another job was faster than is built again on what that one left.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from perfgate.errors import ConfigurationError, PublishError
from perfgate.history.names import FOLDER
from perfgate.history.remote import reaching_origin
from perfgate.sides.git import Git

MAX_TRIES = 12
_FIRST_WAIT_S = 0.5
_MAX_WAIT_S = 20.0
_TRANSFER_TIMEOUT_S = 600
_AT_ONCE = 400
_REF = "refs/heads/history"
_AUTHOR = {
    "GIT_AUTHOR_NAME": "perfgate",
    "GIT_AUTHOR_EMAIL": "perfgate@noreply.invalid",
    "GIT_COMMITTER_NAME": "perfgate",
    "GIT_COMMITTER_EMAIL": "perfgate@noreply.invalid",
}
_LOST_THE_RACE = ("[rejected]", "cannot lock ref", "failed to update ref")
_AS_THEY_ARE = "* -text -eol -ident -filter -working-tree-encoding\n"
"""Overrules a .gitattributes on the branch: content has to stay what its name says."""

Changes = Callable[[Collection[str]], Mapping[str, str | None]]
"""What to change given the paths that are there: a blob by its path, None to take it away."""


@dataclass(kw_only=True)
class Branch:
    """Result files on ``branch`` of the remote origin of ``here``; ``scratch`` is ours to fill."""

    branch: str
    here: Git
    scratch: Path
    sleep: Callable[[float], None]
    _tip: str | None = field(default=None, init=False)

    @property
    def told(self) -> str:
        return f"branch:{self.branch}"

    @property
    def commit(self) -> str | None:
        """The newest commit that was seen or made; None before that."""
        return self._tip

    def names(self) -> tuple[str, ...]:
        self._fetch()
        return tuple(sorted(self._paths()))

    def add(self, files: Mapping[str, bytes]) -> tuple[str, ...]:
        blobs = self._blobs(files)
        return self._change(
            lambda there: {name: blob for name, blob in blobs.items() if name not in there},
            message="Add results",
        )

    def remove(self, names: Collection[str]) -> None:
        self._change(
            lambda there: {name: None for name in names if name in there},
            message="Remove what a finished month replaces",
        )

    @contextlib.contextmanager
    def files(self, names: Collection[str]) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            if self._tip is not None and names:
                git = self._with_index(f"{folder}/index", GIT_WORK_TREE=folder)
                git("read-tree", self._tip)
                for some in _chunks(dict.fromkeys(names)):
                    git("checkout-index", "--quiet", f"--prefix={folder}/files/", "--", *some)
            yield Path(folder, "files")

    @cached_property
    def _own(self) -> Git:
        """A bare repository that nobody else knows, with the other's remote."""
        root = self.scratch / "history.git"
        environ = {**reaching_origin(self.here), **_AUTHOR, "GIT_DIR": str(root)}
        # An address may be a path, which is meant from where the clone is.
        git = Git(root=self.here.root, environ=environ)
        git("init", "--quiet", "--bare", "--initial-branch=history")
        for setting in ("core.symlinks", "core.autocrlf"):
            git("config", setting, "false")
        (root / "info").mkdir(exist_ok=True)
        (root / "info" / "attributes").write_text(_AS_THEY_ARE, encoding="ascii")
        return git

    def _with_index(self, index: str, **environ: str) -> Git:
        own = self._own
        return Git(root=own.root, environ={**own.environ, "GIT_INDEX_FILE": index, **environ})

    def _fetch(self) -> None:
        """Bring the newest commit of the branch here, its files and nothing before it."""
        ref = f"refs/heads/{self.branch}"
        listed = self._own(
            "ls-remote", "--symref", "origin", "HEAD", ref, timeout_s=_TRANSFER_TIMEOUT_S
        )
        lines = [line.split("\t") for line in listed.splitlines()]
        if [f"ref: {ref}", "HEAD"] in lines:
            raise ConfigurationError(
                f"{self.branch} is the default branch, which a history would fill with results",
                fix="Give a branch of its own, for example branch:perfgate-data.",
            )
        tip = next((commit for commit, name in lines if name == ref), None)
        if tip is not None and tip != self._tip:
            arguments = ("--quiet", "--no-tags", "--depth=1", "origin", f"+{ref}:{_REF}")
            self._own("fetch", *arguments, timeout_s=_TRANSFER_TIMEOUT_S)
            tip = self._own("rev-parse", _REF).strip()
        self._tip = tip

    def _paths(self) -> set[str]:
        """Ordinary files of the history in the newest commit: no links, no modules."""
        if self._tip is None:
            return set()
        listed = self._own("ls-tree", "-r", "-z", self._tip, "--", f"{FOLDER}/")
        entries = (entry.partition("\t") for entry in listed.split("\0"))
        return {path for about, _, path in entries if about.startswith("100")}

    def _blobs(self, files: Mapping[str, bytes]) -> dict[str, str]:
        """Every file as an object of our repository, by its name."""
        ids: list[str] = []
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            paths = [str(Path(folder, str(number))) for number in range(len(files))]
            for path, content in zip(paths, files.values(), strict=True):
                Path(path).write_bytes(content)
            for some in _chunks(paths):
                ids += self._own("hash-object", "-w", "--no-filters", "--", *some).split()
        return dict(zip(files, ids, strict=True))

    def _change(self, changes: Changes, *, message: str) -> tuple[str, ...]:
        """Commit and push; what another job pushed meanwhile is kept."""
        for lost in range(MAX_TRIES):
            self._fetch()
            changed = changes(self._paths())
            if not changed:
                return ()
            commit = self._commit(changed, message=message)
            if self._push(commit):
                self._tip = commit
                return tuple(changed)
            wait_s = min(_MAX_WAIT_S, _FIRST_WAIT_S * 2**lost)
            self.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads jobs, no secret
        raise PublishError(
            f"other jobs pushed to {self.branch} before this one {MAX_TRIES} times in a row",
            fix="Run the same command again: what is there already is not added twice.",
        )

    def _commit(self, changed: Mapping[str, str | None], *, message: str) -> str:
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            git = self._with_index(f"{folder}/index", GIT_WORK_TREE=folder)
            git("read-tree", self._tip or "--empty")
            for some in _chunks(changed.items()):
                added = [f"100644,{blob},{path}" for path, blob in some if blob is not None]
                arguments = [part for one in added for part in ("--cacheinfo", one)]
                removed = [path for path, blob in some if blob is None]
                git("update-index", "--add", *arguments, "--force-remove", "--", *removed)
            tree = git("write-tree").strip()
            parent = ("-p", self._tip) if self._tip else ()
            return git("commit-tree", tree, *parent, "-m", message).strip()

    def _push(self, commit: str) -> bool:
        """Whether it was taken; False where another job was faster."""
        to = f"{commit}:refs/heads/{self.branch}"
        try:
            self._own("push", "--quiet", "origin", to, timeout_s=_TRANSFER_TIMEOUT_S)
        except ConfigurationError as error:
            if any(words in error.problem for words in _LOST_THE_RACE):
                return False
            raise PublishError(
                error.problem,
                fix="Let this job push: `contents: write`, and credentials that the checkout keeps "
                "or GITHUB_TOKEN; what is protected on the branch must let it.",
            ) from error
        return True


_Item = TypeVar("_Item")


def _chunks(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """As many as a command line holds."""
    rest = list(items)
    for first in range(0, len(rest), _AT_ONCE):
        yield rest[first : first + _AT_ONCE]
