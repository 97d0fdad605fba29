"""``perfgate publish``: reads arguments and the runner's environment, and hands them on."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import click

from perfgate.app import publish as use_case
from perfgate.github.comments import CommentApi
from perfgate.github.event import LOCAL, Event, read_event
from perfgate.github.workflow import Kind, annotation
from perfgate.report.escape import plain

_EPILOG = """\b
Examples:
  perfgate publish perfgate-out                   in a GitHub Actions step
  perfgate publish --no-comment perfgate-out      job summary and outputs only
  perfgate publish --strict-publish perfgate-out  exit 6 when it cannot be commented
"""


@click.command(epilog=_EPILOG)
@click.argument(
    "folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False)
)
@click.option(
    "--comment/--no-comment",
    default=True,
    show_default=True,
    help="Write the pull request's comment.",
)
@click.option(
    "--strict-publish",
    is_flag=True,
    help="Exit with 6 when the result could not be published as asked.",
)
def publish(folder: Path, *, comment: bool, strict_publish: bool) -> int:
    """Publish the finished folder DIR: job summary, outputs, then the pull request's comment.

    Reads what GitHub Actions sets (GITHUB_EVENT_PATH and its like) and the token in GITHUB_TOKEN,
    which needs `pull-requests: write`. The exit code is 0 whatever the verdict is: that was the
    exit code of the gate.
    """
    environ = dict(os.environ)
    event = read_event(environ, lambda path: Path(path).read_text(encoding="utf-8"))
    request = use_case.PublishRequest(
        folder=folder,
        event=event,
        comment=comment,
        strict=strict_publish,
        output_file=_path(environ, "GITHUB_OUTPUT"),
        summary_file=_path(environ, "GITHUB_STEP_SUMMARY"),
    )
    token = environ.get("GITHUB_TOKEN", "")
    return use_case.publish(
        request,
        _Edges(in_actions=event.name != LOCAL),
        open_comments=(lambda: _open(event, token)) if token else None,
    )


class _Edges:
    """Clock, chance and terminal."""

    def __init__(self, *, in_actions: bool) -> None:
        self._in_actions = in_actions

    def say(self, kind: Kind, message: str) -> None:
        if self._in_actions:
            click.echo(annotation(kind, message))
        else:
            click.echo(f"{kind}: {plain(message, limit=2000)}", err=True)

    def now(self) -> str:
        return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")

    def sleep(self, seconds: float) -> None:
        click.echo(f"GitHub is asked again in {seconds:.0f} s", err=True)
        time.sleep(seconds)

    def token_hex(self) -> str:
        return secrets.token_hex(16)


def _open(event: Event, token: str) -> AbstractContextManager[CommentApi]:
    # PyGithub is imported for a comment alone: without a token or a pull request nothing needs it.
    from perfgate.github.client import GitHubComments  # noqa: PLC0415

    return GitHubComments(token=token, repository=event.repository or "", api_url=event.api_url)


def _path(environ: Mapping[str, str], variable: str) -> Path | None:
    return Path(environ[variable]) if environ.get(variable) else None
