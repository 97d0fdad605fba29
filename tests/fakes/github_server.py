"""A stateful stand-in for GitHub's API on a free loopback port, with faults to order.

Comments and paging stand here, branches and pull requests beside it. It keeps every exchange, so
that a test can hold them against GitHub's own description of its API (tests/e2e); it must answer
nothing that GitHub would not.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from copy import deepcopy
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.fakes import github_documents as documents
from tests.fakes.github_artifacts import Artifacts
from tests.fakes.github_checks import Checks
from tests.fakes.github_faults import Fault, Handler
from tests.fakes.github_git import BareRepository, GitData
from tests.fakes.github_issues import Issues
from tests.fakes.github_people import People
from tests.fakes.github_pulls import Pulls
from tests.fakes.github_wire import Answer, Exchange, Request, remember

__all__ = ["BOT", "Answer", "Exchange", "FakeGitHub", "Fault"]

BOT = "github-actions[bot]"
_COMMENT_LIMIT = 65_536


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    github: FakeGitHub


class FakeGitHub:
    """The server and its state: one repository, its pull requests and their comments.

    ``folder`` takes a bare git repository, without which there are no branches.
    """

    def __init__(
        self,
        *,
        repository: str = "octo/bench",
        token: str = "a-token",
        page_limit: int = 100,
        folder: Path | None = None,
    ) -> None:
        self.repository = repository
        self.logins = {token: BOT}
        self.page_limit = page_limit
        self.read_only = False
        self.has_graphql = True
        self.token_headers: dict[str, str] = {}
        self.pull_requests = {7}
        self.comments: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self.exchanges: list[Exchange] = []
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._count = 0
        self._ids = iter(range(1001, 10**9))
        self.checks = Checks(repository, number=lambda: next(self._ids))
        self.artifacts = Artifacts(repository)
        self.people = People(repository, comment=self._find, number=lambda: next(self._ids))
        self.issues = Issues(repository, number=self._next_number, pulls=self.pull_requests)
        self.bare = None if folder is None else BareRepository(folder)
        self.pulls = (
            None
            if self.bare is None
            else Pulls(repository, self.bare, number=self._next_pull_request)
        )
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.github = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.artifacts.close()
        remember(self.exchanges)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, method: str, path: str, **fault: Any) -> None:
        """Add a fault; the keywords are those of :class:`Fault`, or of its answer."""
        names = ("status", "body", "headers", "message")
        told = {name: fault.pop(name) for name in names if name in fault}
        if "message" in told:
            told["body"] = documents.problem(told.pop("message"))
        self.faults.append(Fault(method=method, path=path, answer=Answer(**told), **fault))

    def meanwhile(self, method: str, path: str, first: Callable[[], object]) -> None:
        """Do this just before the next request of the kind is answered."""
        self.faults.append(Fault(method=method, path=path, how="work", first=first))

    def recount(self) -> None:
        """Count requests from here; forget what was ordered and exchanged before."""
        remember(self.exchanges)
        self._count = 0
        self.faults.clear()
        self.exchanges.clear()

    def continue_from(self, other: FakeGitHub) -> None:
        """Stand where another one stood, whose git repository ``folder`` is a copy of."""
        self.comments = deepcopy(other.comments)
        self.pull_requests.clear()
        self.pull_requests |= other.pull_requests
        self.issues.continue_from(other.issues)
        self.checks.runs = deepcopy(other.checks.runs)
        self.people.continue_from(other.people)
        self._ids = iter(range(next(other._ids), 10**9))
        if self.pulls is not None and other.pulls is not None:
            self.pulls.all = deepcopy(other.pulls.all)

    def _next_number(self) -> int:
        return max(self._conversations()) + 1

    def _next_pull_request(self) -> int:
        number = self._next_number()
        self.pull_requests.add(number)
        return number

    def _conversations(self) -> set[int]:
        """The numbers of pull requests and issues, which share them."""
        return self.pull_requests | {one.number for one in self.issues.all}

    def add_comment(
        self, body: str, *, author: str | None = "someone", pull_request: int = 7
    ) -> int:
        """A comment that is there already; an author of None has deleted the account."""
        number = next(self._ids)
        self.comments.append(
            {"id": number, "body": body, "author": author, "pull_request": pull_request, "edits": 0}
        )
        return number

    def by(self, author: str) -> list[dict[str, Any]]:
        return [comment for comment in self.comments if comment["author"] == author]

    def asked(self, method: str, path: str = "") -> list[Exchange]:
        """The exchanges with this method whose path holds ``path``."""
        return [one for one in self.exchanges if one.method == method and path in one.path]

    def take_fault(self, method: str, path: str) -> Fault | None:
        with self._lock:
            self._count += 1
            found = next(
                (fault for fault in self.faults if fault.hits(method, path, self._count)), None
            )
            if found is not None:
                found.times -= 1
        if found is not None and found.first is not None:
            found.first()
        return found

    def work(self, method: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Do what a request asks for."""
        login = self.logins.get(headers.get("authorization", "").split(" ")[-1])
        if login is None:
            return Answer(status=401, body=documents.problem("Bad credentials"))
        root = f"http://{headers['host']}"
        parts = urlsplit(url)
        if method == "POST" and parts.path == "/graphql":
            return self._graphql(login, json.loads(body))
        if method == "GET" and parts.path == f"/repos/{self.repository}":
            return Answer(
                body=documents.repository(root, self.repository, push=not self.read_only),
                headers=self.token_headers,
            )
        for wanted, pattern, route in self._routes():
            found = re.fullmatch(pattern, parts.path)
            if wanted == method and found:
                if method != "GET" and self.read_only:
                    return Answer(
                        status=403, body=documents.problem("Resource not accessible by integration")
                    )
                request = Request(
                    root=root,
                    login=login,
                    groups=tuple(unquote(group) for group in found.groups()),
                    query={name: values[-1] for name, values in parse_qs(parts.query).items()},
                    body=body,
                )
                with self._lock:
                    return route(request)
        return Answer(status=404, body=documents.problem("Not Found"))

    def _routes(self) -> list[tuple[str, str, Callable[[Request], Answer]]]:
        root = f"/repos/{re.escape(self.repository)}"
        issues = f"{root}/issues"
        more = []
        if self.bare is not None and self.pulls is not None:
            more = [
                *GitData(self.repository, self.bare).routes(root),
                *self.pulls.routes(root),
            ]
        return [
            *self.people.routes(root),
            *more,
            *self.artifacts.routes(root),
            *self.checks.routes(root),
            *self.issues.routes(root),
            ("GET", rf"{issues}/(\d+)", self._get_issue),
            ("GET", rf"{issues}/(\d+)/comments", self._list),
            ("POST", rf"{issues}/(\d+)/comments", self._create),
            ("GET", rf"{issues}/comments/(\d+)", self._get),
            ("PATCH", rf"{issues}/comments/(\d+)", self._edit),
            ("DELETE", rf"{issues}/comments/(\d+)", self._delete),
        ]

    def _graphql(self, login: str, asked: dict[str, Any]) -> Answer:
        if not self.has_graphql:
            return Answer(status=404, body=documents.problem("Not Found"))
        if self.pulls is not None and asked["query"].startswith("mutation"):
            return Answer(body=self.pulls.mutate(asked["query"], asked["variables"]))
        return Answer(body={"data": {"viewer": {"login": login}}})

    def _get_issue(self, request: Request) -> Answer:
        if request.number not in self.pull_requests:
            return Answer(status=404, body=documents.problem("Not Found"))
        held = sum(one["pull_request"] == request.number for one in self.comments)
        return Answer(
            body=documents.issue(request.root, self.repository, request.number, comments=held)
        )

    def _list(self, request: Request) -> Answer:
        if request.number not in self._conversations():
            return Answer(status=404, body=documents.problem("Not Found"))
        held = [one for one in self.comments if one["pull_request"] == request.number]
        size = min(int(request.query.get("per_page", "30")), self.page_limit)
        page = int(request.query.get("page", "1"))
        last = max(1, -(-len(held) // size))
        path = f"{request.root}/repos/{self.repository}/issues/{request.number}/comments"
        links = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
        shown = {
            name: number
            for name, number in links.items()
            if 1 <= number <= last and not (name in ("last", "first") and number == page)
        }
        told = ", ".join(
            f'<{path}?per_page={size}&page={number}>; rel="{name}"'
            for name, number in shown.items()
        )
        return Answer(
            body=[self._comment(request, one) for one in held[(page - 1) * size : page * size]],
            headers={"Link": told} if told else {},
        )

    def _create(self, request: Request) -> Answer:
        if request.number not in self._conversations():
            return Answer(status=404, body=documents.problem("Not Found"))
        body = _text(request)
        if body is None:
            return Answer(status=422, body=documents.invalid("body is too long, or no text"))
        self.add_comment(body, author=request.login, pull_request=request.number)
        created = self._comment(request, self.comments[-1])
        return Answer(status=201, body=created, headers={"Location": created["url"]})

    def _get(self, request: Request) -> Answer:
        found = self._find(request.number)
        if found is None:
            return Answer(status=404, body=documents.problem("Not Found"))
        return Answer(body=self._comment(request, found))

    def _edit(self, request: Request) -> Answer:
        found, body = self._find(request.number), _text(request)
        if found is None:
            return Answer(status=404, body=documents.problem("Not Found"))
        if body is None:
            return Answer(status=422, body=documents.invalid("body is too long, or no text"))
        found.update(body=body, edits=found["edits"] + 1)
        return Answer(body=self._comment(request, found))

    def _delete(self, request: Request) -> Answer:
        found = self._find(request.number)
        if found is None:
            return Answer(status=404, body=documents.problem("Not Found"))
        self.comments.remove(found)
        return Answer(status=204)

    def _find(self, number: int) -> dict[str, Any] | None:
        return next((one for one in self.comments if one["id"] == number), None)

    def _comment(self, request: Request, one: dict[str, Any]) -> dict[str, Any]:
        return documents.comment(
            request.root,
            self.repository,
            one["pull_request"],
            number=one["id"],
            author=one["author"],
            body=one["body"],
        )


def _text(request: Request) -> str | None:
    """The ``body`` field of a comment, or None for what GitHub refuses."""
    try:
        value = request.json()["body"]
    except (ValueError, LookupError, TypeError):
        return None
    good = isinstance(value, str) and value.strip() and len(value) <= _COMMENT_LIMIT
    return value if good else None
