"""A repository's branches and pull requests as values, and what is asked of GitHub about them.

Works on a Protocol, so that it runs in tests without a network; knows nothing of PyGithub.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol

from perfgate.github.comments import CommentApi


@dataclass(frozen=True, kw_only=True, slots=True)
class Commit:
    """A commit: when it was committed (ISO 8601), its parents and its whole message."""

    sha: str
    date: str
    parents: tuple[str, ...]
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What a path in a tree names: a ``blob`` or a ``tree``, or something else, and its id."""

    kind: str
    sha: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What a head has since it left a base: for each path its blob, None where it was removed.

    ``whole`` is false where GitHub lists only a part of the files.
    """

    merge_base: str
    files: Mapping[str, str | None]
    whole: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class PullRequest:
    """A pull request between two branches of the repository.

    ``head_sha`` is the last commit of its branch; of a closed one, the last before it was closed.
    ``merged`` tells one that was closed by merging it.
    """

    number: int
    url: str
    title: str
    body: str
    is_open: bool
    draft: bool
    head_sha: str
    merged: bool = False


def blob_id(text: str) -> str:
    """The id that git gives a file with this text, https://git-scm.com/book/en/v2/Git-Internals."""
    content = text.encode()
    # Names content, protects nothing.
    named = hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False)
    return named.hexdigest()


class BranchApi(CommentApi, Protocol):
    """What is asked of GitHub; every method raises GitHubError.

    Two jobs at once are told apart by the branch alone: ``create_branch`` and ``move_branch``
    refuse what would lose somebody's commit, with an error that asks for another try.
    """

    def default_branch(self) -> str: ...

    def tip(self, branch: str) -> str | None:
        """The branch's last commit; None where there is no such branch."""
        ...

    def commit(self, sha: str) -> Commit | None:
        """The commit; None where the repository has none of this id."""
        ...

    def tree(self, sha: str) -> Mapping[str, Entry]:
        """The entries of a tree by name; ``sha`` may also be a commit's."""
        ...

    def text(self, blob: str) -> str:
        """The text of a blob; raises GitHubError for what is no UTF-8 text."""
        ...

    def compare(self, base: str, head: str) -> Difference:
        """What ``head`` changed since it and ``base`` parted."""
        ...

    def store(self, text: str) -> str:
        """The id of a blob with this text, which is made where there is none."""
        ...

    def make_commit(
        self, *, onto: str, files: Mapping[str, str | None], message: str, parents: Sequence[str]
    ) -> Commit:
        """A commit of ``onto``'s tree with these blobs in it; None removes a path.

        It is on no branch yet.
        """
        ...

    def create_branch(self, branch: str, sha: str) -> None:
        """A new branch; asks for another try where it exists by now."""
        ...

    def move_branch(self, branch: str, sha: str) -> None:
        """Forward only; asks for another try where the branch holds what ``sha`` does not."""
        ...

    def pull_requests(self, *, head: str, base: str) -> tuple[PullRequest, ...]:
        """Those from branch ``head`` to branch ``base``, closed ones too, the newest first."""
        ...

    def open_pull_request(
        self, *, head: str, base: str, title: str, body: str, draft: bool
    ) -> PullRequest:
        """Asks for another try where there is one by now."""
        ...

    def edit_pull_request(self, number: int, *, title: str, body: str) -> None: ...

    def set_draft(self, number: int, *, draft: bool) -> None: ...

    def set_open(self, number: int, *, is_open: bool) -> None: ...

    def request_reviews(
        self, number: int, *, users: Sequence[str], teams: Sequence[str]
    ) -> None: ...

    def add_labels(self, number: int, labels: Sequence[str]) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The files of one commit, asked for as they are needed, each tree once."""

    api: BranchApi
    commit: str
    _trees: dict[str, Mapping[str, Entry]] = field(default_factory=dict, repr=False)

    def blob(self, path: str) -> str | None:
        """The id of a file; None where the commit has no such file."""
        found = self._find(path)
        return found.sha if found is not None and found.kind == "blob" else None

    def text(self, path: str) -> str | None:
        """The text of a file; None where the commit has no such file."""
        blob = self.blob(path)
        return None if blob is None else self.api.text(blob)

    def folders(self, path: str) -> tuple[str, ...]:
        """The names of the folders in a folder; none where there is no such folder."""
        found = self._find(path)
        if found is None or found.kind != "tree":
            return ()
        return tuple(name for name, one in self._tree(found.sha).items() if one.kind == "tree")

    def _find(self, path: str) -> Entry | None:
        # Level by level: the whole tree of a large repository comes cut off.
        found = Entry(kind="tree", sha=self.commit)
        for name in PurePosixPath(path).parts:
            if found.kind != "tree":
                return None
            entry = self._tree(found.sha).get(name)
            if entry is None:
                return None
            found = entry
        return found

    def _tree(self, sha: str) -> Mapping[str, Entry]:
        if sha not in self._trees:
            self._trees[sha] = self.api.tree(sha)
        return self._trees[sha]
