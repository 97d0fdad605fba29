"""Issues of one repository, their comments, and the commits they are about, asked through PyGithub.

Addresses are asked for as they are: PyGithub's own objects fetch each issue of a list once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

from perfgate.github.client import GitHubComments
from perfgate.github.issues import Between, Change, Issue, ListedCommit
from perfgate.github.problems import unreadable
from perfgate.github.session import known

ISSUES: Final = "issues: write"
_CONTENTS: Final = "contents: read"
_PER_PAGE: Final = 100
_MAX_PAGES: Final = 100
"""With more than ten thousand issues of one account none is looked for: a second might be opened.
"""
_MAX_BODY_CHARS: Final = 65_536


class GitHubIssues(GitHubComments):
    """Issues and their comments; closes its connections like its parent."""

    @contextmanager
    def asking(self, doing: str, *, permission: str = ISSUES) -> Iterator[None]:
        # An issue's comments take another permission than a pull request's.
        with super(GitHubComments, self).asking(doing, permission=permission):
            yield

    def issues(self, author: str) -> Iterator[Issue]:
        doing = "listing the issues"
        wanted = {"state": "all", "creator": author, "sort": "created", "direction": "asc"}
        for page in range(1, _MAX_PAGES + 1):
            asked = {**wanted, "per_page": _PER_PAGE, "page": page}
            with self.asking(doing):
                headers, found = self.github.requester.requestJsonAndCheck(
                    "GET", self._address(), parameters=asked
                )
                listed = [one for one in known(found, list) if "pull_request" not in one]
                issues = [_issue(one) for one in listed]
            yield from issues
            if 'rel="next"' not in headers.get("link", ""):
                return
        raise unreadable(doing=doing, reason="the pages have no end")

    def open_issue(self, *, title: str, body: str, labels: Sequence[str]) -> Issue:
        asked = {"title": title, "body": body[:_MAX_BODY_CHARS], "labels": list(labels)}
        with self.asking("opening an issue"):
            _, made = self.github.requester.requestJsonAndCheck(
                "POST", self._address(), input=asked
            )
            return _issue(made)

    def edit_issue(self, number: int, *, body: str, change: Change | None = None) -> Issue:
        asked = {"body": body[:_MAX_BODY_CHARS]}
        if change is not None:
            asked |= {
                "state": "open" if change == "reopened" else "closed",
                "state_reason": change,
            }
        with self.asking(f"updating issue {number}"):
            _, edited = self.github.requester.requestJsonAndCheck(
                "PATCH", f"{self._address()}/{number}", input=asked
            )
            return _issue(edited)

    def between(self, base: str, head: str, *, most: int) -> Between:
        address = f"/repos/{self.repository}/compare/{base}...{head}"
        with self.asking("comparing two commits", permission=_CONTENTS):
            _, found = self.github.requester.requestJsonAndCheck(
                "GET", address, parameters={"per_page": most, "page": 1}
            )
            return Between(
                commits=tuple(_commit(one) for one in known(found["commits"], list)[:most]),
                total=known(found["total_commits"], int),
            )

    def _address(self) -> str:
        return f"/repos/{self.repository}/issues"


def _issue(issue: Mapping[str, Any]) -> Issue:
    # GitHub gives null for the user of a deleted account.
    author, closed = issue["user"], issue.get("closed_at")
    return Issue(
        number=known(issue["number"], int),
        url=known(issue["html_url"], str),
        author="" if author is None else known(author["login"], str),
        title=known(issue["title"], str),
        body=issue.get("body") or "",
        is_open=known(issue["state"], str) == "open",
        reason=issue.get("state_reason") or "",
        labels=frozenset(_label(one) for one in known(issue["labels"], list)),
        closed_s=None if closed is None else int(datetime.fromisoformat(closed).timestamp()),
    )


def _label(label: str | Mapping[str, Any]) -> str:
    return label if isinstance(label, str) else str(label.get("name") or "")


def _commit(commit: Mapping[str, Any]) -> ListedCommit:
    # Null where the address of who wrote it belongs to no account.
    author = commit.get("author") or {}
    return ListedCommit(
        sha=known(commit["sha"], str),
        message=known(commit["commit"]["message"], str),
        author=str(author.get("login") or ""),
    )
