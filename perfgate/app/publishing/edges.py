"""What publishing needs from a real process: environment, clock, chance, terminal, GitHub.

Reads no argument and decides nothing; tests of the use case pass other edges.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final, TextIO

from perfgate.app.publishing.publish import publish
from perfgate.app.publishing.request import (
    Edges,
    OpenChecks,
    OpenComments,
    Policy,
    PublishRequest,
    SuiteText,
)
from perfgate.errors import ConfigurationError, ExitCode
from perfgate.github.checks import CheckApi
from perfgate.github.comments import CommentApi
from perfgate.github.event import LOCAL, Event, read_event
from perfgate.github.keys import is_key
from perfgate.github.patience import Patience
from perfgate.github.workflow import Kind, annotation
from perfgate.report.escape import plain

_MAX_SUITE_BYTES: Final = 1_000_000


def read_request(
    environ: Mapping[str, str],
    *,
    folder: Path,
    comment: Policy,
    strict: bool,
    key: str = "",
    suite: str = "",
) -> PublishRequest:
    """The request that the runner's environment describes; ``suite`` is from the root.

    Raises ConfigurationError for a key that is none.
    """
    if key and not is_key(key):
        raise ConfigurationError(
            f"the key {plain(key, limit=60)} cannot stand in a comment or a check run's name",
            fix="Give 40 letters, digits, dots, underscores and single hyphens at most.",
        )
    return PublishRequest(
        folder=folder,
        event=read_event(environ, lambda path: Path(path).read_text(encoding="utf-8")),
        comment=comment,
        key=key,
        suite=_suite_text(suite, environ),
        strict=strict,
        output_file=path_in(environ, "GITHUB_OUTPUT"),
        summary_file=path_in(environ, "GITHUB_STEP_SUMMARY"),
    )


def publish_here(request: PublishRequest, edges: Edges, environ: Mapping[str, str]) -> ExitCode:
    """Publish with the token in GITHUB_TOKEN; raises what :func:`publish` raises."""
    return publish(
        request,
        edges,
        open_comments=comments_opener(environ, request.event),
        open_checks=_checks_opener(environ, request.event),
    )


def comments_opener(environ: Mapping[str, str], event: Event) -> OpenComments | None:
    """Opens GitHub with the token in GITHUB_TOKEN; None where there is none."""
    token = environ.get("GITHUB_TOKEN", "")
    return (lambda: _open_comments(event, token)) if token else None


def _checks_opener(environ: Mapping[str, str], event: Event) -> OpenChecks | None:
    token = environ.get("GITHUB_TOKEN", "")
    return (lambda: _open_checks(event, token)) if token else None


def _suite_text(path: str, environ: Mapping[str, str]) -> SuiteText | None:
    """The suite file of the checkout, if there is one; a gate has told what is wrong with it."""
    if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        return None
    here = Path.cwd()
    workspace = environ.get("GITHUB_WORKSPACE")
    roots = (one for one in (here, *here.parents) if (one / ".git").exists())
    root = next(roots, Path(workspace) if workspace else here)
    try:
        with (root / path).open("rb") as stream:
            data = stream.read(_MAX_SUITE_BYTES + 1)
    except OSError:
        return None
    if len(data) > _MAX_SUITE_BYTES:
        return None
    return SuiteText(path=path, text=data.decode("utf-8", "replace"))


class RealEdges:
    """Clock, chance and terminal; annotations on a runner, plain lines elsewhere."""

    def __init__(self, event: Event) -> None:
        self._on_runner = event.name != LOCAL
        self._patience = Patience(sleep=_sleep, draw=secrets.SystemRandom().random)

    def say(self, kind: Kind, message: str) -> None:
        if self._on_runner:
            tell_runner(kind, message)
        else:
            _write(sys.stderr, f"{kind}: {plain(message, limit=2000)}")

    def now(self) -> str:
        return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")

    def sleep(self, seconds: float) -> None:
        """One budget for all pauses of the job; raises OutOfPatience where it is spent."""
        self._patience(seconds)

    def token_hex(self) -> str:
        return secrets.token_hex(16)


def tell_runner(kind: Kind, message: str) -> None:
    """An annotation on the run's page; the runner reads it from standard output."""
    _write(sys.stdout, annotation(kind, message))


def _open_comments(event: Event, token: str) -> AbstractContextManager[CommentApi]:
    # PyGithub is imported for a comment alone: without a token or a pull request nothing needs it.
    from perfgate.github.client import GitHubComments  # noqa: PLC0415

    return GitHubComments(token=token, repository=event.repository or "", api_url=event.api_url)


def _open_checks(event: Event, token: str) -> AbstractContextManager[CheckApi]:
    from perfgate.github.check_runs import GitHubChecks  # noqa: PLC0415 - see above

    return GitHubChecks(
        token=token, repository=event.repository or "", api_url=event.api_url, lazy=True
    )


def path_in(environ: Mapping[str, str], variable: str) -> Path | None:
    """The path that a variable holds; None where it is unset or empty."""
    return Path(environ[variable]) if environ.get(variable) else None


def _sleep(seconds: float) -> None:
    _write(sys.stderr, f"GitHub is asked again in {seconds:.0f} s")
    time.sleep(seconds)


def _write(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()
