"""GitHub's people, reactions and workflow runs: who may what, what runs, what was started."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.fakes import github_documents as documents
from tests.fakes.github_wire import Answer, Request, not_found

_REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")
_OLD_WORDS = {"admin": "admin", "maintain": "write", "write": "write", "triage": "read"}
_NOW = "2026-03-01T12:00:00Z"
_MOST_INPUTS = 25


@dataclass(kw_only=True)
class Run:
    """A run of a workflow; ``created_at`` is in ISO 8601."""

    id: int
    head_sha: str
    head_branch: str = "feature"
    head_repository: str | None = "octo/bench"
    workflow: str = "perfgate.yml"
    event: str = "pull_request"
    title: str = "Make it faster"
    status: str = "completed"
    conclusion: str | None = "failure"
    created_at: str = "2026-03-01T11:00:00Z"
    attempt: int = 1


class People:
    """The routes of everything that a command in a comment needs besides comments and branches.

    ``comments`` finds a comment by its number. ``workflows`` are the files on the default branch
    with the inputs that each declares under ``workflow_dispatch``; None has no such trigger.
    """

    def __init__(
        self, repository: str, *, comment: Callable[[int], Any], number: Callable[[], int]
    ) -> None:
        self.repository = repository
        self.roles: dict[str, str] = {}
        self.reactions: list[tuple[int, str, str]] = []
        self.runs: list[Run] = []
        self.workflows: dict[str, frozenset[str] | None] = {}
        self.started: list[tuple[str, str, dict[str, str]]] = []
        self.may_act = True
        self._comment = comment
        self._number = number

    def continue_from(self, other: People) -> None:
        """Stand where another one stood."""
        for what in ("roles", "reactions", "runs", "workflows", "started"):
            setattr(self, what, deepcopy(getattr(other, what)))

    def routes(self, root: str) -> list[tuple[str, str, Any]]:
        actions = rf"{root}/actions"
        return [
            ("GET", rf"{root}/collaborators/([^/]+)/permission", self._permission),
            ("POST", rf"{root}/issues/comments/(\d+)/reactions", self._react),
            ("GET", rf"{actions}/runs", self._list),
            ("GET", rf"{actions}/workflows/([^/]+)/runs", self._of_workflow),
            ("POST", rf"{actions}/workflows/([^/]+)/dispatches", self._dispatch),
            ("POST", rf"{actions}/runs/(\d+)/rerun", self._rerun),
        ]

    def reactions_on(self, comment: int) -> list[str]:
        return [content for number, _, content in self.reactions if number == comment]

    def _permission(self, request: Request) -> Answer:
        login = request.groups[0]
        if login.endswith("[bot]"):
            return not_found()
        role = self.roles.get(login, "read")
        body = {
            "permission": _OLD_WORDS.get(role, "read"),
            "role_name": role,
            "user": {**documents.user(request.root, login), "role_name": role},
        }
        return Answer(body=body)

    def _react(self, request: Request) -> Answer:
        if self._comment(request.number) is None:
            return not_found()
        content = request.json()["content"]
        if content not in _REACTIONS:
            return Answer(status=422, body=documents.invalid("no such reaction"))
        one = (request.number, request.login, content)
        known = one in self.reactions
        if not known:
            self.reactions.append(one)
        body = {
            "id": self.reactions.index(one) + 1,
            "node_id": "R_1",
            "user": documents.user(request.root, request.login),
            "content": content,
            "created_at": _NOW,
        }
        return Answer(status=200 if known else 201, body=body)

    def _list(self, request: Request) -> Answer:
        wanted = request.query
        found = [
            one
            for one in self.runs
            if wanted.get("event", one.event) == one.event
            and wanted.get("branch", one.head_branch) == one.head_branch
        ]
        return self._page(request, found)

    def _of_workflow(self, request: Request) -> Answer:
        if request.groups[0] not in self.workflows:
            return not_found()
        event = request.query.get("event")
        found = [
            one
            for one in self.runs
            if one.workflow == request.groups[0] and event in (None, one.event)
        ]
        return self._page(request, found)

    def _page(self, request: Request, found: list[Run]) -> Answer:
        newest = sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)
        size, page = (
            int(request.query.get(name, n)) for name, n in (("per_page", 30), ("page", 1))
        )
        shown = newest[(page - 1) * size : page * size]
        return Answer(
            body={
                "total_count": len(newest),
                "workflow_runs": [self._document(request.root, one) for one in shown],
            }
        )

    def _dispatch(self, request: Request) -> Answer:
        if not self.may_act:
            return Answer(
                status=403, body=documents.problem("Resource not accessible by integration")
            )
        file, asked = request.groups[0], json.loads(request.body)
        if file not in self.workflows:
            return not_found()
        declared, given = self.workflows[file], asked.get("inputs", {})
        if declared is None:
            told = "Workflow does not have 'workflow_dispatch' trigger"
            return Answer(status=422, body=documents.problem(told))
        unknown = sorted(set(given) - declared)
        if unknown:
            told = f"Unexpected inputs provided: {json.dumps(unknown)}"
            return Answer(status=422, body=documents.problem(told))
        self.started.append((file, asked["ref"], given))
        self.runs.append(
            Run(
                id=self._number(),
                head_sha="d" * 40,
                head_branch=asked["ref"],
                workflow=file,
                event="workflow_dispatch",
                # What the workflow's own `run-name` makes of it.
                title=f"perfgate: asked for in comment {given.get('request', '')}",
                status="queued",
                conclusion=None,
                created_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            )
        )
        return Answer(status=204)

    def _rerun(self, request: Request) -> Answer:
        found = next((one for one in self.runs if one.id == request.number), None)
        if found is None:
            return not_found()
        if found.status != "completed":
            told = "This workflow run cannot be retried: it is already running"
            return Answer(status=403, body=documents.problem(told))
        found.status, found.conclusion, found.attempt = "queued", None, found.attempt + 1
        return Answer(status=201, body={})

    def _document(self, root: str, run: Run) -> dict[str, Any]:
        url = f"{root}/repos/{self.repository}/actions/runs/{run.id}"
        links = ("jobs", "logs", "cancel", "rerun", "artifacts")
        person = {"name": "A", "email": "a@example.org"}
        source = run.head_repository
        return {
            **{f"{link}_url": f"{url}/{link}" for link in links},
            "id": run.id,
            "node_id": f"WFR_{run.id}",
            "name": "perfgate",
            "head_branch": run.head_branch,
            "head_sha": run.head_sha,
            "path": f".github/workflows/{run.workflow}",
            "display_title": run.title,
            "run_number": run.id,
            "run_attempt": run.attempt,
            "event": run.event,
            "status": run.status,
            "conclusion": run.conclusion,
            "workflow_id": 5,
            "check_suite_url": f"{root}/repos/{self.repository}/check-suites/{run.id}",
            "workflow_url": f"{root}/repos/{self.repository}/actions/workflows/5",
            "url": url,
            "html_url": f"{root}/{self.repository}/actions/runs/{run.id}",
            "created_at": run.created_at,
            "updated_at": run.created_at,
            "run_started_at": run.created_at,
            "pull_requests": [],
            "head_commit": {
                "id": run.head_sha,
                "tree_id": run.head_sha,
                "message": "x",
                "timestamp": run.created_at,
                "author": person,
                "committer": person,
            },
            "repository": documents.repository(root, self.repository, push=False),
            "head_repository": (
                None if source is None else documents.repository(root, source, push=False)
            ),
        }
