"""Publishes a finished folder: summary and outputs first, then the comment. Decides nothing.

What GitHub does or refuses never hides the verdict: it becomes a warning, and an exit code only
when that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from perfgate.errors import ConfigurationError, ExitCode, PublishError
from perfgate.github.comments import CommentApi, upsert
from perfgate.github.event import LOCAL, Event
from perfgate.github.problems import with_retries
from perfgate.github.workflow import Kind, output, summary
from perfgate.records import Decision, parse_decision
from perfgate.report.answers import read_answers
from perfgate.report.comment import Links, belongs_to, read_history, render_comment
from perfgate.report.conclusion import headline, outputs
from perfgate.report.draw import NOT_INSTALLED, can_draw
from perfgate.report.order import ordered_cases
from perfgate.report.pictures import CHARTS, Charts, chart_name
from perfgate.report.summary import render_summary

DECISION: Final = "decision.json"
# A folder may come from a fork's job as an artifact: nothing of ours comes near this size.
_MAX_DECISION_BYTES: Final = 20_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishRequest:
    """What to publish, and where the runner reads results (None outside of Actions)."""

    folder: Path
    event: Event
    comment: bool = True
    strict: bool = False
    output_file: Path | None = None
    summary_file: Path | None = None


class Edges(Protocol):
    """What publishing needs from outside: ``say`` tells the user, ``token_hex`` is random."""

    def say(self, kind: Kind, message: str) -> None: ...

    def now(self) -> str: ...

    def sleep(self, seconds: float) -> None: ...

    def token_hex(self) -> str: ...


OpenComments = Callable[[], AbstractContextManager[CommentApi]]


def publish(
    request: PublishRequest, edges: Edges, *, open_comments: OpenComments | None
) -> ExitCode:
    """Publish and return OK, or PUBLISH where that failed and ``strict`` asks for it.

    ``open_comments`` is None when there is no token. Raises ConfigurationError for a folder that
    holds no decision.
    """
    path = request.folder / DECISION
    decision = read_decision(path)
    _annotate(edges, decision)
    published = _write_results(request, edges, decision, path)
    if request.comment:
        published = _write_comment(request, edges, decision, open_comments) and published
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
            text = render_summary(decision, charts=find_charts(request.folder, decision))
            _append(request.summary_file, summary(text, already_bytes=held))
        shown = _below(path, request.event.workspace)
        _write_outputs(request, edges, {**outputs(decision), "decision-path": shown})
    except OSError as error:
        edges.say(
            "warning",
            f"The job summary or the outputs could not be written: {error.strerror} "
            f"({error.filename}). Make room on the runner's disk.",
        )
        return False
    return True


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


def _write_comment(
    request: PublishRequest, edges: Edges, decision: Decision, open_comments: OpenComments | None
) -> bool:
    number = request.event.pull_request
    if number is None:
        edges.say("notice", _no_pull_request(request.event))
        return False
    if open_comments is None:
        edges.say(
            "notice",
            f"No comment on pull request {number}: there is no token. Leave the action's input "
            "github-token at its default, or set GITHUB_TOKEN for the command line.",
        )
        return False

    links = Links(run_url=request.event.run_url or "", when=edges.now())

    def render(earlier: str | None) -> str:
        history = read_history(earlier) if earlier else ()
        answers = read_answers(earlier) if earlier else ()
        return render_comment(decision, history=history, answers=answers, links=links)

    try:
        with open_comments() as api:
            comment = with_retries(
                lambda: upsert(
                    api,
                    pull_request=number,
                    is_ours=lambda body: belongs_to(body, decision.suite),
                    render=render,
                ),
                sleep=edges.sleep,
            )
        _write_outputs(request, edges, {"comment-url": comment.url})
    except PublishError as error:
        edges.say("warning", f"The verdict stands, but it could not be commented. {error}")
        return False
    except OSError as error:
        edges.say("warning", f"The output comment-url could not be written: {error.strerror}.")
        return False
    edges.say("notice", f"Commented on pull request {number}: {comment.url}")
    return True


def _no_pull_request(event: Event) -> str:
    if event.name == LOCAL:
        return "No comment: this is no GitHub Actions run. The text is in comment.md."
    return (
        f"No comment: the event {event.name} names no pull request. "
        "The job summary has the result; on pull_request events it is commented too."
    )


def _write_outputs(request: PublishRequest, edges: Edges, values: dict[str, str]) -> None:
    if request.output_file is not None:
        entries = (
            output(name, value, delimiter=f"perfgate-{edges.token_hex()}")
            for name, value in values.items()
        )
        _append(request.output_file, "".join(entries))


def _below(path: Path, workspace: str | None) -> str:
    """The path as later steps can use it: they see the workspace at another place."""
    absolute = path.resolve()
    root = Path(workspace).resolve() if workspace else Path.cwd()
    return str(absolute.relative_to(root) if absolute.is_relative_to(root) else absolute)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(text)
