"""One comment per pull request and suite: found by marker and author, updated in place.

Works on a Protocol, so that it runs in tests without a network; knows nothing of PyGithub.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


def upsert(
    api: CommentApi,
    *,
    pull_request: int,
    is_ours: Callable[[str], bool],
    render: Callable[[str | None], str],
) -> Comment:
    """Write the comment, given what ``render`` makes of the earlier body (None: there is none).

    Safe to repeat after a lost answer: a comment that did arrive is found and edited. When there
    are several of ours, from two jobs at once, the first one is kept up to date.
    """
    found = find(api, pull_request=pull_request, is_ours=is_ours)
    body = render(found.body if found else None)
    if found is not None and found.body == body:
        return found
    if found is not None:
        try:
            return api.edit(pull_request, found, body)
        except GitHubError as error:
            if error.status != 404:  # somebody deleted it since it was found
                raise
    return api.create(pull_request, body)


def find(api: CommentApi, *, pull_request: int, is_ours: Callable[[str], bool]) -> Comment | None:
    """The first comment whose body is ours and that our own account wrote.

    Both are needed: anybody can copy a marker, and other tools write with the same account.
    """
    author = api.login()
    return next(
        (
            comment
            for comment in api.comments(pull_request)
            if comment.author == author and is_ours(comment.body)
        ),
        None,
    )
