"""Publishes a finished folder: summary and outputs, then comment and check run. Decides nothing.

What GitHub does or refuses never hides the verdict: it becomes a warning, and an exit code only
when that is asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from perfgate.app.publishing.check import write_check
from perfgate.app.publishing.comment import write_comment
from perfgate.app.publishing.request import (
    Edges,
    OpenChecks,
    OpenComments,
    PublishRequest,
    append,
    write_outputs,
)
from perfgate.errors import ConfigurationError, ExitCode
from perfgate.github.event import LOCAL
from perfgate.github.mode import mode_of
from perfgate.github.workflow import Kind, summary
from perfgate.records import Decision, parse_decision
from perfgate.report.conclusion import headline, outputs
from perfgate.report.draw import NOT_INSTALLED, can_draw
from perfgate.report.order import ordered_cases
from perfgate.report.pictures import CHARTS, Charts, chart_name
from perfgate.report.summary import render_summary

__all__ = ["Edges", "OpenComments", "PublishRequest", "find_charts", "publish", "read_decision"]

DECISION: Final = "decision.json"
# A folder may come from a fork's job as an artifact: nothing of ours comes near this size.
_MAX_DECISION_BYTES: Final = 20_000_000


def publish(
    request: PublishRequest,
    edges: Edges,
    *,
    open_comments: OpenComments | None,
    open_checks: OpenChecks | None = None,
) -> ExitCode:
    """Publish and return OK, or PUBLISH where that failed and ``strict`` asks for it.

    What the event does not call for is not done and has not failed. Both are None when there is
    no token. Raises ConfigurationError for a folder that holds no decision.
    """
    path = request.folder / DECISION
    decision = read_decision(path)
    _annotate(edges, decision)
    published = _write_results(request, edges, decision, path)
    mode = mode_of(request.event)
    if not mode.comments:
        edges.say("notice", mode.why)
        published = published and request.event.name != LOCAL
    elif request.comment != "never":
        published = write_comment(request, edges, decision, open_comments) and published
    if mode.checks:
        published = write_check(request, edges, decision, open_checks) and published
    return ExitCode.PUBLISH if request.strict and not published else ExitCode.OK


def read_decision(path: Path) -> Decision:
    """The folder's decision; raises ConfigurationError that names the file otherwise."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_DECISION_BYTES + 1)
        if len(data) > _MAX_DECISION_BYTES:
            raise ConfigurationError(
                f"{path} is larger than {_MAX_DECISION_BYTES} bytes",
                fix="Publish a folder that perfgate wrote.",
            )
        return parse_decision(data.decode("utf-8"), source=str(path))
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}",
            fix="Give the folder that `perfgate gate` wrote; if it wrote "
            "none, its own message says why.",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path} is not UTF-8 text", fix="Publish a folder that perfgate wrote."
        ) from error


def _annotate(edges: Edges, decision: Decision) -> None:
    """The headline where the run's page shows annotations; a success needs none."""
    if decision.conclusion == "success":
        return
    kind: Kind = "error" if decision.conclusion == "failure" else "notice"
    problem = decision.problem
    why = f"\n{problem.problem}\n{problem.fix}" if problem else ""
    edges.say(kind, headline(decision) + why)


def _write_results(request: PublishRequest, edges: Edges, decision: Decision, path: Path) -> bool:
    """The job summary and the outputs; false where the runner's files cannot be written."""
    try:
        if request.summary_file is not None:
            held = _size(request.summary_file)
            charts = find_charts(request.folder, decision)
            text = render_summary(decision, charts=charts, note=_note(request))
            append(request.summary_file, summary(text, already_bytes=held))
        shown = _below(path, request.event.workspace)
        write_outputs(request, edges, {**outputs(decision), "decision-path": shown})
    except OSError as error:
        edges.say(
            "warning",
            f"The job summary or the outputs could not be written: {error.strerror} "
            f"({error.filename}). Make room on the runner's disk.",
        )
        return False
    return True


def _note(request: PublishRequest) -> str:
    """Where a fork's result is commented, since it is not commented from here."""
    mode = mode_of(request.event)
    return mode.why if request.event.is_fork and not mode.comments else ""


def find_charts(folder: Path, decision: Decision) -> Charts:
    """The charts that lie in a finished folder, worst case first."""
    found = {
        case.id: name
        for case in ordered_cases(decision)
        if (folder / CHARTS / f"{(name := chart_name(case.id))}.svg").is_file()
    }
    measured = any(case.launches for case in decision.cases)
    notes = (NOT_INSTALLED,) if measured and not found and not can_draw() else ()
    return Charts(names=found, notes=notes)


def _below(path: Path, workspace: str | None) -> str:
    """The path as later steps can use it: they see the workspace at another place."""
    absolute = path.resolve()
    root = Path(workspace).resolve() if workspace else Path.cwd()
    return str(absolute.relative_to(root) if absolute.is_relative_to(root) else absolute)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
