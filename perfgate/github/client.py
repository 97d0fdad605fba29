"""Asks GitHub through PyGithub, and turns all that can go wrong into GitHubError.

The only module that imports PyGithub. It never prints, never sleeps and never retries: the caller
repeats whole actions (see :func:`perfgate.github.problems.with_retries`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

import requests
from github import Auth, BadAttributeException, Github, GithubException, IncompletableObject

from perfgate.github.comments import Comment
from perfgate.github.problems import GitHubError, refused, unreachable, unreadable

if TYPE_CHECKING:
    from types import TracebackType

    from github.Issue import Issue
    from github.IssueComment import IssueComment

ACTIONS_BOT: Final = "github-actions[bot]"
_TIMEOUT_S: Final = 15
_PER_PAGE: Final = 100  # the API's maximum
_MAX_COMMENTS: Final = 5_000  # twice what GitHub allows: only a broken pager gets there
# GitHub asks for a second between writes; a comment is one write, so this is politeness.
_SECONDS_BETWEEN_WRITES: Final = 1.0

# PyGithub checks types with assert and indexes without looking: an answer that is cut off or of
# another shape surfaces as one of these. RuntimeError: a redirect to another host.
_UNREADABLE: Final = (
    BadAttributeException,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


class GitHubComments:
    """The comments of one repository; a context manager that closes its connections."""

    def __init__(
        self,
        *,
        token: str,
        repository: str,
        api_url: str,
        timeout_s: int = _TIMEOUT_S,
        seconds_between_writes: float = _SECONDS_BETWEEN_WRITES,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._repository = repository
        self._api_url = api_url
        self._now = now
        self._login: str | None = None
        self._issues: dict[int, Issue] = {}
        self._github = Github(
            auth=Auth.Token(token),
            base_url=api_url,
            timeout=timeout_s,
            per_page=_PER_PAGE,
            user_agent="perfgate",
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=seconds_between_writes,
            # Repository, pull request and comment are addresses here: fetching them tells nothing.
            lazy=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._github.close()

    def login(self) -> str:
        """The token's own account: GraphQL tells it for every kind of token, REST does not.

        Where GraphQL is refused or absent, the account of a job's own token is assumed.
        """
        if self._login is None:
            self._login = self._ask_login()
        return self._login

    def rights(self) -> tuple[tuple[str, ...], str | None]:
        """What the token's account may do with the repository, and a classic token's scopes."""
        with self._asking("asking what the token may do"):
            headers, found = self._github.requester.requestJsonAndCheck(
                "GET", f"/repos/{self._repository}"
            )
            told = found.get("permissions") or {}
            rights = tuple(sorted(str(name) for name, allowed in told.items() if allowed is True))
            return rights, headers.get("x-oauth-scopes")

    def comments(self, pull_request: int) -> Iterator[Comment]:
        with self._asking("listing the pull request's comments"):
            found = enumerate(self._issue(pull_request).get_comments())
        while True:
            with self._asking("listing the pull request's comments"):
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
        with self._asking("creating the comment"):
            return _comment(self._issue(pull_request).create_comment(body))

    def edit(self, pull_request: int, comment: Comment, body: str) -> Comment:
        with self._asking("updating the comment"):
            known = self._issue(pull_request).get_comment(comment.id)
            known.edit(body)
            return _comment(known)

    def _issue(self, number: int) -> Issue:
        if number not in self._issues:
            self._issues[number] = self._github.get_repo(self._repository).get_issue(number)
        return self._issues[number]

    def _ask_login(self) -> str:
        try:
            with self._asking("asking whose token this is"):
                _, answer = self._github.requester.graphql_query("query { viewer { login } }", {})
                login = answer["data"]["viewer"]["login"]
        except GitHubError as error:
            if error.status is not None and error.status < 500 and error.wait_s is None:
                return ACTIONS_BOT
            raise
        return login if isinstance(login, str) and login else ACTIONS_BOT

    @contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
        try:
            yield
        except IncompletableObject as error:
            raise unreadable(doing=doing, reason=type(error).__name__) from error
        except GithubException as error:
            raise refused(
                doing=doing,
                status=error.status,
                message=_message(error),
                headers={name.lower(): value for name, value in (error.headers or {}).items()},
                now=self._now(),
            ) from error
        except requests.exceptions.JSONDecodeError as error:
            raise unreadable(doing=doing, reason=type(error).__name__) from error
        except requests.RequestException as error:
            raise unreachable(
                doing=doing, api_url=self._api_url, reason=type(error).__name__
            ) from error
        except _UNREADABLE as error:
            raise unreadable(doing=doing, reason=type(error).__name__) from error


def _comment(comment: IssueComment) -> Comment:
    # GitHub gives null for the user of a deleted account, whatever PyGithub's types say.
    author: str | None = comment.user.login if comment.user else None
    if not isinstance(comment.id, int):
        raise TypeError("a comment without an id")
    return Comment(
        id=comment.id, author=author or "", body=comment.body or "", url=comment.html_url or ""
    )


def _message(error: GithubException) -> str:
    told = error.message or (error.data.get("message") if isinstance(error.data, dict) else None)
    return told if isinstance(told, str) else ""
