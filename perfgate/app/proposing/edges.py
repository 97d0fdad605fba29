"""What proposing needs from a real process: event, records, token, GitHub, outputs.

Whatever GitHub refuses is a warning, and an exit code only when that is asked for: the verdict of
the job stands all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from perfgate.app.keeping.keep import Request, read_record
from perfgate.app.proposing.propose import Outcome, Proposal, propose
from perfgate.app.proposing.pull_request import LABEL, People
from perfgate.app.publishing.edges import RealEdges, path_in
from perfgate.errors import ConfigurationError, ExitCode, PublishError
from perfgate.github.branches import BranchApi
from perfgate.github.event import LOCAL, Event, read_event
from perfgate.github.workflow import output
from perfgate.records import Record

_TOLD = {
    "opened": "Opened",
    "updated": "Updated",
    "unchanged": "As it was:",
    "closed": "Closed, since the numbers are back at what is committed:",
    "stuck": "Left for a person to look at:",
    "nothing": "The measured numbers are those that are committed: nothing to propose.",
}


@dataclass(frozen=True, kw_only=True)
class ProposeRequest:
    """The command's arguments; see :class:`perfgate.app.proposing.propose.Proposal`."""

    records: tuple[Path, ...]
    suite: str
    cases: tuple[str, ...] = ()
    base: str | None = None
    repository: str | None = None
    reason: str = ""
    issue: str = ""
    expires: date | None = None
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    strict: bool = False


def propose_here(
    request: ProposeRequest, environ: Mapping[str, str]
) -> tuple[tuple[Outcome, ...], ExitCode]:
    """Propose from this process, a pull request for each kind of machine that the records are of.

    Gives none where there was nothing to ask GitHub for, and what was done before one was refused.
    Raises what :func:`perfgate.app.proposing.propose.propose` raises but PublishError.
    """
    event = _event(request, environ)
    edges = RealEdges(event)
    failed = ExitCode.PUBLISH if request.strict else ExitCode.OK
    base = request.base or _branch_of(event, environ)
    if base is None:
        edges.say("notice", _not_here(event))
        return (), ExitCode.OK
    token = environ.get("GITHUB_TOKEN", "")
    if not token:
        edges.say(
            "notice",
            "No baseline is proposed: there is no token. Leave the action's input github-token at "
            "its default, or set GITHUB_TOKEN for the command line.",
        )
        return (), failed
    done: list[Outcome] = []
    code = ExitCode.OK
    try:
        with _open(event, token) as api:
            for proposal in _by_machine(_proposal(request, event, environ, base)):
                done.append(propose(proposal, api, sleep=edges.sleep))
                _say(edges, done[-1])
    except PublishError as error:
        edges.say("warning", f"The baselines could not be proposed. {error}")
        code = failed
    _tell_urls(done, edges, environ)
    stuck = any(one.what == "stuck" for one in done)
    return tuple(done), failed if stuck else code


def _by_machine(proposal: Proposal) -> list[Proposal]:
    """The proposal for each kind of machine: its records, and those of the cases that they have.

    A case that no record has stays in each, which says so.
    """
    by_key: dict[str, list[Record]] = {}
    for record in proposal.records:
        by_key.setdefault(record.fingerprint.hardware_key, []).append(record)
    if len(by_key) == 1:
        return [proposal]
    parts = []
    measured = {case.id for record in proposal.records for case in record.cases}
    for records in by_key.values():
        here = {case.id for record in records for case in record.cases}
        cases = tuple(case for case in proposal.cases if case in here or case not in measured)
        if cases or not proposal.cases:
            parts.append(replace(proposal, records=tuple(records), cases=cases))
    return parts


def _tell_urls(done: Sequence[Outcome], edges: RealEdges, environ: Mapping[str, str]) -> None:
    """The pull requests as the action's output, an address a line."""
    file = path_in(environ, "GITHUB_OUTPUT")
    if file is None or not done:
        return
    urls = "\n".join(one.url for one in done if one.url)
    with file.open("a", encoding="utf-8") as stream:
        delimiter = f"perfgate-{edges.token_hex()}"
        stream.write(output("baseline-url", urls, delimiter=delimiter))


def _event(request: ProposeRequest, environ: Mapping[str, str]) -> Event:
    event = read_event(environ, lambda path: Path(path).read_text(encoding="utf-8"))
    if event.name == LOCAL:
        if not request.repository or not request.base:
            raise ConfigurationError(
                "this is no GitHub Actions run, so that nothing says where to propose",
                fix="Give --repository OWNER/NAME and --base-branch, and a token in GITHUB_TOKEN.",
            )
        return replace(event, repository=request.repository)
    return event


def _branch_of(event: Event, environ: Mapping[str, str]) -> str | None:
    """The branch whose newest code this run measured; none for a change that is not merged."""
    if not event.on_default_branch:
        return None
    ref = environ.get("GITHUB_REF", "")
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else None


def _not_here(event: Event) -> str:
    if event.pull_request is not None or event.name == "merge_group":
        why = f"the event {event.name} is about a change that is not merged"
    else:
        why = f"this run of {event.name} is not on the default branch"
    return (
        f"No baseline is proposed: {why}. One pull request that is slower makes no baseline stale; "
        "measure on push or schedule, or name another branch with --base-branch."
    )


def _proposal(
    request: ProposeRequest, event: Event, environ: Mapping[str, str], base: str
) -> Proposal:
    return Proposal(
        records=tuple(read_record(path) for path in request.records),
        suite=request.suite,
        ask=Request(
            reason=request.reason,
            asked_by=environ.get("GITHUB_ACTOR") or "unknown",
            issue=request.issue,
            expires=request.expires,
        ),
        today=datetime.now(UTC).date(),
        base=base,
        cases=request.cases,
        people=People(labels=request.labels or (LABEL,), reviewers=request.reviewers),
        run_url=event.run_url or "",
        files_url=f"{event.server_url}/{event.repository}/blob",
    )


def _open(event: Event, token: str) -> AbstractContextManager[BranchApi]:
    from perfgate.github.pulls import GitHubPulls  # noqa: PLC0415 - PyGithub, for this alone

    return GitHubPulls(token=token, repository=event.repository or "", api_url=event.api_url)


def _say(edges: RealEdges, outcome: Outcome) -> None:
    told = f"{_TOLD[outcome.what]} {outcome.url}".strip()
    edges.say("warning" if outcome.what == "stuck" else "notice", told)
    for case, why in outcome.refused.items():
        edges.say("warning", f"No baseline of {case}: {why}")
    for note in outcome.notes:
        edges.say("warning", note)
