"""GitHub's pull requests over the fake's branches: open, edit, close, label, ask for a review."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes import github_documents as documents
from tests.fakes.github_commit_documents import changed_file
from tests.fakes.github_git import BareRepository
from tests.fakes.github_wire import Answer, Request, not_found

_BODY_LIMIT = 65_536


@dataclass(kw_only=True)
class Pull:
    """One pull request; ``closed_at`` freezes its last commit.

    ``fork`` is the repository that it comes from where that is another one; its commits are under
    ``refs/pull`` here, as GitHub keeps them.
    """

    number: int
    author: str
    title: str
    body: str
    head: str
    base: str
    draft: bool
    fork: str | None = None
    state: str = "open"
    closed_at: str | None = None
    merged: bool = False
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)


class Pulls:
    """The routes of pull requests, and what may be told of them."""

    def __init__(self, repository: str, bare: BareRepository, *, number: Callable[[], int]) -> None:
        self.repository = repository
        self.all: list[Pull] = []
        self.collaborators = {"alice", "bob"}
        self.teams = {"perf"}
        self.may_open = True
        self.has_drafts = True
        self._owner, _, _ = repository.partition("/")
        self._bare = bare
        self._number = number

    @property
    def open(self) -> list[Pull]:
        return [one for one in self.all if one.state == "open"]

    def close(self, pull: Pull) -> None:
        """Close it, as a person does."""
        pull.state, pull.closed_at = "closed", self._tip(pull)

    def merge(self, pull: Pull) -> None:
        """Say that it was merged; what that does to the base branch is for the caller."""
        self.close(pull)
        pull.merged = True

    def from_fork(self, fork: str, branch: str, sha: str, *, number: int | None = None) -> Pull:
        """A pull request from a fork's branch, whose last commit is ``sha``."""
        pull = Pull(
            number=number or self._number(),
            author=fork.partition("/")[0],
            title="Make it faster",
            body="",
            head=branch,
            base="main",
            draft=False,
            fork=fork,
        )
        self._bare.git("update-ref", f"refs/pull/{pull.number}/head", sha)
        self.all.append(pull)
        return pull

    def routes(self, root: str) -> list[tuple[str, str, Any]]:
        return [
            ("GET", rf"{root}/pulls", self._list),
            ("POST", rf"{root}/pulls", self._open),
            ("GET", rf"{root}/pulls/(\d+)", self._get),
            ("PATCH", rf"{root}/pulls/(\d+)", self._edit),
            ("GET", rf"{root}/pulls/(\d+)/files", self._files),
            ("POST", rf"{root}/pulls/(\d+)/requested_reviewers", self._review),
            ("POST", rf"{root}/issues/(\d+)/labels", self._label),
        ]

    def mutate(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The two GraphQL mutations that REST has no counterpart for."""
        name = (
            "convertPullRequestToDraft" if "ToDraft" in query else "markPullRequestReadyForReview"
        )
        node = variables["input"]["pullRequestId"]
        pull = next(one for one in self.all if f"PR_{one.number}" == node)
        if name == "convertPullRequestToDraft" and not self.has_drafts:
            return {
                "data": {name: None},
                "errors": [{"message": "Draft pull requests are not ..."}],
            }
        pull.draft = name == "convertPullRequestToDraft"
        return {"data": {name: {"pullRequest": {"isDraft": pull.draft}}}}

    def _list(self, request: Request) -> Answer:
        wanted = request.query
        state = wanted.get("state", "open")
        found = [
            one
            for one in reversed(self.all)
            if state in ("all", one.state)
            and wanted.get("base", one.base) == one.base
            and wanted.get("head", self._label_of(one)) == self._label_of(one)
        ]
        return Answer(body=[self._document(request, one, whole=False) for one in found])

    def _open(self, request: Request) -> Answer:
        asked = request.json()
        if (refusal := self._refusal(asked)) is not None:
            return refusal
        pull = Pull(
            number=self._number(),
            author=request.login,
            title=asked["title"],
            body=asked.get("body", ""),
            head=asked["head"],
            base=asked["base"],
            draft=bool(asked.get("draft")),
        )
        self.all.append(pull)
        return Answer(status=201, body=self._document(request, pull))

    def _refusal(self, asked: dict[str, Any]) -> Answer | None:
        if not self.may_open:
            told = "GitHub Actions is not permitted to create or approve pull requests."
            return Answer(status=403, body=documents.problem(told))
        if asked.get("draft") and not self.has_drafts:
            told = "Draft pull requests are not supported in this repository."
            return Answer(status=422, body=documents.problem(told))
        head, base = asked["head"], asked["base"]
        tip, onto = self._bare.tip(head), self._bare.tip(base)
        told = ""
        if tip is None or onto is None:
            told = "invalid"
        elif self._bare.git("rev-list", "--count", f"{onto}..{tip}") == "0":
            told = f"No commits between {base} and {head}"
        elif any((one.head, one.base) == (head, base) for one in self.open):
            told = f"A pull request already exists for {self._owner}:{head}."
        elif len(asked.get("body", "")) > _BODY_LIMIT:
            told = "body is too long (maximum is 65536 characters)"
        return self._refused(None, told) if told else None

    def _get(self, request: Request) -> Answer:
        pull = self._find(request)
        return not_found() if pull is None else Answer(body=self._document(request, pull))

    def _files(self, request: Request) -> Answer:
        pull = self._find(request)
        if pull is None:
            return not_found()
        base = self._bare.git("merge-base", pull.base, self._tip(pull) or "")
        told = self._bare.git("diff", "--name-status", "--no-renames", "-z", base, self._tip(pull))
        words = [word for word in told.split("\0") if word]
        status = {"A": "added", "D": "removed"}
        return Answer(
            body=[
                changed_file(
                    request.root,
                    self.repository,
                    path=path,
                    sha="0" * 40,
                    status=status.get(letter, "modified"),
                )
                for letter, path in zip(words[::2], words[1::2], strict=True)
            ]
        )

    def _edit(self, request: Request) -> Answer:
        pull, asked = self._find(request), request.json()
        if pull is None:
            return not_found()
        if len(asked.get("body") or "") > _BODY_LIMIT:
            return self._refused("body", "body is too long (maximum is 65536 characters)")
        if asked.get("state") == "open" and pull.state == "closed":
            if any((one.head, one.base) == (pull.head, pull.base) for one in self.open):
                return self._refused("base", f"A pull request already exists for {pull.head}.")
            pull.state, pull.closed_at = "open", None
        if asked.get("state") == "closed" and pull.state == "open":
            self.close(pull)
        pull.title = asked.get("title", pull.title)
        pull.body = asked.get("body", pull.body)
        return Answer(body=self._document(request, pull))

    def _review(self, request: Request) -> Answer:
        pull, asked = self._find(request), request.json()
        if pull is None:
            return not_found()
        users, teams = asked.get("reviewers", []), asked.get("team_reviewers", [])
        if pull.author in users:
            told = "Review cannot be requested from pull request author."
            return Answer(status=422, body=documents.problem(told))
        if not (self.collaborators.issuperset(users) and self.teams.issuperset(teams)):
            told = "Reviews may only be requested from collaborators."
            return Answer(status=422, body=documents.problem(told))
        pull.reviewers += [one for one in users if one not in pull.reviewers]
        pull.teams += [one for one in teams if one not in pull.teams]
        return Answer(status=201, body=self._document(request, pull, whole=False))

    def _label(self, request: Request) -> Answer:
        pull, asked = self._find(request), json.loads(request.body)
        if pull is None:
            return not_found()
        names = asked["labels"] if isinstance(asked, dict) else asked
        pull.labels += [one for one in names if one not in pull.labels]
        return Answer(
            body=[documents.label(request.root, self.repository, one) for one in pull.labels]
        )

    def _find(self, request: Request) -> Pull | None:
        return next((one for one in self.all if one.number == request.number), None)

    def _label_of(self, pull: Pull) -> str:
        owner, _, _ = (pull.fork or self.repository).partition("/")
        return f"{owner}:{pull.head}"

    def _tip(self, pull: Pull) -> str | None:
        if pull.fork is not None:
            return self._bare.commit_of(f"refs/pull/{pull.number}/head")
        return self._bare.tip(pull.head)

    def _refused(self, field: str | None, message: str) -> Answer:
        told = {"resource": "PullRequest", "code": "custom", "message": message}
        body = {**documents.problem("Validation Failed"), "errors": [told]}
        if field is not None:
            told["field"] = field
        return Answer(status=422, body=body)

    def _document(self, request: Request, pull: Pull, *, whole: bool = True) -> dict[str, Any]:
        document = documents.pull_request(
            request.root,
            self.repository,
            whole=whole,
            number=pull.number,
            author=pull.author,
            title=pull.title,
            body=pull.body,
            state=pull.state,
            draft=pull.draft,
            labels=pull.labels,
            head=(pull.head, pull.closed_at or self._tip(pull) or "0" * 40),
            base=(pull.base, self._bare.tip(pull.base) or "0" * 40),
            source=pull.fork,
        )
        if pull.merged:
            document["merged_at"] = document["closed_at"]
        return document
