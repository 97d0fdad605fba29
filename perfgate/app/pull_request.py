"""The pull request of a proposal: its text, its state, the people asked; moves no branch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from perfgate.app.ground import Ground
from perfgate.github.branches import BranchApi, PullRequest
from perfgate.github.owners import PLACES, Reviewers, named, owners_of
from perfgate.github.problems import GitHubError
from perfgate.report.baseline_changes import Told, proposal_title, render_proposal

LABEL = "perf-baselines"


@dataclass(frozen=True, kw_only=True)
class People:
    """How a new pull request is found, and who is asked; without ``reviewers`` those who own the
    files, as CODEOWNERS says."""

    labels: tuple[str, ...] = (LABEL,)
    reviewers: tuple[str, ...] = ()


def up_to_date(
    ground: Ground, branch: str, told: Told, *, people: People, paths: Sequence[str]
) -> tuple[PullRequest, tuple[str, ...]]:
    """The open pull request with this title, body and state; and what could not be had of it."""
    api, pull = ground.files.api, ground.standing.pull
    title, body = proposal_title(told), render_proposal(told)
    unexplained = any(one.change.unexplained for one in told.offers)
    if pull is None:
        pull, notes = _open(api, branch, ground.base, title, body, draft=unexplained)
        return pull, (*notes, *_ask(ground, pull, people, paths))
    if (pull.title, pull.body.replace("\r\n", "\n").strip()) != (title, body.strip()):
        api.edit_pull_request(pull.number, title=title, body=body)
    before = any(one.change.unexplained for one in ground.standing.offers.values())
    # A draft that a person made for a reason of their own stays one.
    ready = pull.draft and before and not unexplained
    if (unexplained and not pull.draft) or ready:
        note = _try(lambda: api.set_draft(pull.number, draft=unexplained))
        return pull, (note,) if note else ()
    return pull, ()


def _open(
    api: BranchApi, branch: str, base: str, title: str, body: str, *, draft: bool
) -> tuple[PullRequest, tuple[str, ...]]:
    def made(*, draft: bool) -> PullRequest:
        return api.open_pull_request(head=branch, base=base, title=title, body=body, draft=draft)

    try:
        return made(draft=draft), ()
    except GitHubError as error:
        # Private repositories of some plans have no drafts.
        if not draft or error.status != 422 or "draft" not in error.problem.lower():
            raise
        return made(draft=False), ("This repository has no drafts: the body says what is missing.",)


def _ask(ground: Ground, pull: PullRequest, people: People, paths: Sequence[str]) -> list[str]:
    """Labels and reviewers; a refusal is told and stops nothing."""
    api, number = ground.files.api, pull.number
    notes = []
    if people.labels:
        notes.append(_try(lambda: api.add_labels(number, people.labels)))
    try:
        asked = named(people.reviewers) if people.reviewers else _owners(ground, paths)
    except ValueError as error:
        return [*filter(None, notes), f"CODEOWNERS cannot be read: {error}"]
    # One by one: GitHub refuses all of them for one that it does not take.
    each = [((user,), ()) for user in asked.users] + [((), (team,)) for team in asked.teams]
    notes += [_try(partial(api.request_reviews, number, users=u, teams=t)) for u, t in each]
    return [note for note in notes if note]


def _owners(ground: Ground, paths: Sequence[str]) -> Reviewers:
    texts = (ground.files.text(place) for place in PLACES)
    text = next((one for one in texts if one is not None), None)
    return Reviewers() if text is None else owners_of(text, paths)


def _try(action: Callable[[], None]) -> str:
    """What went wrong with what the proposal can do without; empty where nothing did."""
    try:
        action()
    except GitHubError as error:
        return str(error)
    return ""
