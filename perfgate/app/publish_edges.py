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
from pathlib import Path
from typing import TextIO

from perfgate.app.publish import OpenComments, PublishRequest
from perfgate.github.comments import CommentApi
from perfgate.github.event import LOCAL, Event, read_event
from perfgate.github.patience import Patience
from perfgate.github.workflow import Kind, annotation
from perfgate.report.escape import plain


def read_request(
    environ: Mapping[str, str], *, folder: Path, comment: bool, strict: bool
) -> PublishRequest:
    """The request that the runner's environment describes."""
    return PublishRequest(
        folder=folder,
        event=read_event(environ, lambda path: Path(path).read_text(encoding="utf-8")),
        comment=comment,
        strict=strict,
        output_file=path_in(environ, "GITHUB_OUTPUT"),
        summary_file=path_in(environ, "GITHUB_STEP_SUMMARY"),
    )


def comments_opener(environ: Mapping[str, str], event: Event) -> OpenComments | None:
    """Opens GitHub with the token in GITHUB_TOKEN; None where there is none."""
    token = environ.get("GITHUB_TOKEN", "")
    return (lambda: _open(event, token)) if token else None


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


def _open(event: Event, token: str) -> AbstractContextManager[CommentApi]:
    # PyGithub is imported for a comment alone: without a token or a pull request nothing needs it.
    from perfgate.github.client import GitHubComments  # noqa: PLC0415

    return GitHubComments(token=token, repository=event.repository or "", api_url=event.api_url)


def path_in(environ: Mapping[str, str], variable: str) -> Path | None:
    """The path that a variable holds; None where it is unset or empty."""
    return Path(environ[variable]) if environ.get(variable) else None


def _sleep(seconds: float) -> None:
    _write(sys.stderr, f"GitHub is asked again in {seconds:.0f} s")
    time.sleep(seconds)


def _write(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()
