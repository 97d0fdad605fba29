"""What is asked of GitHub to hear and answer a command, and what follows from it; no effect else.

Works on a Protocol, so that it runs in tests without a network; knows nothing of PyGithub.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

from perfgate.github.runs import ProposedChange, RunApi

Reaction = Literal["eyes", "+1", "confused"]

ENDED: Final = "completed"
"""The status of a run that has a conclusion."""

_MAY_COMMAND: Final = frozenset({"write", "maintain", "admin"})


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowRun:
    """One run of a workflow; ``workflow`` is its file, as ``.github/workflows/perfgate.yml``.

    ``created_at`` is when it was started first: running it again leaves that as it is.
    ``head_repository`` is empty where that was deleted, ``conclusion`` while it runs.
    """

    id: int
    url: str
    workflow: str
    title: str
    status: str
    conclusion: str
    head_sha: str
    head_branch: str
    head_repository: str
    created_at: datetime


class HearingApi(RunApi, Protocol):
    """What is asked of GitHub; every method raises GitHubError."""

    def permission(self, login: str) -> str:
        """What an account may do with the repository: ``admin``, ``write``, ``read`` or ``none``.

        Roles with other names count as the one of these that they contain.
        """
        ...

    def react(self, comment: int, reaction: Reaction) -> None:
        """Adds the reaction to a comment, once however often it is asked for."""
        ...

    def change(self, number: int) -> ProposedChange:
        """The pull request as it stands now."""
        ...

    def runs_from(self, branch: str) -> tuple[WorkflowRun, ...]:
        """The newest runs that pull requests from a branch of this name started, in any fork."""
        ...

    def runs_by_hand(self, workflow: str) -> tuple[WorkflowRun, ...]:
        """The newest runs of a workflow's file that were dispatched."""
        ...

    def dispatch(self, workflow: str, *, ref: str, inputs: Mapping[str, str]) -> None:
        """Starts a workflow; asked twice it starts two."""
        ...

    def run_again(self, run: WorkflowRun) -> None: ...


def may_command(permission: str) -> bool:
    """Whether somebody may give commands: who may write to the repository may."""
    return permission in _MAY_COMMAND


def runs_of(change: ProposedChange, runs: Iterable[WorkflowRun]) -> tuple[WorkflowRun, ...]:
    """The runs of the pull request's own branch, the newest first."""
    repository = change.head_repository.lower()
    own = [
        one
        for one in runs
        if one.head_branch == change.head_ref and one.head_repository.lower() == repository != ""
    ]
    return tuple(sorted(own, key=lambda one: (one.created_at, one.id), reverse=True))


def measuring(
    change: ProposedChange, runs: Iterable[WorkflowRun], *, workflow: str
) -> tuple[WorkflowRun, ...]:
    """The runs of one workflow, by its file, for the pull request's last commit, in their order."""
    return tuple(
        one for one in runs if one.workflow == workflow and one.head_sha == change.head_sha
    )


def head_before(runs: Iterable[WorkflowRun], moment: datetime) -> str | None:
    """The pull request's last commit before a moment; None where no run tells.

    GitHub says of no pull request what its head was at a time, and the dates in commits are
    written by who commits. It starts a run at each push, though, and keeps when by its own clock:
    the newest run of the pull request's branch that was created before is for the head of then. So
    this rests on at least one workflow that runs on ``pull_request`` without a filter of paths;
    where the branch moved and came back since, the run that tells is the one in between.
    """
    before = [one for one in runs if one.created_at < moment]
    newest = max(before, key=lambda one: (one.created_at, one.id), default=None)
    return None if newest is None else newest.head_sha
