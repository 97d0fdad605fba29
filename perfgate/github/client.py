"""The comments of one repository, asked of GitHub through PyGithub."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from perfgate.github.comments import Comment
from perfgate.github.problems import GitHubError, unreadable
from perfgate.github.session import SECONDS_BETWEEN_WRITES, TIMEOUT_S, Session, known

if TYPE_CHECKING:
    from github.Issue import Issue
    from github.IssueComment import IssueComment

_MAX_COMMENTS: Final = 5_000  # twice what GitHub allows: only a broken pager gets there


class GitHubComments(Session):
    """The comments of one repository; a context manager that closes its connections."""

    def __init__(
        self,
        *,
        token: str,
        repository: str,
        api_url: str,
        timeout_s: int = TIMEOUT_S,
        seconds_between_writes: float = SECONDS_BETWEEN_WRITES,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            token=token,
            repository=repository,
            api_url=api_url,
            timeout_s=timeout_s,
            seconds_between_writes=seconds_between_writes,
            now=now,
            # Repository, pull request and comment are addresses here: fetching them tells nothing.
            lazy=True,
        )
        self._issues: dict[int, Issue] = {}

    def rights(self) -> tuple[tuple[str, ...], str | None]:
        """What the token's account may do with the repository, and a classic token's scopes."""
        with self.asking("asking what the token may do"):
            headers, found = self.github.requester.requestJsonAndCheck(
                "GET", f"/repos/{self.repository}"
            )
            told = found.get("permissions") or {}
            rights = tuple(sorted(str(name) for name, allowed in told.items() if allowed is True))
            return rights, headers.get("x-oauth-scopes")

    def comments(self, pull_request: int) -> Iterator[Comment]:
        with self.asking("listing the pull request's comments"):
            found = enumerate(self._issue(pull_request).get_comments())
        while True:
            with self.asking("listing the pull request's comments"):
                index, comment = next(found, (0, None))
                value = None if comment is None else _comment(comment)
            if value is None:
                return
            if index >= _MAX_COMMENTS:
                raise unreadable(
                    doing="listing the pull request's comments", reason="the pages have no end"
                )
            yield value

    def create(self, pull_request: int, body: str) -> Comment:
        with self.asking("creating the comment"):
            return _comment(self._issue(pull_request).create_comment(body))

    def edit(self, pull_request: int, comment: Comment, body: str) -> Comment:
        with self.asking("updating the comment"):
            known = self._issue(pull_request).get_comment(comment.id)
            known.edit(body)
            return _comment(known)

    def delete(self, pull_request: int, comment: Comment) -> None:
        try:
            with self.asking("removing a second comment"):
                self._issue(pull_request).get_comment(comment.id).delete()
        except GitHubError as error:
            if error.status != 404:
                raise

    def _issue(self, number: int) -> Issue:
        if number not in self._issues:
            self._issues[number] = self.github.get_repo(self.repository).get_issue(number)
        return self._issues[number]


def _comment(comment: IssueComment) -> Comment:
    # GitHub gives null for the user of a deleted account, whatever PyGithub's types say.
    author: str | None = comment.user.login if comment.user else None
    return Comment(
        id=known(comment.id, int),
        author=author or "",
        body=comment.body or "",
        url=comment.html_url or "",
    )
