"""GitHub's issues beside its pull requests, with which they share their numbers."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tests.fakes import github_documents as documents
from tests.fakes.github_wire import Answer, Request, not_found

NOW = "2026-11-21T23:00:00Z"
_BODY_LIMIT = 65_536


@dataclass(kw_only=True)
class Issue:
    """One issue; ``author`` is None where its account is gone."""

    number: int
    author: str | None
    title: str
    body: str
    labels: list[str] = field(default_factory=list)
    state: str = "open"
    reason: str | None = None
    closed_at: str | None = None
    edits: int = 0


class Issues:
    """The routes of issues; ``pulls`` are numbers that a list names as pull requests."""

    def __init__(self, repository: str, *, number: Callable[[], int], pulls: set[int]) -> None:
        self.repository = repository
        self.all: list[Issue] = []
        self.enabled = True
        self.page_limit = 100
        self._number = number
        self._pulls = pulls

    @property
    def open(self) -> list[Issue]:
        return [one for one in self.all if one.state == "open"]

    def add(self, title: str, body: str, *, author: str | None = "someone") -> Issue:
        """An issue that is there already."""
        made = Issue(number=self._number(), author=author, title=title, body=body)
        self.all.append(made)
        return made

    def close(self, issue: Issue, *, reason: str = "completed", at: str = NOW) -> None:
        """Close it, as a person does."""
        issue.state, issue.reason, issue.closed_at = "closed", reason, at

    def continue_from(self, other: Issues) -> None:
        self.all = deepcopy(other.all)

    def find(self, number: int) -> Issue | None:
        return next((one for one in self.all if one.number == number), None)

    def routes(self, root: str) -> list[tuple[str, str, Callable[[Request], Answer]]]:
        return [
            ("GET", rf"{root}/issues", self._list),
            ("POST", rf"{root}/issues", self._open),
            ("PATCH", rf"{root}/issues/(\d+)", self._edit),
        ]

    def _page(self, request: Request, found: list[Any]) -> Answer:
        size = min(int(request.query.get("per_page", "30")), self.page_limit)
        page = int(request.query.get("page", "1"))
        path = f"{request.root}/repos/{self.repository}/issues?per_page={size}&page={page + 1}"
        more = page * size < len(found)
        return Answer(
            body=found[(page - 1) * size : page * size],
            headers={"Link": f'<{path}>; rel="next"'} if more else {},
        )

    def _list(self, request: Request) -> Answer:
        wanted = request.query
        found = [
            self._document(request, one)
            for one in self.all
            if wanted.get("state", "open") in ("all", one.state)
            and wanted.get("creator", one.author) == one.author
        ]
        # To GitHub a pull request is an issue as well.
        if wanted.get("creator") in (None, "someone"):
            root = request.root
            found += [
                documents.issue(root, self.repository, n, comments=0) for n in sorted(self._pulls)
            ]
        found.sort(key=lambda one: one["number"], reverse=wanted.get("direction") != "asc")
        return self._page(request, found)

    def _open(self, request: Request) -> Answer:
        asked = request.json()
        if not self.enabled:
            told = "Issues has been disabled in this repository."
            return Answer(status=410, body=documents.problem(told))
        if len(asked.get("body") or "") > _BODY_LIMIT:
            return Answer(status=422, body=documents.invalid("body is too long"))
        made = Issue(
            number=self._number(),
            author=request.login,
            title=asked["title"],
            body=asked.get("body") or "",
            labels=list(asked.get("labels") or ()),
        )
        self.all.append(made)
        document = self._document(request, made)
        return Answer(status=201, body=document, headers={"Location": document["url"]})

    def _edit(self, request: Request) -> Answer:
        issue, asked = self.find(request.number), request.json()
        if issue is None:
            return not_found()
        if len(asked.get("body") or "") > _BODY_LIMIT:
            return Answer(status=422, body=documents.invalid("body is too long"))
        if asked.get("state") == "closed" and issue.state == "open":
            self.close(issue, reason=asked.get("state_reason") or "completed")
        if asked.get("state") == "open" and issue.state == "closed":
            issue.state, issue.reason, issue.closed_at = "open", "reopened", None
        issue.edits += 1
        issue.title = asked.get("title", issue.title)
        issue.body = asked.get("body", issue.body)
        issue.labels = asked.get("labels", issue.labels)
        return Answer(body=self._document(request, issue))

    def _document(self, request: Request, issue: Issue) -> dict[str, Any]:
        return documents.plain_issue(
            request.root,
            self.repository,
            number=issue.number,
            author=issue.author,
            title=issue.title,
            body=issue.body,
            labels=issue.labels,
            state=issue.state,
            reason=issue.reason,
            closed_at=issue.closed_at,
        )
