"""Which permissions to be slower count for a job: those on the branch that the change goes to.

A change cannot grant itself one. A pull request reads the newest of its base branch, so that a
permission counts as soon as it is merged; what is on the default branch already reads its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from perfgate.app.measuring.selection import Selection
from perfgate.baselines.accepted import NAME, parse_accepted
from perfgate.errors import ConfigurationError
from perfgate.github.event import Event
from perfgate.sides.git import Git
from perfgate.verdict.permission import Permissions


@dataclass(frozen=True, kw_only=True)
class Found:
    """The permissions that count, and what a reviewer must know of how they were found."""

    permissions: Permissions
    notes: tuple[str, ...] = ()


def find_permissions(
    git: Git, selection: Selection, event: Event, *, base_commit: str, now: str
) -> Found:
    """The permissions for what ``event`` started; ``now`` is an ISO time.

    None where the suite names no folder for baselines, or that has no such file. Raises
    BaselineError for a file that cannot be trusted.
    """
    today = date.fromisoformat(now[:10])
    if selection.state_folder is None:
        return Found(permissions=Permissions(today=today))
    path = str(PurePosixPath(selection.state_folder) / NAME)
    commit, notes = _where(git, event, base_commit)
    text = git.file_at(commit, path)
    if not event.on_default_branch and path in git.changed_paths(base_commit):
        notes = (*notes, f"what this change permits itself in {path} counts once it is on the base")
    return Found(
        permissions=Permissions(
            acceptances=() if text is None else parse_accepted(text, source=path),
            today=today,
            answers_for_debt=event.on_default_branch,
        ),
        notes=notes,
    )


def _where(git: Git, event: Event, base_commit: str) -> tuple[str, tuple[str, ...]]:
    """The commit whose permissions count, and why it is not the newest where it is not."""
    if event.on_default_branch:
        return git("rev-parse", "HEAD").strip(), ()
    if not event.name.startswith("pull_request") or not event.base_ref:
        return base_commit, ()
    # A depth would make a whole clone shallow.
    depth = ("--depth=1",) if git.is_shallow() else ()
    try:
        git.fetch(*depth, "origin", "--", f"refs/heads/{event.base_ref}")
        return git("rev-parse", "FETCH_HEAD").strip(), ()
    except ConfigurationError as error:
        why = " ".join(error.problem.split())
        note = (
            "permissions to be slower are those of the base commit: the newest of "
            f"{event.base_ref} could not be fetched ({why})"
        )
        return base_commit, (note,)
