"""What an event calls for: measuring, and where its result may be told. Pure: no effect.

The one rule behind it: a token that may write and code that a pull request brought never meet in
one job. https://docs.github.com/en/actions/reference/security/secure-use
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from perfgate.github.event import LOCAL, Event

Task = Literal["measure", "publish-run", "answer", "nothing", "refuse"]

_OF_A_PULL_REQUEST: Final = frozenset({"pull_request", "pull_request_review"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Mode:
    """What a job does for its event.

    task      measure; publish another workflow's finished run; answer a comment; do nothing; or
              refuse the job, since it is a dangerous one
    comments  the result goes into the pull request's comment
    checks    the result becomes a check run on the event's commit, where the token may make one
    proposes  what is measured may become new baselines
    remembers what is measured may go into the history of the default branch
    why       one sentence for the log
    """

    task: Task
    comments: bool = False
    checks: bool = False
    proposes: bool = False
    remembers: bool = False
    why: str


def mode_of(event: Event) -> Mode:
    """The mode of any event; one that perfgate does not know is measured and gets a check run."""
    if event.name in _OF_A_PULL_REQUEST:
        return _fork(event) if event.is_fork else _pull_request(event)
    if event.name in ("workflow_run", "issue_comment", "pull_request_target"):
        return _privileged(event)
    if event.name == LOCAL:
        return Mode(task="measure", why="This is no GitHub Actions run: results stay here.")
    if event.name == "merge_group":
        why = "A merge queue's group has no pull request of its own: it gets a check run."
    elif event.name == "push" and event.on_default_branch:
        why = (
            "A push to the default branch: a check run, and new baselines where they are asked for."
        )
    elif event.name == "push":
        why = f"A push to {event.base_ref or 'another branch'}: it gets a check run."
    elif event.name == "schedule":
        why = "A scheduled run of the default branch: new baselines where they are asked for."
    else:
        why = f"The event {event.name} names no pull request: it gets a check run."
    trusted = event.on_default_branch
    return Mode(task="measure", checks=True, proposes=trusted, remembers=trusted, why=why)


def _pull_request(event: Event) -> Mode:
    why = f"Pull request {event.pull_request} of this repository: comment and check run."
    return Mode(task="measure", comments=True, checks=True, why=why)


def _fork(event: Event) -> Mode:
    return Mode(
        task="measure",
        why=f"Pull request {event.pull_request} comes from a fork, so this job's token can only "
        "read: it comments nothing. The publish workflow comments the result from this job's "
        "folder, uploaded as an artifact (perfgate's docs/forks.md).",
    )


def _privileged(event: Event) -> Mode:
    """Events whose token may write whoever's code they are about."""
    if event.name == "workflow_run":
        return Mode(
            task="publish-run",
            comments=True,
            checks=True,
            why="Another workflow's run has ended: its result is published, and nothing of it is "
            "checked out or run.",
        )
    if event.name == "pull_request_target":
        return Mode(
            task="refuse",
            comments=True,
            checks=True,
            why="pull_request_target gives a token that may write to a job about a stranger's "
            "code, so nothing is measured there: measure on pull_request "
            "(perfgate's docs/forks.md).",
        )
    comment = event.comment
    if event.pull_request is None or comment is None or not comment.is_new:
        return Mode(
            task="nothing",
            why="A comment is answered once, when it is written, and on pull requests alone.",
        )
    return Mode(
        task="answer",
        comments=True,
        why=f"A comment on pull request {event.pull_request}: it is read, and nothing of the pull "
        "request is checked out or run.",
    )
