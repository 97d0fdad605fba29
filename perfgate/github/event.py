"""What started this run, from the GITHUB_* variables and the event payload. Pure: no effect.

The payload of a pull request is written in part by its author, so every field is checked before
it is used, and a wrong one is a ConfigurationError that names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from perfgate.errors import ConfigurationError

LOCAL: Final = "local"
_PULL_REQUEST_EVENTS: Final = frozenset(
    {"pull_request", "pull_request_target", "pull_request_review"}
)
_NAME: Final = re.compile(r"[a-z_]{1,60}")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}/[A-Za-z0-9._-]{1,100}")
_SHA: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_NO_COMMIT: Final = re.compile(r"0+")
_HTTP: Final = re.compile(r"https?://[^\s\x00-\x1f\x7f]{1,500}")
_MAX_NUMBER: Final = 2**53
_MAX_SHOWN_CHARS: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What happened, as far as perfgate needs it.

    name          GitHub's event name, or ``local`` outside of Actions
    repository    ``owner/name``; None outside of Actions
    pull_request  the number of the pull request that the event is about, if it is about one
    head_sha      pull_request: the commit that its author pushed (what is checked out is normally
                  GitHub's merge of it into the base, which no payload names reliably);
                  merge_group, push, others: the commit that the run is for
    base_sha      pull_request: the tip of the base branch when the event fired, which may lag
                  behind the checked-out merge commit's first parent; merge_group: its base, the
                  one to measure against; push, others: None (the first parent is the base)
    base_ref      the branch that the change goes to, without ``refs/heads/``
    labels        the pull request's labels
    is_fork       the pull request comes from another repository (a deleted one counts)
    on_default_branch  the run is for the newest of the default branch, not for a change to it
    """

    name: str
    repository: str | None = None
    pull_request: int | None = None
    head_sha: str | None = None
    base_sha: str | None = None
    base_ref: str | None = None
    labels: tuple[str, ...] = ()
    is_fork: bool = False
    on_default_branch: bool = False
    run_url: str | None = None
    api_url: str = "https://api.github.com"
    server_url: str = "https://github.com"
    workspace: str | None = None


