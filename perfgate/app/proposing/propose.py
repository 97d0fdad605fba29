"""Proposes measured baselines as one pull request per base branch and hardware key.

Every figure comes from launches, every file goes through GitHub's Git data API, and a branch moves
forward only: whoever comes second looks again, so that two jobs never lose each other's work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from perfgate.app.keeping.keep import Request, Tree, hardware_key
from perfgate.app.proposing.ground import Ground, Offers
from perfgate.app.proposing.offers import offers_on, texts_of
from perfgate.app.proposing.pull_request import People, say, up_to_date
from perfgate.app.proposing.standing import Standing, branch_of, read_standing
from perfgate.baselines.change import CaseChange
from perfgate.baselines.proposal import proposal_message
from perfgate.errors import ConfigurationError
from perfgate.github.branches import BranchApi, Commit, PullRequest, Snapshot, blob_id
from perfgate.github.comments import ACTIONS_BOT
from perfgate.github.problems import CONTENTS, GitHubError, with_retries
from perfgate.records import Record
from perfgate.report.baseline_changes import (
    Told,
    given_up_text,
    proposal_lines,
    proposal_title,
    returned_text,
    stuck_text,
)
from perfgate.suite import parse_suite

_ATTEMPTS: Final = 6
What = Literal["opened", "updated", "unchanged", "closed", "stuck", "nothing"]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What is asked for: these records, on the branch ``base`` (None: the default branch).

    ``ask`` has the reason, where a person gave one.
    ``run_url`` is the address of the job, ``files_url`` that below which the repository's files
    are shown by branch.
    """

    records: tuple[Record, ...]
    suite: str
    ask: Request
    today: date
    base: str | None = None
    cases: tuple[str, ...] = ()
    people: People = field(default_factory=People)
    run_url: str = ""
    files_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of it; ``notes`` are for the reader, ``url`` is empty where nothing is open."""

    what: What
    branch: str
    url: str = ""
    changes: tuple[CaseChange, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def propose(proposal: Proposal, api: BranchApi, *, sleep: Callable[[float], None]) -> Outcome:
    """Open, update or close the pull request.

    Raises GitHubError, BaselineError for records of several machines and for files of the base
    branch that cannot be trusted, ConfigurationError for records of commits that are not on it.
    """
    return with_retries(lambda: _once(proposal, api), sleep=sleep, attempts=_ATTEMPTS)


def _once(proposal: Proposal, api: BranchApi) -> Outcome:
    base = proposal.base or api.default_branch()
    ground, branch = _ground(proposal, api, base)
    offers = offers_on(ground, only=proposal.cases)
    if offers.stuck:
        if ground.standing.pull is not None:
            say(api, ground.standing.pull, "stuck", stuck_text(offers.stuck))
        return _outcome("stuck", branch, ground.standing.pull, offers, (offers.stuck,))
    _tell_given_up(ground, offers)
    if not offers.entries and not offers.theirs and not offers.asks:
        return _close(ground, branch, offers)
    return _push(proposal, ground, branch, offers)


def _ground(proposal: Proposal, api: BranchApi, base: str) -> tuple[Ground, str]:
    tip = api.tip(base)
    commit = api.commit(tip) if tip is not None else None
    if commit is None:
        raise _hidden(
            f"GitHub shows no branch {base!r} in this repository",
            "name the branch that the baselines are for with --base-branch",
        )
    files = Snapshot(api=api, commit=commit.sha)
    text = files.text(proposal.suite)
    if text is None:
        raise ConfigurationError(
            f"there is no suite file {proposal.suite} on {base}", fix="Name it with --suite."
        )
    branch = branch_of(base, hardware_key(proposal.records))
    standing = read_standing(api, branch=branch, base=base, base_commit=commit.sha)
    ground = Ground(
        suite=parse_suite(text, source=f"{proposal.suite} on {base}"),
        base=base,
        at=Tree(commit=commit.sha, date=commit.date),
        files=files,
        standing=standing,
        parted=Snapshot(api=api, commit=standing.merge_base or commit.sha),
        measured=_measured(proposal.records, api, base=base, tip=commit),
        records=proposal.records,
        request=proposal.ask,
        run_url=proposal.run_url,
        today=proposal.today,
    )
    return ground, branch


def _measured(
    records: Sequence[Record], api: BranchApi, *, base: str, tip: Commit
) -> tuple[Snapshot, ...]:
    """The measured commits, all of which are on the base branch: nothing else makes a baseline."""
    commits = sorted({record.head.commit for record in records})
    for sha in commits:
        if sha == tip.sha:
            continue
        if api.commit(sha) is None:
            raise _hidden(
                f"GitHub shows no commit {sha[:12]}, which the record measured",
                "measure a commit that is pushed",
            )
        if api.compare(sha, tip.sha).merge_base != sha:
            raise ConfigurationError(
                f"the record measured {sha[:12]}, which is not on the branch {base}",
                fix="Measure a commit of that branch (on push, schedule or by hand), or name the "
                "branch that was measured with --base-branch.",
            )
    return tuple(Snapshot(api=api, commit=sha) for sha in commits)


def _close(ground: Ground, branch: str, offers: Offers) -> Outcome:
    """Nothing is left to propose: say so, and close what is open."""
    pull, api = ground.standing.pull, ground.files.api
    if pull is None:
        return _outcome("nothing", branch, None, offers)
    body = returned_text(
        base=ground.base,
        back=offers.back,
        conflicts=tuple(offers.conflicts.values()),
        run_url=ground.run_url,
    )
    # Said once for what stands there, also where another job goes on after the answer was lost.
    say(api, pull, f"closed {ground.standing.tip}", body)
    api.set_open(pull.number, is_open=False)
    if api.tip(branch) != ground.standing.tip:
        api.set_open(pull.number, is_open=True)
        raise _moved(branch)
    return _outcome("closed", branch, pull, offers)


def _tell_given_up(ground: Ground, offers: Offers) -> None:
    """A comment each on the open pull request; where there is none, the log has it."""
    pull = ground.standing.pull
    if pull is None:
        return
    for ask, why in offers.given_up.items():
        say(ground.files.api, pull, f"given-up {ask.digest}", given_up_text(ask, why))


def _push(proposal: Proposal, ground: Ground, branch: str, offers: Offers) -> Outcome:
    api, standing = ground.files.api, ground.standing
    texts = texts_of(ground, offers)
    told = Told(
        hardware_key=ground.key,
        base=ground.base,
        cases=len(ground.suite.cases),
        offers=offers.told,
        conflicts=tuple(offers.conflicts.values()),
        refused=tuple(offers.refused.items()),
        own_token=api.login() == ACTIONS_BOT,
        asks=tuple(offers.asks.items()),
        acceptances_url=(
            f"{proposal.files_url}/{branch}/{ground.permissions}" if proposal.files_url else ""
        ),
    )
    tip = _commit(ground, branch, offers, texts, told)
    moved = tip != standing.tip
    pull, notes = up_to_date(ground, branch, told, people=proposal.people, paths=sorted(texts))
    if api.tip(branch) != tip:
        raise _moved(branch)
    what: What = "opened" if standing.pull is None else "updated" if moved else "unchanged"
    return _outcome(what, branch, pull, offers, notes)


def _commit(
    ground: Ground, branch: str, offers: Offers, texts: Mapping[str, str], told: Told
) -> str:
    """The branch's last commit once it holds the offers, on top of the newest base."""
    api, standing, base = ground.files.api, ground.standing, ground.at.commit
    wanted = {path: blob_id(text) for path, text in texts.items()} | offers.theirs
    asks = tuple(offers.asks)
    same = wanted == standing.files and asks == standing.asks and not standing.over
    if standing.tip is not None and standing.merge_base == base and same:
        return standing.tip
    held = set(standing.files.values())
    for path, text in texts.items():
        if wanted[path] not in held:
            api.store(text)
    lines = proposal_lines(offers.told)
    message = proposal_message(proposal_title(told), lines, offers.told, asks)
    commit = api.make_commit(
        onto=base, files=wanted, message=message, parents=_parents(standing, base)
    )
    if standing.tip is None:
        api.create_branch(branch, commit.sha)
    else:
        api.move_branch(branch, commit.sha)
    return commit.sha


