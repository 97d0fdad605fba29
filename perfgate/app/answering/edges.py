"""What answering a comment needs from a real process: environment, clock, terminal, GitHub."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

from perfgate.app.answering.commands import AnswerRequest, answer
from perfgate.app.answering.scene import Place
from perfgate.app.publishing.edges import RealEdges
from perfgate.errors import ExitCode
from perfgate.github.event import Event, read_event
from perfgate.github.hearing import HearingApi

_WORKFLOW = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\.ya?ml")


def is_workflow(file: str) -> bool:
    """Whether this can be the name of a workflow's file."""
    return _WORKFLOW.fullmatch(file) is not None


def answer_here(environ: Mapping[str, str], *, suite: str, workflow: str, strict: bool) -> ExitCode:
    """Answer the comment that this process's event is about."""
    event = read_event(environ, lambda path: Path(path).read_text(encoding="utf-8"))
    token = environ.get("GITHUB_TOKEN", "")
    place = Place(
        repository=event.repository or "",
        url=f"{event.server_url}/{event.repository}",
        suite=suite,
        workflow=workflow,
        today=datetime.now(UTC).date(),
    )
    return answer(
        AnswerRequest(event=event, place=place, strict=strict),
        RealEdges(event),
        open_api=(lambda: _open(event, token)) if token else None,
    )


def _open(event: Event, token: str) -> AbstractContextManager[HearingApi]:
    from perfgate.github.answering import GitHubAnswering  # noqa: PLC0415 - PyGithub, for this

    return GitHubAnswering(token=token, repository=event.repository or "", api_url=event.api_url)
