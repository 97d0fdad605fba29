"""A repository's issues as values, and what is asked of GitHub about them.

Works on a Protocol, so that it runs in tests without a network; knows nothing of PyGithub.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from perfgate.github.comments import CommentApi

Change = Literal["completed", "not_planned", "duplicate", "reopened"]
"""Why an issue is closed or opened again, in GitHub's words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Issue:
    """An issue; ``author`` is empty when its account is gone.

    ``reason`` is GitHub's for the state, empty for none; ``closed_s`` is when it was closed, in
    seconds since 1970.
    """

    number: int
    url: str
    author: str
    title: str
    body: str
    is_open: bool
    reason: str = ""
    labels: frozenset[str] = frozenset()
    closed_s: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedCommit:
    """A commit as a comparison lists it: its whole message, and who wrote it, as an account."""

    sha: str
    message: str
    author: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Between:
    """The first commits between two, the oldest first, and how many there are."""

    commits: tuple[ListedCommit, ...]
    total: int


class IssueApi(CommentApi, Protocol):
    """What is asked of GitHub; every method raises GitHubError.

    To GitHub a pull request is an issue as well: a comment's methods take either number.
    """

    def issues(self, author: str) -> Iterator[Issue]:
        """Every issue that this account opened, closed ones too, the oldest first."""
        ...

    def open_issue(self, *, title: str, body: str, labels: Sequence[str]) -> Issue: ...

    def edit_issue(self, number: int, *, body: str, change: Change | None = None) -> Issue:
        """Give it this body; without a change it stays open or closed, as it is."""
        ...

    def between(self, base: str, head: str, *, most: int) -> Between:
        """At most so many of the commits that ``head`` has and ``base`` has not."""
        ...