def _parents(standing: Standing, base: str) -> list[str]:
    """The branch's last commit comes first, so that the branch only ever moves forward."""
    if standing.tip is None or standing.merge_base == standing.tip:
        return [base]
    return [standing.tip] if standing.merge_base == base else [standing.tip, base]


def _hidden(problem: str, otherwise: str) -> GitHubError:
    """GitHub says 404 for what is not there and for what the token may not see alike."""
    return GitHubError(
        problem, fix=f"Grant the job `permissions: {CONTENTS}`, or {otherwise}.", status=404
    )


def _moved(branch: str) -> GitHubError:
    return GitHubError(
        f"another job moved the branch {branch} meanwhile",
        fix="Run the job again: the branch holds the other job's figures.",
        wait_s=0.0,
    )


def _outcome(
    what: What,
    branch: str,
    pull: PullRequest | None,
    offers: Offers,
    notes: Sequence[str] = (),
) -> Outcome:
    return Outcome(
        what=what,
        branch=branch,
        url=pull.url if pull is not None else "",
        changes=tuple(one.change for one in offers.told),
        refused=offers.refused,
        notes=(
            *notes,
            *offers.conflicts.values(),
            *offers.unsure.values(),
            *(f"{ask.told()}: {why}" for ask, why in offers.given_up.items()),
        ),
    )
