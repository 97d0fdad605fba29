"""One check run per decision: found by name and external id, annotated up to its end.

Works on a Protocol, so that it runs in tests without a network; knows nothing of PyGithub.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from perfgate.github.keys import Job, candidates, key_for

MOST_AT_ONCE: Final = 50
"""Annotations of one request: https://docs.github.com/en/rest/checks/runs#create-a-check-run"""
CHECKS: Final = "checks: write"

Conclusion = Literal["success", "failure", "neutral"]
Level = Literal["failure", "warning", "notice"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotation:
    """A message on a line of a file; ``path`` is from the repository's root, ``line`` from 1."""

    path: str
    line: int
    level: Level
    title: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckRun:
    """A check run that is there; ``annotations`` counts those that it holds."""

    id: int
    name: str
    external_id: str
    url: str
    annotations: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a check run tells; ``summary`` is markdown, ``run_url`` where to read on."""

    head_sha: str
    conclusion: Conclusion
    title: str
    summary: str
    run_url: str
    annotations: tuple[Annotation, ...] = ()


class CheckApi(Protocol):
    """What is asked of GitHub; every method raises GitHubError."""

    def named(self, head_sha: str, name: str) -> Sequence[CheckRun]:
        """The check runs of a commit with this name, in any order, through all pages."""
        ...

    def create(self, verdict: Verdict, *, name: str, external_id: str) -> CheckRun:
        """A finished check run, with the first annotations as far as one request takes them."""
        ...

    def annotate(self, run: CheckRun, verdict: Verdict, more: Sequence[Annotation]) -> None:
        """Add annotations to those that are there."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What a check run's external id says: which job made it, and of which decision."""

    job: Job
    decision: str

    def text(self) -> str:
        return f"{self.job.run}/{self.job.hardware}/{self.job.cases}/{self.decision}"

    def is_same(self, other: Identity | None) -> bool:
        """Whether both are of one decision, perhaps published by another attempt of the run."""
        return (
            other is not None
            and self.job.is_again(other.job)
            and _run(self.job) == _run(other.job)
            and self.decision == other.decision
        )


def publish_check(
    api: CheckApi,
    verdict: Verdict,
    *,
    name_of: Callable[[str], str],
    identity: Identity,
    key: str = "",
) -> tuple[CheckRun, str]:
    """Make the decision's check run, or finish the one that an earlier try has left.

    ``name_of`` gives the name for a key; returned with the run is the key that was chosen. Safe to
    repeat after a cut at any point: annotations are only ever added in their order, so that their
    number says which are missing.
    """
    run, key = _found_or_made(api, verdict, name_of=name_of, identity=identity, key=key)
    for start in range(run.annotations, len(verdict.annotations), MOST_AT_ONCE):
        api.annotate(run, verdict, verdict.annotations[start : start + MOST_AT_ONCE])
    return run, key


def _found_or_made(
    api: CheckApi,
    verdict: Verdict,
    *,
    name_of: Callable[[str], str],
    identity: Identity,
    key: str,
) -> tuple[CheckRun, str]:
    standing: dict[str, Job | None] = {}
    for one in candidates(identity.job, key):
        runs = api.named(verdict.head_sha, name_of(one))
        same = [run for run in runs if identity.is_same(read_identity(run.external_id))]
        if same:
            # A request that arrived twice made two, which nothing can remove: the newest counts.
            return max(same, key=lambda run: run.id), one
        told = (read_identity(run.external_id) for run in runs)
        standing[one] = _writer(identity.job, [each.job for each in told if each])
        # Only where jobs share a commit are there other names to look at.
        if not any(standing.values()):
            break
    chosen = key_for(identity.job, standing, key=key)
    made = api.create(verdict, name=name_of(chosen), external_id=identity.text())
    # Counted here: the answer's own count may be older than what was just sent.
    return replace(made, annotations=len(verdict.annotations[:MOST_AT_ONCE])), chosen


def _writer(job: Job, found: Sequence[Job]) -> Job | None:
    """Whom a name belongs to: another job of this run before this job, before any other."""
    ranked = sorted(found, key=lambda one: (not job.competes(one), not job.is_again(one)))
    return ranked[0] if ranked else None


def read_identity(text: str) -> Identity | None:
    """What an external id says; None for one that is not perfgate's."""
    match text.split("/"):
        case [run, hardware, cases, decision]:
            return Identity(job=Job(run=run, hardware=hardware, cases=cases), decision=decision)
    return None


def _run(job: Job) -> str:
    return job.run.partition(".")[0]
