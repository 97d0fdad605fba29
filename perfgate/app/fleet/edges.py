"""What splitting and joining need from a real process: event, clock, the runner's output file."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from perfgate.app.comparison import Asked
from perfgate.app.fleet.files import matrix_of, read_plan
from perfgate.app.fleet.merge import Merged, MergeRequest, merge
from perfgate.app.fleet.plan import Runners, plan_fleet
from perfgate.app.publishing.edges import path_in
from perfgate.errors import PerfgateError
from perfgate.github.event import Event, read_event
from perfgate.github.workflow import output
from perfgate.records import FleetPlan
from perfgate.suite import Suite


def plan_here(asked: Asked, runners: Runners, environ: Mapping[str, str]) -> FleetPlan:
    """Split what this process's event is about. Raises what ``plan_fleet`` raises."""
    return plan_fleet(asked, runners, environ=environ, event=_event(environ))


def tell_matrix(plan: FleetPlan, environ: Mapping[str, str]) -> None:
    """Give the runner the plan as the output ``matrix``, where there is a runner."""
    file = path_in(environ, "GITHUB_OUTPUT")
    if file is not None:
        with file.open("a", encoding="utf-8") as stream:
            delimiter = f"perfgate-{secrets.token_hex(16)}"
            stream.write(output("matrix", matrix_of(plan), delimiter=delimiter))


def merge_here(request: MergeRequest, environ: Mapping[str, str]) -> Merged:
    """Join what the shards of this process's event left. Raises what ``merge`` raises."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return merge(request, environ=environ, event=_event(environ), now=now)


def suite_of(request: MergeRequest) -> str:
    """The plan's suite by name, or the default where the plan cannot be read."""
    try:
        return read_plan(request.plan).suite
    except PerfgateError:
        default: str = Suite.model_fields["name"].default
        return default


def _event(environ: Mapping[str, str]) -> Event:
    return read_event(environ, lambda path: Path(path).read_text(encoding="utf-8"))
