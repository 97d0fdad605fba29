"""The pull request of a proposal: its text, its state, the people asked; moves no branch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from perfgate.app.proposing.ground import Ground
from perfgate.github.branches import BranchApi, PullRequest
from perfgate.github.comments import upsert
from perfgate.github.owners import PLACES, Reviewers, named, owners_of
from perfgate.github.problems import GitHubError
from perfgate.report.baseline_changes import Told, proposal_title, render_proposal

LABEL = "perf-baselines"
# What was done besides the text, in the body itself: a job that is cut between two calls leaves
# something undone, which the next one finds; and what a person took back is not done again.
_DONE: Final = re.compile(r"\s*<!-- perfgate:done((?: [0-9a-f]{12}| draft)*) -->\s*\Z")
_DRAFT: Final = "draft"


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
    title, text = proposal_title(told), render_proposal(told)
    # What nobody explained, or nobody measured, is not to be merged.
    unexplained = any(one.change.unexplained for one in told.offers) or not told.offers
    notes: tuple[str, ...] = ()
    if pull is None:
        done = frozenset({_DRAFT} if unexplained else ())
        body = _with_done(text, done)
        pull, notes = _open(api, branch, ground.base, title, body, draft=unexplained)
    else:
        done, notes = _drafted(api, pull, unexplained=unexplained)
    asked, more = _ask(ground, pull, people, paths, done)
    body = _with_done(text, done | asked)
    if (pull.title, pull.body.replace("\r\n", "\n").strip()) != (title, body.strip()):
        api.edit_pull_request(pull.number, title=title, body=body)
    return pull, (*notes, *more)


def say(api: BranchApi, pull: PullRequest, what: str, text: str) -> None:
    """A comment of ours on the pull request, in the place of one for the same."""
    mark = f"<!-- perfgate:{what} -->"
    upsert(
        api,
        pull_request=pull.number,
        is_ours=lambda held: held.startswith(mark),
        render=lambda _: f"{mark}\n{text}",
    )


def opened_to_wait(api: BranchApi, branch: str, base: str, told: Told) -> PullRequest:
    """A new pull request for what was asked for, a draft until a job has measured something.

    Labels and reviewers are for that job to ask for.
    """
    body = _with_done(render_proposal(told), frozenset({_DRAFT}))
    return _open(api, branch, base, proposal_title(told), body, draft=True)[0]


def _drafted(
    api: BranchApi, pull: PullRequest, *, unexplained: bool
) -> tuple[frozenset[str], tuple[str, ...]]:
    """What was done, once the pull request is a draft or is none any more."""
    done, note = _done(pull), ""
    if unexplained and not pull.draft:
        note = _try(lambda: api.set_draft(pull.number, draft=True))
    # A draft that a person made for a reason of their own stays one.
    if not unexplained and pull.draft and _DRAFT in done:
        note = _try(lambda: api.set_draft(pull.number, draft=False))
    stays = unexplained or (pull.draft and _DRAFT in done and note)
    done = done | {_DRAFT} if stays else done - {_DRAFT}
    return done, (note,) if note else ()


def _done(pull: PullRequest) -> frozenset[str]:
    found = _DONE.search(pull.body)
    return frozenset(found[1].split()) if found else frozenset()


def _with_done(text: str, done: frozenset[str]) -> str:
    told = "".join(f" {one}" for one in sorted(done))
    return f"{text.rstrip()}\n\n<!-- perfgate:done{told} -->\n"


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


def _ask(
    ground: Ground,
    pull: PullRequest,
    people: People,
    paths: Sequence[str],
    done: frozenset[str],
) -> tuple[frozenset[str], list[str]]:
    """Set labels and ask for reviews as far as that is not done; a refusal stops nothing.

    Gives what is done besides, and what was refused.
    """
    api, number = ground.files.api, pull.number
    notes = []
    try:
        asked = named(people.reviewers) if people.reviewers else _owners(ground, paths)
    except ValueError as error:
        asked, notes = Reviewers(), [f"CODEOWNERS cannot be read: {error}"]
    # One by one: GitHub refuses all of them for one that it does not take.
    wanted = {
        **{f"label {one}": partial(api.add_labels, number, (one,)) for one in people.labels},
        **{
            f"user {one}": partial(api.request_reviews, number, users=(one,), teams=())
            for one in asked.users
        },
        **{
            f"team {one}": partial(api.request_reviews, number, users=(), teams=(one,))
            for one in asked.teams
        },
    }
    news = set()
    for what, action in wanted.items():
        if _digest(what) not in done:
            note = _try(action)
            notes += [note] if note else []
            news |= set() if note else {_digest(what)}
    return frozenset(news), notes


def _digest(what: str) -> str:
    # Names are other people's text, and a name in a body would be told of it.
    return hashlib.sha256(what.encode()).hexdigest()[:12]


def _owners(ground: Ground, paths: Sequence[str]) -> Reviewers:
    texts = (ground.files.text(place) for place in PLACES)
    text = next((one for one in texts if one is not None), None)
    return Reviewers() if text is None else owners_of(text, paths)


def _try(action: Callable[[], None]) -> str:
    """What was refused of what the proposal can do without; empty where nothing was."""
    try:
        action()
    except GitHubError as error:
        if error.wait_s is not None:  # another try may help
            raise
        return str(error)
    return ""
