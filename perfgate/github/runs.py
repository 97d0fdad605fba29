"""A finished run's artifacts and the change that it was for: values, and which of them count. Pure.

Names of branches and artifacts are written by whoever opened the pull request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from perfgate.github.branches import BranchApi
from perfgate.github.event import FinishedRun
from perfgate.github.problems import short

PREFIX: Final = "perfgate"
MAX_ARTIFACTS: Final = 20
MAX_ARCHIVE_BYTES: Final = 64_000_000
OF_A_CHANGE: Final = ("pull_request", "merge_group")
"""Events whose runs measure a change that is not merged yet: theirs are published."""

_QUEUE: Final = "gh-readonly-queue/"


@dataclass(frozen=True, kw_only=True, slots=True)
class Artifact:
    """What a run uploaded; GitHub gives it again, under the same name, for each attempt."""

    id: int
    name: str
    size_bytes: int
    expired: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposedChange:
    """A pull request as it stands now; ``head_repository`` is empty where that was deleted.

    ``base_sha`` is a commit that its base branch had when its own commits last changed, or later.
    """

    number: int
    is_open: bool
    head_sha: str
    head_ref: str
    head_repository: str
    base_ref: str
    base_sha: str
    labels: tuple[str, ...]


class RunApi(BranchApi, Protocol):
    """What is asked of GitHub about a run; every method raises GitHubError."""

    def artifacts(self, run: int) -> tuple[Artifact, ...]:
        """What the run uploaded in all its attempts."""
        ...

    def download(self, artifact: int, *, limit_bytes: int) -> bytes:
        """The artifact's zip file; ConfigurationError for one that is larger."""
        ...

    def changes_from(self, owner: str, branch: str) -> tuple[ProposedChange, ...]:
        """The open pull requests from a branch of one of an account's repositories."""
        ...

    def changed_paths(self, number: int) -> tuple[str, ...] | None:
        """The paths that a pull request changes; None where GitHub lists not all of them."""
        ...


def pull_request_of(
    run: FinishedRun, changes: Iterable[ProposedChange]
) -> tuple[ProposedChange | None, str]:
    """The one open pull request whose last commit the run was for, or why there is none.

    The event's own list of pull requests is empty for forks, and what an artifact says of its
    pull request is a stranger's word.
    """
    repository, commit = run.head_repository.lower(), run.head_sha[:12]
    known = [
        one
        for one in changes
        if one.is_open
        and one.head_ref == run.head_branch
        and one.head_repository.lower() == repository
    ]
    where = f"{run.head_repository or 'a deleted repository'}:{short(run.head_branch)}"
    found = [one for one in known if one.head_sha == run.head_sha]
    if len(found) == 1:
        return found[0], ""
    if found:
        numbers = ", ".join(str(one.number) for one in found)
        return None, f"several pull requests, {numbers}, are from {where}"
    if known:
        return None, f"the pull request from {where} is at another commit than {commit} by now"
    return None, f"no open pull request is from {where}"


def queue_base(run: FinishedRun, repository: str) -> str | None:
    """The branch that a merge queue's group goes to, by the name of the group's own branch."""
    if run.head_repository.lower() != repository.lower():
        return None
    if not run.head_branch.startswith(_QUEUE):
        return None
    base, found, _ = run.head_branch.removeprefix(_QUEUE).rpartition("/pr-")
    return base if found and base else None


def chosen(found: Sequence[Artifact]) -> tuple[tuple[Artifact, ...], tuple[str, ...]]:
    """The artifacts to read, of each name the newest, and why others are not.

    Only names that start with ``perfgate`` are perfgate's.
    """
    newest: dict[str, Artifact] = {}
    for one in sorted(found, key=lambda one: one.id):
        if one.name.startswith(PREFIX):
            newest[one.name] = one
    kept, notes = [], []
    for name, one in sorted(newest.items()):
        if one.expired:
            notes.append(f"the artifact {short(name)} has expired: run the measuring job again")
        elif one.size_bytes > MAX_ARCHIVE_BYTES:
            notes.append(f"the artifact {short(name)} is larger than {MAX_ARCHIVE_BYTES} bytes")
        else:
            kept.append(one)
    if len(kept) > MAX_ARTIFACTS:
        notes.append(f"of {len(kept)} artifacts {MAX_ARTIFACTS} are read, the first by name")
    return tuple(kept[:MAX_ARTIFACTS]), tuple(notes)