def read_event(environ: Mapping[str, str], read_text: Callable[[str], str]) -> Event:
    """The event that the environment describes; raises ConfigurationError for a damaged one.

    ``read_text`` is given the path in GITHUB_EVENT_PATH; empty variables count as unset.
    """
    name = environ.get("GITHUB_EVENT_NAME") or LOCAL
    if not _NAME.fullmatch(name):
        raise _wrong_variable("GITHUB_EVENT_NAME", name, "an event name such as pull_request")
    server_url = _address(environ, "GITHUB_SERVER_URL", "https://github.com")
    api_url = _address(environ, "GITHUB_API_URL", "https://api.github.com")
    workspace = environ.get("GITHUB_WORKSPACE") or None
    if name == LOCAL:
        return Event(name=LOCAL, api_url=api_url, server_url=server_url, workspace=workspace)
    repository = environ.get("GITHUB_REPOSITORY", "")
    if not _REPOSITORY.fullmatch(repository):
        raise _wrong_variable("GITHUB_REPOSITORY", repository, "owner/name")
    payload = _Part("", _load(environ.get("GITHUB_EVENT_PATH", ""), read_text))
    head_sha, base_sha, base_ref = _commits(name, payload, environ)
    pull_request = _pull_request(name, payload)
    return Event(
        name=name,
        repository=repository,
        pull_request=_number(name, payload),
        head_sha=head_sha,
        base_sha=base_sha,
        base_ref=base_ref,
        labels=pull_request.names("labels") if pull_request else (),
        is_fork=pull_request is not None and _is_fork(pull_request, repository),
        on_default_branch=_on_default_branch(name, payload, environ),
        run_url=_run_url(environ, server_url, repository),
        api_url=api_url,
        server_url=server_url,
        workspace=workspace,
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """One JSON object of the payload with its path, for reading fields by type."""

    path: str
    fields: Mapping[str, Any]

    def part(self, key: str) -> _Part | None:
        value = self._get(key, dict)
        return None if value is None else _Part(self._path(key), value)

    def need(self, key: str) -> _Part:
        found = self.part(key)
        if found is None:
            raise _damaged(f"{self._path(key)} is missing")
        return found

    def text(self, key: str) -> str | None:
        value: str | None = self._get(key, str)
        return value or None

    def sha(self, key: str) -> str | None:
        value = self.text(key)
        if value is None or _NO_COMMIT.fullmatch(value):
            return None
        if not _SHA.fullmatch(value):
            raise _damaged(f"{self._path(key)} is {_shown(value)}, not a commit")
        return value

    def number(self, key: str) -> int | None:
        value: int | None = self._get(key, int)
        if value is not None and not 0 < value < _MAX_NUMBER:
            raise _damaged(f"{self._path(key)} is {_shown(value)}, not a pull request's number")
        return value

    def parts(self, key: str) -> tuple[_Part, ...]:
        items = self._get(key, list) or []
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                raise _damaged(f"{self._path(key)}[{index}] is {_shown(item)}, not an object")
        return tuple(_Part(f"{self._path(key)}[{i}]", item) for i, item in enumerate(items))

    def names(self, key: str) -> tuple[str, ...]:
        found = (part.text("name") for part in self.parts(key))
        return tuple(name for name in found if name is not None)

    def _get(self, key: str, kind: type) -> Any:  # noqa: ANN401 - checked here, typed by callers
        value = self.fields.get(key)
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise _damaged(f"{self._path(key)} is {_shown(value)}, not of type {kind.__name__}")
        return value

    def _path(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def _load(path: str, read_text: Callable[[str], str]) -> Mapping[str, Any]:
    if not path:
        raise _damaged("GITHUB_EVENT_PATH is not set")
    try:
        payload = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(f"{type(error).__name__} on reading it") from error
    if not isinstance(payload, dict):
        raise _damaged("it holds no JSON object")
    return payload


def _pull_request(name: str, payload: _Part) -> _Part | None:
    return payload.need("pull_request") if name in _PULL_REQUEST_EVENTS else None


def _number(name: str, payload: _Part) -> int | None:
    """The pull request that a comment belongs to; a run of another workflow names it in a list."""
    if pull_request := _pull_request(name, payload):
        number = pull_request.number("number")
        if number is None:
            raise _damaged("pull_request.number is missing")
        return number
    if name == "issue_comment":
        issue = payload.need("issue")
        return issue.number("number") if issue.part("pull_request") else None
    if name == "workflow_run":
        # Empty for a fork's run: GitHub lists only pull requests of the same repository.
        named = payload.need("workflow_run").parts("pull_requests")
        return named[0].number("number") if len(named) == 1 else None
    return None


def _commits(
    name: str, payload: _Part, environ: Mapping[str, str]
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
    if head_sha is not None and not _SHA.fullmatch(head_sha):
        raise _wrong_variable("GITHUB_SHA", head_sha, "a commit")
    ref = payload.text("ref") if name == "push" else None
    return head_sha, None, _branch(ref)


def _on_default_branch(name: str, payload: _Part, environ: Mapping[str, str]) -> bool:
    """GitHub runs a schedule there alone; whoever pushes or dispatches says where."""
    if name == "schedule":
        return True
    if name not in ("push", "workflow_dispatch"):
        return False
    repository = payload.part("repository")
    default = repository.text("default_branch") if repository else None
    return default is not None and environ.get("GITHUB_REF") == f"refs/heads/{default}"


def _branch(ref: str | None) -> str | None:
    return None if ref is None else ref.removeprefix("refs/heads/")


def _is_fork(pull_request: _Part, repository: str) -> bool:
    source = pull_request.need("head").part("repo")
    name = source.text("full_name") if source else None
    return name is None or name.lower() != repository.lower()


def _run_url(environ: Mapping[str, str], server_url: str, repository: str) -> str | None:
    run, attempt = environ.get("GITHUB_RUN_ID", ""), environ.get("GITHUB_RUN_ATTEMPT", "")
    if not run.isdecimal():
        return None
    url = f"{server_url}/{repository}/actions/runs/{run}"
    return f"{url}/attempts/{attempt}" if attempt.isdecimal() else url


def _address(environ: Mapping[str, str], variable: str, default: str) -> str:
    value = environ.get(variable) or default
    if not _HTTP.fullmatch(value):
        raise _wrong_variable(variable, value, "an address that starts with https://")
    return value.rstrip("/")


def _damaged(what: str) -> ConfigurationError:
    return ConfigurationError(
        f"the event payload that GITHUB_EVENT_PATH names cannot be used: {what}",
        fix="Run perfgate in a GitHub Actions step, or unset GITHUB_EVENT_NAME to run as on a "
        "laptop.",
    )


def _wrong_variable(variable: str, value: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        f"{variable} is {_shown(value)}, not {wanted}",
        fix="GitHub Actions sets it; outside of Actions unset GITHUB_EVENT_NAME.",
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN_CHARS else text[: _MAX_SHOWN_CHARS - 1] + "…"
