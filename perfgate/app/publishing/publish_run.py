"""Publishes another workflow's finished run, judged anew; checks out and runs nothing of it.

Where it is not certain which pull request a run was for, nothing is published, and the log says
why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TypeAlias

from perfgate.app.outputs import prepare_folder, write_folder
from perfgate.app.publishing.finished_run import Findings, Judged, judge_run
from perfgate.app.publishing.request import Edges, SuiteText
from perfgate.errors import ConfigurationError, ExitCode
from perfgate.github.event import Event
from perfgate.github.problems import with_retries
from perfgate.github.runs import RunApi

PublishFolder: TypeAlias = Callable[[Path, Event, SuiteText | None], ExitCode]
"""Publishes a finished folder about an event, with the suite file as the change has it."""


@dataclass(frozen=True, kw_only=True)
class PublishRun:
    """What to publish: the suites, as paths in the base's tree, and where their folders go."""

    event: Event
    suites: tuple[str, ...]
    output_dir: Path


def publish_run(
    request: PublishRun, edges: Edges, *, api: RunApi, publish_folder: PublishFolder
) -> ExitCode:
    """Publish every suite of the run under its own name; the worst code of ``publish_folder``.

    OK where there is nothing to publish. Raises ConfigurationError for an event that names no run
    and for a suite of the base that cannot be read, GitHubError.
    """
    event, run = request.event, request.event.finished
    if run is None:
        raise ConfigurationError(
            f"the event {event.name} names no finished run",
            fix="Run this in a workflow on `workflow_run`, as perfgate's docs/forks.md shows.",
        )
    found = with_retries(
        lambda: judge_run(
            run,
            api,
            repository=event.repository or "",
            suites=request.suites,
            today=date.fromisoformat(edges.now()[:10]),
        ),
        sleep=edges.sleep,
    )
    _tell(found, edges)
    if found.target is None:
        return ExitCode.OK
    about = replace(
        event,
        pull_request=found.target.number,
        head_sha=found.target.head_sha,
        base_sha=found.target.base_sha,
        base_ref=found.target.base_ref,
        labels=found.target.labels,
        is_fork=run.head_repository.lower() != (event.repository or "").lower(),
    )
    codes = [
        publish_folder(folder, about, one.suite)
        for folder, one in _written(found, request.output_dir)
    ]
    return max(codes, default=ExitCode.OK)


def _tell(found: Findings, edges: Edges) -> None:
    for why in found.refused:
        edges.say("warning", f"Not used: {why}.")
    nothing = "Nothing is published: " if not found.judged else ""
    for note in found.notes:
        edges.say("notice", f"{nothing}{note}.")


def _written(found: Findings, output_dir: Path) -> list[tuple[Path, Judged]]:
    """A finished folder for each decision: the one that was asked for, or folders in it."""
    several = len(found.judged) > 1
    folders = []
    for number, one in enumerate(found.judged, start=1):
        folder = output_dir / str(number) if several else output_dir
        prepare_folder(folder)
        write_folder(folder, one.decision, one.record)
        folders.append((folder, one))
    return folders
