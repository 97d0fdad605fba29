"""What started this run, from the GITHUB_* variables and the event payload. Pure: no effect.

What an event calls for is perfgate.github.mode's to say; how its payload is checked is
perfgate.github.payload's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from perfgate.errors import ConfigurationError
from perfgate.github.payload import Part, damaged, is_commit, load, shown

LOCAL: Final = "local"
_PULL_REQUEST_EVENTS: Final = frozenset(
    {"pull_request", "pull_request_target", "pull_request_review"}
)
# Accounts of an enterprise's own directory end in _ and its short name.
_OWNER: Final = r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}"
_LOGIN: Final = re.compile(rf"{_OWNER}(\[bot\])?")
_REPOSITORY: Final = re.compile(rf"{_OWNER}/[A-Za-z0-9._-]{{1,100}}")
_WORD: Final = re.compile(r"[a-z_]{1,60}")
_BRANCH: Final = re.compile(r"[^\s\x00-\x1f\x7f]{1,500}")
_HTTP: Final = re.compile(r"https?://[^\s\x00-\x1f\x7f]{1,500}")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,15}")
_MOST_LABELS: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedRun:
    """Another workflow's run, as a ``workflow_run`` event tells it; anybody's fork may be its head.

    event            what had started that run, for example ``pull_request``
    conclusion       GitHub's word for its end, None while it runs
    head_branch      empty for a run that no branch started
    head_owner       the account that owns head_repository
    head_repository  ``owner/name``; it and head_owner are empty where it was deleted
    """

    id: int
    attempt: int
    event: str
    conclusion: str | None
    head_sha: str
    head_branch: str
    head_owner: str
    head_repository: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenComment:
    """The comment of an ``issue_comment`` event; ``author`` is empty when its account is gone.

    is_new      it was just created, not edited or deleted
    created_at  when, by GitHub's clock; None where the payload does not say
    """

    id: int
    author: str
    body: str = field(repr=False)
    is_new: bool
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened, as far as perfgate needs it.

    name          GitHub's event name, or ``local`` outside of Actions; ``pull_request``, too, for
                  a workflow_dispatch that names one, as `/perfgate rerun` starts it
    repository    ``owner/name``; None outside of Actions
    pull_request  the number of the pull request that the event is about, if it names it surely:
                  for workflow_run never, since GitHub's list of them is empty for forks
    head_sha      pull_request: the commit that its author pushed (what is checked out is normally
                  GitHub's merge of it into the base, which no payload names reliably);
                  merge_group, push, others: the commit that the run is for
    base_sha      pull_request: the tip of the base branch when the event fired, which may lag
                  behind the checked-out merge commit's first parent; merge_group: its base, the
                  one to measure against; push, others: None (the first parent is the base);
                  None, too, for a workflow_dispatch that names a pull request (base_ref says it)
    base_ref      the branch that the change goes to, without ``refs/heads/``
    labels        the pull request's labels
    is_fork       the pull request comes from another repository (a deleted one counts)
    on_default_branch  the run is for the newest of the default branch, not for a change to it
    finished      workflow_run: the run that ended
    comment       issue_comment: what was written
    run_id, run_attempt  this run of a workflow, and which try of it
    """

    name: str
    repository: str | None = None
    pull_request: int | None = None
    head_sha: str | None = None
    base_sha: str | None = None
    base_ref: str | None = None
    labels: tuple[str, ...] = ()
    is_fork: bool = False
    default_branch: str | None = None
    on_default_branch: bool = False
    finished: FinishedRun | None = None
    comment: WrittenComment | None = None
    run_id: int | None = None
    run_attempt: int | None = None
    run_url: str | None = None
    api_url: str = "https://api.github.com"
    server_url: str = "https://github.com"
    workspace: str | None = None


def read_event(environ: Mapping[str, str], read_text: Callable[[str], str]) -> Event:
    """The event that the environment describes; raises ConfigurationError for a damaged one.

    ``read_text`` is given the path in GITHUB_EVENT_PATH; empty variables count as unset.
    """
    name = environ.get("GITHUB_EVENT_NAME") or LOCAL
    if not _WORD.fullmatch(name):
        raise _wrong_variable("GITHUB_EVENT_NAME", name, "an event name such as pull_request")
    server_url = _address(environ, "GITHUB_SERVER_URL", "https://github.com")
    api_url = _address(environ, "GITHUB_API_URL", "https://api.github.com")
    workspace = environ.get("GITHUB_WORKSPACE") or None
    if name == LOCAL:
        return Event(name=LOCAL, api_url=api_url, server_url=server_url, workspace=workspace)
    repository = environ.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(repository):
        raise _wrong_variable("GITHUB_REPOSITORY", repository, "owner/name")
    payload = load(environ.get("GITHUB_EVENT_PATH", ""), read_text)
    head_sha, base_sha, base_ref = _commits(name, payload, environ)
    pull_request = _pull_request(name, payload)
    default_branch = _default_branch(payload)
    run_id, run_attempt = _run(environ)
    event = Event(
        name=name,
        repository=repository,
        pull_request=_number(name, payload),
        head_sha=head_sha,
        base_sha=base_sha,
        base_ref=base_ref,
        labels=pull_request.names("labels") if pull_request else (),
        is_fork=pull_request is not None and _is_fork(pull_request, repository),
        default_branch=default_branch,
        on_default_branch=_on_default_branch(name, default_branch, environ),
        finished=_finished(payload) if name == "workflow_run" else None,
        comment=_comment(payload) if name == "issue_comment" else None,
        run_id=run_id,
        run_attempt=run_attempt,
        run_url=_run_url(f"{server_url}/{repository}", run_id, run_attempt),
        api_url=api_url,
        server_url=server_url,
        workspace=workspace,
    )
    return _asked_for(event, payload) if name == "workflow_dispatch" else event


