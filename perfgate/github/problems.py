"""What went wrong with GitHub, told as a PublishError with the step that mends it. Pure.

Also decides whether asking again can help, and after how long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from perfgate.errors import PublishError
from perfgate.github.patience import OutOfPatience

_Result = TypeVar("_Result")

PERMISSION: Final = "pull-requests: write"
CONTENTS: Final = "contents: write"
_MAX_MESSAGE_CHARS: Final = 200
_BY_MESSAGE: Final = {
    "not permitted to create": (
        "Switch on 'Allow GitHub Actions to create and approve pull requests' in the settings of "
        "the repository or the organisation (Actions, General), or give the input github-token "
        "the token of a GitHub App."
    ),
    "issues has been disabled": (
        "Switch on issues in the settings of the repository, or leave the tracking out."
    ),
    "issues are disabled": (
        "Switch on issues in the settings of the repository, or leave the tracking out."
    ),
    "locked": "Unlock the pull request's conversation, or run with comment: false.",
}
_LATER: Final = (
    "Run the job again later, or `perfgate publish` on its folder; the verdict is in the log, "
    "the job summary and decision.json."
)
_AT_ONCE: Final = "Another job changed the same at the same time: run this one again."
# GitHub's rule for a limit that names no time: a minute at least, and twice as long each time.
_LIMIT_PAUSE_S: Final = 60.0


class GitHubError(PublishError):
    """A PublishError that knows its HTTP status and whether another try can help.

    ``wait_s`` is None when it cannot, 0 when GitHub names no time, else what it asks for;
    ``pause_s`` is the first pause where it names none.
    """

    def __init__(
        self,
        problem: str,
        *,
        fix: str,
        status: int | None = None,
        wait_s: float | None = None,
        pause_s: float = 1.0,
    ) -> None:
        super().__init__(problem, fix=fix)
        self.status = status
        self.wait_s = wait_s
        self.pause_s = pause_s


def refused(
    *,
    doing: str,
    status: int,
    message: str,
    headers: Mapping[str, str],
    now: float,
    permission: str = PERMISSION,
) -> GitHubError:
    """The error for an answer of ``status``; ``headers`` have lower-case names."""
    said = f"GitHub answered {status} on {doing}" + (
        f": {told}" if (told := short(message)) else ""
    )
    if _is_rate_limit(status, message, headers):
        wait_s = _asked_wait(headers, now)
        when = f" It asks for {math.ceil(wait_s)} s of patience." if wait_s else ""
        return GitHubError(
            f"{said}. The token's rate limit is used up.{when}",
            fix=_LATER,
            status=status,
            wait_s=wait_s,
            pause_s=_LIMIT_PAUSE_S,
        )
    if status >= 500:
        return GitHubError(said, fix=_LATER, status=status, wait_s=_asked_wait(headers, now))
    if status == 409 and "empty" not in message.lower():
        return GitHubError(said, fix=_AT_ONCE, status=status, wait_s=0.0)
    return GitHubError(said, fix=_fix(status, message, permission), status=status)


def unreachable(*, doing: str, api_url: str, reason: str) -> GitHubError:
    """The error for no answer at all: refused, reset, or too slow."""
    return GitHubError(
        f"GitHub's API at {api_url} could not be reached on {doing}: {short(reason)}",
        fix=f"Check that this runner reaches {api_url}. {_LATER}",
        wait_s=0.0,
    )


def unreadable(*, doing: str, reason: str) -> GitHubError:
    """The error for an answer that is cut off or is not what the API promises."""
    return GitHubError(
        f"GitHub's answer on {doing} could not be read: {short(reason)}",
        fix=f"If GITHUB_API_URL names a proxy, see that it passes answers whole. {_LATER}",
        wait_s=0.0,
    )


def with_retries(
    action: Callable[[], _Result],
    *,
    sleep: Callable[[float], None],
    attempts: int = 4,
    longest_wait_s: float = 60.0,
) -> _Result:
    """The action's result, asked again while that can help; no pause is longer than the bound.

    Ours instead of PyGithub's, which repeats a POST blindly (two comments after one lost answer)
    and sleeps for an hour on a rate limit. The action here is a whole look-up-then-write. A
    ``sleep`` that raises OutOfPatience ends it, as :class:`perfgate.github.patience.Patience` does
    where the job's budget is spent.
    """
    for attempt in range(1, attempts):
        try:
            return action()
        except GitHubError as error:
            if error.wait_s is None:
                raise
            pause_s = error.wait_s or error.pause_s * 2.0 ** (attempt - 1)
            if pause_s > longest_wait_s or not _slept(sleep, pause_s):
                raise
    return action()


def _slept(sleep: Callable[[float], None], pause_s: float) -> bool:
    try:
        sleep(pause_s)
    except OutOfPatience:
        return False
    return True


def short(text: str) -> str:
    """``text`` on one line without control characters, cut where it stops being useful."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _MAX_MESSAGE_CHARS else line[: _MAX_MESSAGE_CHARS - 1] + "…"


def _fix(status: int, message: str, permission: str) -> str:
    if status == 401:
        return (
            "Give the input github-token a token that is valid; the default is the job's own, "
            "which ends with the job. "
            f"It takes `permissions: {permission}`."
        )
    for words, fix in _BY_MESSAGE.items():
        if words in message.lower():
            return fix
    if status == 403:
        return (
            f"Grant the job `permissions: {permission}`. The token of a pull request from a fork "
            "is read-only whatever is granted; the verdict stands in the job summary "
            "(perfgate's docs/forks.md)."
        )
    if status == 404:
        return (
            f"Grant the job `permissions: {permission}` (GitHub says 404 for what a token may not "
            "see), and check that the pull request is in this repository."
        )
    if status == 422:
        return (
            "GitHub's words above say what it does not take. A comment: delete old ones if the "
            "pull request has thousands, or run with comment: false."
        )
    return _LATER


def _is_rate_limit(status: int, message: str, headers: Mapping[str, str]) -> bool:
    # https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api: 403 or 429,
    # with retry-after, or x-ratelimit-remaining 0, or neither and only the message to tell.
    if status == 429:
        return True
    return status == 403 and (
        "retry-after" in headers
        or headers.get("x-ratelimit-remaining") == "0"
        or "rate limit" in message.lower()
    )


def _asked_wait(headers: Mapping[str, str], now: float) -> float:
    after = headers.get("retry-after", "")
    if after.isdecimal() and len(after) < 10:
        return float(after)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal() and len(reset) < 15:
        return max(0.0, float(reset) - now) + 1.0
    return 0.0
