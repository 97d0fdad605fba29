"""Hears the commands of a comment and answers them inside the pull request's comment.

Never checks out or runs anything of a pull request. Whatever was done before a cut is found again:
an answered comment is not carried out twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from perfgate.app.answering.asking import ask_for
from perfgate.app.answering.explained import explain
from perfgate.app.answering.rerun import rerun
from perfgate.app.answering.scene import Place, Said, Scene, failed, read_scene
from perfgate.errors import ExitCode, PerfgateError, PublishError
from perfgate.github.commands import (
    MEANINGS,
    USAGE,
    Accept,
    Command,
    Explain,
    Heard,
    Help,
    Rerun,
    UpdateBaseline,
    commands_in,
)
from perfgate.github.comments import find, upsert
from perfgate.github.event import Event
from perfgate.github.hearing import HearingApi, Reaction, may_command
from perfgate.github.problems import with_retries
from perfgate.github.workflow import Kind
from perfgate.report.answers import (
    Answer,
    State,
    asked,
    first_comment,
    read_answers,
    with_answers,
)
from perfgate.report.comment import belongs_to
from perfgate.report.escape import escape_markdown

_BOT: Final = "[bot]"
_REACTIONS: Final[Mapping[State, Reaction]] = {
    "done": "+1",
    "failed": "confused",
    "refused": "confused",
}


class Edges(Protocol):
    """What answering needs from outside: ``say`` tells the log."""

    def say(self, kind: Kind, message: str) -> None: ...

    def sleep(self, seconds: float) -> None: ...


_REFUSAL: Final = (
    "Thank you, but perfgate takes commands only from people who may write to this repository. "
    "Please ask one of them."
)
_HELP: Final = "\n".join(f"- `{usage}`: {MEANINGS[name]}" for name, usage in USAGE.items())

OpenHearing = Callable[[], AbstractContextManager[HearingApi]]


@dataclass(frozen=True, kw_only=True)
class AnswerRequest:
    """What happened, and where; ``strict`` makes an answer that could not be given a failure."""

    event: Event
    place: Place
    strict: bool = False


def answer(request: AnswerRequest, edges: Edges, *, open_api: OpenHearing | None) -> ExitCode:
    """Answer the event's comment, and return OK, or PUBLISH where that failed under ``strict``.

    ``open_api`` is None where there is no token. A comment that is not for perfgate costs nothing.
    """
    comment, number = request.event.comment, request.event.pull_request
    why_not = _why_not(request.event)
    if why_not or comment is None or number is None:
        edges.say("notice", why_not)
        return ExitCode.OK
    place = request.place
    heard = commands_in(comment.body, today=place.today, issues_url=f"{place.url}/issues")
    if not heard:
        edges.say("notice", "Nothing to answer: the comment holds no command for perfgate.")
        return ExitCode.OK
    failure = ExitCode.PUBLISH if request.strict else ExitCode.OK
    if open_api is None:
        edges.say("warning", "The command is not answered: there is no token in GITHUB_TOKEN.")
        return failure
    try:
        with open_api() as api:
            if comment.author == with_retries(api.login, sleep=edges.sleep):
                edges.say("notice", "Nothing to answer: the comment is perfgate's own.")
                return ExitCode.OK
            base = request.event.default_branch
            scene = with_retries(
                lambda: read_scene(place, api, number=number, comment=comment, base=base),
                sleep=edges.sleep,
            )
            _hear(scene, edges, heard)
    except PerfgateError as error:
        edges.say("warning", f"The command could not be answered. {error}")
        return failure
    return ExitCode.OK


def _why_not(event: Event) -> str:
    """Why a comment is none to answer; empty where it is one."""
    if event.comment is None:
        return f"Nothing to answer: the event {event.name} is about no comment."
    if event.pull_request is None:
        return "Nothing to answer: the comment is not on a pull request."
    if not event.comment.is_new:
        return "Nothing to answer: a comment is heard when it is written, and not once it changes."
    if not event.comment.author or event.comment.author.endswith(_BOT):
        return "Nothing to answer: the comment was written by a program, or by nobody."
    return ""


def _hear(scene: Scene, edges: Edges, heard: Sequence[Heard]) -> None:
    """Answer, unless that was done before; raises GitHubError where the answer cannot be written.

    The answer stands before the last reaction, so that whatever is cut the next try ends it.
    """
    number, comment = scene.number, scene.comment
    _react(scene, edges, "eyes")
    suite = with_retries(scene.suite_name, sleep=edges.sleep)

    def is_ours(body: str) -> bool:
        return belongs_to(body, suite)

    sticky = with_retries(
        lambda: find(scene.api, pull_request=number, is_ours=is_ours), sleep=edges.sleep
    )
    before = read_answers(sticky.body) if sticky is not None else ()
    told = next((one for one in before if one.comment == comment.id), None)
    if told is None:
        told = _answer(scene, edges, heard, before)

        def render(earlier: str | None) -> str:
            body = earlier or first_comment(suite)
            # A lost answer from GitHub may have been written all the same.
            others = (one for one in read_answers(body) if one.comment != comment.id)
            return with_answers(body, (*others, told))

        if told.text:
            with_retries(
                lambda: upsert(scene.api, pull_request=number, is_ours=is_ours, render=render),
                sleep=edges.sleep,
            )
    _react(scene, edges, _REACTIONS[told.state])
    edges.say("notice", f"Answered comment {comment.id} of {comment.author}: {told.state}.")


def _answer(scene: Scene, edges: Edges, heard: Sequence[Heard], before: Sequence[Answer]) -> Answer:
    """What the comment is answered; an empty text for somebody who was refused before."""
    comment = scene.comment
    permission = with_retries(lambda: scene.api.permission(comment.author), sleep=edges.sleep)
    if not may_command(permission):
        again = any((one.by, one.state) == (comment.author, "refused") for one in before)
        # Not in a stranger's own words: they would stand in a comment of ours.
        text = "" if again else asked(f"/perfgate, by {comment.author}", _REFUSAL, url=_url(scene))
        return Answer(comment=comment.id, by=comment.author, text=text, state="refused")
    said = [(one, _said(scene, edges, one)) for one in heard]
    return Answer(
        comment=comment.id,
        by=comment.author,
        text="\n\n".join(asked(one.line, what.text, url=_url(scene)) for one, what in said),
        state="done" if all(what.done for _, what in said) else "failed",
    )


def _said(scene: Scene, edges: Edges, heard: Heard) -> Said:
    if heard.command is None:
        problems = "\n".join(f"- {escape_markdown(one)}" for one in heard.problems)
        return Said(text=problems, done=False)
    command = heard.command
    try:
        return with_retries(lambda: _carry_out(scene, command), sleep=edges.sleep)
    except PerfgateError as error:
        edges.say("warning", str(error))
        return failed(error)


def _carry_out(scene: Scene, command: Command) -> Said:
    match command:
        case Rerun():
            return rerun(scene, command)
        case Accept() | UpdateBaseline():
            return ask_for(scene, command)
        case Explain():
            return explain(scene, command)
        case Help():
            return Said(text=_HELP)


def _react(scene: Scene, edges: Edges, reaction: Reaction) -> None:
    """A sign and nothing more: where it is refused, the command is answered all the same."""
    try:
        with_retries(lambda: scene.api.react(scene.comment.id, reaction), sleep=edges.sleep)
    except PublishError as error:
        edges.say("warning", f"The comment got no reaction. {error}")


def _url(scene: Scene) -> str:
    return f"{scene.place.url}/pull/{scene.number}#issuecomment-{scene.comment.id}"
