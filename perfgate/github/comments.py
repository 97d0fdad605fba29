"""One comment per pull request and suite: found by marker and author, updated in place.

Works on a Protocol, so that it runs in tests without a network; knows nothing of PyGithub.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from perfgate.github.problems import GitHubError

ACTIONS_BOT: Final = "github-actions[bot]"
"""The account of a job's own token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comment:
    """A comment on a pull request; ``author`` is empty when its account is gone."""

    id: int
    author: str
    body: str
    url: str


class CommentApi(Protocol):
    """What is asked of GitHub; every method raises GitHubError."""

    def login(self) -> str:
        """The account that the token writes as."""
        ...

    def comments(self, pull_request: int) -> Iterator[Comment]:
        """Every comment, oldest first, through all pages."""
        ...

    def create(self, pull_request: int, body: str) -> Comment: ...

    def edit(self, pull_request: int, comment: Comment, body: str) -> Comment: ...

    def delete(self, pull_request: int, comment: Comment) -> None:
        """Remove it; it is well when somebody else did so first."""
        ...


def upsert(
    api: CommentApi,
    *,
    pull_request: int,
    is_ours: Callable[[str], bool],
    render: Callable[[str | None], str],
) -> Comment:
    """Write the comment, given what ``render`` makes of the earlier body (None: there is none).

    Safe to repeat after a lost answer, and beside another job that does the same: there is one
    comment in the end. The first of several is kept up to date, the later ones are removed.
    """
    found = _ours(api, pull_request, is_ours)
    if found:
        try:
            return _keep_first(api, pull_request, found, render)
        except GitHubError as error:
            if error.status != 404:  # somebody deleted it since it was found
                raise
    made = api.create(pull_request, render(None))
    # Two jobs at once both found none: the later one of them sees both comments.
    found = _ours(api, pull_request, is_ours) or [made]
    if found[0].id != made.id:
        return _keep_first(api, pull_request, found, render)
    for one in found[1:]:
        api.delete(pull_request, one)
    return made


def find(api: CommentApi, *, pull_request: int, is_ours: Callable[[str], bool]) -> Comment | None:
    """The first comment of ours, which :func:`upsert` keeps up to date."""
    return next(iter(_ours(api, pull_request, is_ours)), None)


def _keep_first(
    api: CommentApi,
    pull_request: int,
    found: Sequence[Comment],
    render: Callable[[str | None], str],
) -> Comment:
    first, *later = found
    body = render(first.body)
    kept = first if first.body == body else api.edit(pull_request, first, body)
    for one in later:
        api.delete(pull_request, one)
    return kept


def _ours(api: CommentApi, pull_request: int, is_ours: Callable[[str], bool]) -> list[Comment]:
    """Those whose body is ours and that our own account wrote, oldest first.

    Both are needed: anybody can copy a marker, and other tools write with the same account.
    """
    author = api.login()
    return [
        comment
        for comment in api.comments(pull_request)
        if comment.author == author and is_ours(comment.body)
    ]
