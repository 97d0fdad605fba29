"""One connection to GitHub through PyGithub, and all that can go wrong as GitHubError.

Never prints, never sleeps and never retries: the caller repeats whole actions (see
:func:`perfgate.github.problems.with_retries`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self, TypeVar

import requests
from github import Auth, BadAttributeException, Github, GithubException, IncompletableObject

from perfgate.github.comments import ACTIONS_BOT
from perfgate.github.problems import PERMISSION, GitHubError, refused, unreachable, unreadable

if TYPE_CHECKING:
    from types import TracebackType

_Value = TypeVar("_Value")

TIMEOUT_S: Final = 15
_PER_PAGE: Final = 100  # the API's maximum
# GitHub asks for a second between writes: https://docs.github.com/en/rest/using-the-rest-api
SECONDS_BETWEEN_WRITES: Final = 1.0

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


class Session:
    """A token's view of one repository; a context manager that closes its connections.

    ``lazy`` makes PyGithub take objects for addresses, which saves requests where only comments
    are written; what edits a git ref must not use it (PyGithub would edit at another address).
    """

    def __init__(
        self,
        *,
        token: str,
        repository: str,
        api_url: str,
        lazy: bool,
        timeout_s: int = TIMEOUT_S,
        seconds_between_writes: float = SECONDS_BETWEEN_WRITES,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.repository = repository
        self._api_url = api_url
        self._now = now
        self._login: str | None = None
        self.github = Github(
            auth=Auth.Token(token),
            base_url=api_url,
            timeout=timeout_s,
            per_page=_PER_PAGE,
            user_agent="perfgate",
            retry=None,
            seconds_between_requests=0,
            seconds_between_writes=seconds_between_writes,
            lazy=lazy,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.github.close()

    def login(self) -> str:
        """The token's own account: GraphQL tells it for every kind of token, REST does not.

        Where GraphQL is refused or absent, the account of a job's own token is assumed.
        """
        if self._login is None:
            self._login = self._ask_login()
        return self._login

    def _ask_login(self) -> str:
        try:
            with self.asking("asking whose token this is"):
                _, answer = self.github.requester.graphql_query("query { viewer { login } }", {})
                login = answer["data"]["viewer"]["login"]
        except GitHubError as error:
            if error.status is not None and error.status < 500 and error.wait_s is None:
                return ACTIONS_BOT
            raise
        return login if isinstance(login, str) and login else ACTIONS_BOT

    @contextmanager
    def asking(self, doing: str, *, permission: str = PERMISSION) -> Iterator[None]:
        """Turns what goes wrong inside into GitHubError; ``permission`` is what doing it takes."""
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
                permission=permission,
            ) from error
        except requests.exceptions.JSONDecodeError as error:
            raise unreadable(doing=doing, reason=type(error).__name__) from error
        except requests.RequestException as error:
            raise unreachable(
                doing=doing, api_url=self._api_url, reason=type(error).__name__
            ) from error
        except _UNREADABLE as error:
            raise unreadable(doing=doing, reason=type(error).__name__) from error


def known(value: object, kind: type[_Value]) -> _Value:
    """A field of an answer; raises TypeError where it is missing, which PyGithub gives as None."""
    if not isinstance(value, kind):
        raise TypeError(f"{type(value).__name__} instead of {kind.__name__}")
    return value


def _message(error: GithubException) -> str:
    data = error.data if isinstance(error.data, dict) else {}
    details = data.get("errors")
    # "Validation Failed" alone says nothing; what failed stands beside it.
    told = [error.message or data.get("message")] + [
        one.get("message") or f"{one.get('field', '')} {one.get('code', '')}".strip()
        if isinstance(one, dict)
        else one
        for one in (details if isinstance(details, list) else ())
    ]
    return ": ".join(one for one in told if isinstance(one, str) and one)
