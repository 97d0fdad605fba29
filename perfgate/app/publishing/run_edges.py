"""What publishing a finished run needs from a real process: event, token, GitHub, finished folders.

Whatever GitHub refuses is a warning, and an exit code only when that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from perfgate.app.publishing.edges import RealEdges, publish_here, read_request
from perfgate.app.publishing.publish_run import PublishRun, publish_run
from perfgate.app.publishing.request import Policy, SuiteText
from perfgate.errors import ConfigurationError, ExitCode, PublishError
from perfgate.github.event import Event, read_event
from perfgate.github.runs import RunApi


def publish_run_here(
    environ: Mapping[str, str],
    *,
    suites: tuple[str, ...],
    output_dir: Path,
    comment: Policy,
    strict: bool,
) -> ExitCode:
    """Publish the run that this process's event names.

    Raises ConfigurationError where the event names none, where there is no token, and for a suite
    of the base that cannot be read.
    """
    event = read_event(environ, lambda path: Path(path).read_text(encoding="utf-8"))
    edges = RealEdges(event)
    token = environ.get("GITHUB_TOKEN", "")
    if not token:
        raise ConfigurationError(
            "there is no token, and a finished run is read through GitHub's API",
            fix="Leave the action's input github-token at its default, or set GITHUB_TOKEN.",
        )

    def publish_folder(folder: Path, about: Event, suite: SuiteText | None) -> ExitCode:
        asked = read_request(environ, folder=folder, comment=comment, strict=strict)
        return publish_here(replace(asked, event=about, suite=suite), edges, environ)

    request = PublishRun(event=event, suites=suites, output_dir=output_dir)
    try:
        with _open(event, token) as api:
            return publish_run(request, edges, api=api, publish_folder=publish_folder)
    except PublishError as error:
        edges.say("warning", f"The finished run could not be published. {error}")
        return ExitCode.PUBLISH if strict else ExitCode.OK


def _open(event: Event, token: str) -> AbstractContextManager[RunApi]:
    from perfgate.github.artifacts import GitHubRuns  # noqa: PLC0415 - PyGithub, for this alone

    return GitHubRuns(token=token, repository=event.repository or "", api_url=event.api_url)