def _asked_for(event: Event, payload: Part) -> Event:
    """A run by hand for a pull request is the same as one of the pull request's own event."""
    inputs = payload.part("inputs")
    number = inputs.like(_NUMBER, "pull-request", "a number") if inputs else None
    if inputs is None or number is None:
        return event
    head, base = inputs.sha("head"), inputs.like(_BRANCH, "base", "a branch")
    if head is None or base is None:
        raise damaged("inputs.head and inputs.base go with inputs.pull-request: commit and branch")
    labels = (inputs.text("labels") or "").split("\n")[:_MOST_LABELS]
    return replace(
        event,
        name="pull_request",
        pull_request=int(number),
        head_sha=head,
        base_ref=base,
        labels=tuple(label for label in labels if label),
        on_default_branch=False,
    )


def _pull_request(name: str, payload: Part) -> Part | None:
    return payload.need("pull_request") if name in _PULL_REQUEST_EVENTS else None


def _number(name: str, payload: Part) -> int | None:
    if pull_request := _pull_request(name, payload):
        return pull_request.need_number("number")
    if name == "issue_comment":
        issue = payload.need("issue")
        return issue.need_number("number") if issue.part("pull_request") else None
    return None


def _finished(payload: Part) -> FinishedRun:
    run = payload.need("workflow_run")
    head_sha = run.sha("head_sha")
    if head_sha is None:
        raise damaged("workflow_run.head_sha is missing")
    repository = run.part("head_repository")
    name = repository.like(_REPOSITORY, "full_name", "owner/name") if repository else None
    return FinishedRun(
        id=run.need_number("id"),
        attempt=run.number("run_attempt") or 1,
        event=run.like(_WORD, "event", "an event name") or "",
        conclusion=run.like(_WORD, "conclusion", "a word of GitHub's"),
        head_sha=head_sha,
        head_branch=run.like(_BRANCH, "head_branch", "a branch") or "",
        head_owner=name.partition("/")[0] if name else "",
        head_repository=name or "",
    )


def _comment(payload: Part) -> WrittenComment:
    comment = payload.need("comment")
    author = comment.part("user")
    return WrittenComment(
        id=comment.need_number("id"),
        author=(author.like(_LOGIN, "login", "an account") or "") if author else "",
        body=comment.text("body") or "",
        is_new=payload.text("action") == "created",
        created_at=comment.time("created_at"),
    )


def _commits(
    name: str, payload: Part, environ: Mapping[str, str]
) -> tuple[str | None, str | None, str | None]:
    """Head commit, base commit and base branch; see :class:`Event` for what they mean."""
    if pull_request := _pull_request(name, payload):
        head, base = pull_request.need("head"), pull_request.need("base")
        return head.sha("sha"), base.sha("sha"), base.text("ref")
    if name == "merge_group":
        group = payload.need("merge_group")
        ref = group.text("base_ref")
        return group.sha("head_sha"), group.sha("base_sha"), _branch(ref)
    head_sha = environ.get("GITHUB_SHA") or None
    if head_sha is not None and not is_commit(head_sha):
        raise _wrong_variable("GITHUB_SHA", head_sha, "a commit")
    ref = payload.text("ref") if name == "push" else None
    return head_sha, None, _branch(ref)


def _default_branch(payload: Part) -> str | None:
    repository = payload.part("repository")
    return repository.like(_BRANCH, "default_branch", "a branch") if repository else None


def _on_default_branch(name: str, default: str | None, environ: Mapping[str, str]) -> bool:
    """GitHub runs a schedule there alone; whoever pushes or dispatches says where."""
    if name == "schedule":
        return True
    if name not in ("push", "workflow_dispatch"):
        return False
    return default is not None and environ.get("GITHUB_REF") == f"refs/heads/{default}"


def _branch(ref: str | None) -> str | None:
    return None if ref is None else ref.removeprefix("refs/heads/")


def _is_fork(pull_request: Part, repository: str) -> bool:
    source = pull_request.need("head").part("repo")
    name = source.text("full_name") if source else None
    return name is None or name.lower() != repository.lower()


def _run(environ: Mapping[str, str]) -> tuple[int | None, int | None]:
    found = (environ.get(name, "") for name in ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"))
    number, attempt = (int(one) if _NUMBER.fullmatch(one) else None for one in found)
    return number, attempt


def _run_url(repository_url: str, number: int | None, attempt: int | None) -> str | None:
    if number is None:
        return None
    url = f"{repository_url}/actions/runs/{number}"
    return url if attempt is None else f"{url}/attempts/{attempt}"


def _address(environ: Mapping[str, str], variable: str, default: str) -> str:
    value = environ.get(variable) or default
    if not _HTTP.fullmatch(value):
        raise _wrong_variable(variable, value, "an address that starts with https://")
    return value.rstrip("/")


def _wrong_variable(variable: str, value: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        f"{variable} is {shown(value)}, not {wanted}",
        fix="GitHub Actions sets it; outside of Actions unset GITHUB_EVENT_NAME.",
    )
