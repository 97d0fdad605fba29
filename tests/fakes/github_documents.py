"""The JSON documents that GitHub answers with, with every field its own description requires."""

from __future__ import annotations

from typing import Any

_WHEN = "2026-01-01T00:00:00Z"
_DOCS = "https://docs.github.com/rest"


def user(root: str, login: str) -> dict[str, Any]:
    account = f"{root}/users/{login}"
    links = ("followers", "subscriptions", "organizations", "repos", "received_events")
    return {
        "login": login,
        "id": 41898282 if login.endswith("[bot]") else 583231,
        "node_id": "U_1",
        "avatar_url": f"{root}/avatars/{login}",
        "gravatar_id": "",
        "url": account,
        "html_url": f"{root}/{login}",
        "following_url": f"{account}/following{{/other_user}}",
        "gists_url": f"{account}/gists{{/gist_id}}",
        "starred_url": f"{account}/starred{{/owner}}{{/repo}}",
        "events_url": f"{account}/events{{/privacy}}",
        **{f"{name}_url": f"{account}/{name}" for name in links},
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
    }


def comment(
    root: str, repository: str, pull_request: int, *, number: int, author: str | None, body: str
) -> dict[str, Any]:
    issues = f"{root}/repos/{repository}/issues"
    return {
        "id": number,
        "node_id": f"IC_{number}",
        "url": f"{issues}/comments/{number}",
        "html_url": f"{root}/{repository}/pull/{pull_request}#issuecomment-{number}",
        "issue_url": f"{issues}/{pull_request}",
        "body": body,
        "user": None if author is None else user(root, author),
        "created_at": _WHEN,
        "updated_at": _WHEN,
        "author_association": "NONE",
    }


def issue(root: str, repository: str, number: int, *, comments: int) -> dict[str, Any]:
    url = f"{root}/repos/{repository}/issues/{number}"
    pull = f"{root}/repos/{repository}/pulls/{number}"
    return {
        "id": 1,
        "node_id": "PR_1",
        "url": url,
        "repository_url": f"{root}/repos/{repository}",
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"{root}/{repository}/pull/{number}",
        "number": number,
        "state": "open",
        "title": "Make it faster",
        "body": "It was slow.",
        "user": user(root, "someone"),
        "labels": [],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "locked": False,
        "comments": comments,
        "pull_request": {
            "url": pull,
            "html_url": f"{root}/{repository}/pull/{number}",
            "diff_url": f"{root}/{repository}/pull/{number}.diff",
            "patch_url": f"{root}/{repository}/pull/{number}.patch",
        },
        "closed_at": None,
        "created_at": _WHEN,
        "updated_at": _WHEN,
        "author_association": "CONTRIBUTOR",
    }


def repository(root: str, full_name: str, *, push: bool) -> dict[str, Any]:
    """Only what perfgate reads of it: GitHub's own has some hundred fields."""
    owner, _, name = full_name.partition("/")
    rights = {"admin": False, "maintain": False, "push": push, "triage": False, "pull": True}
    return {
        "id": 1,
        "name": name,
        "full_name": full_name,
        "owner": user(root, owner),
        "private": False,
        "url": f"{root}/repos/{full_name}",
        "permissions": rights,
    }


def problem(message: str) -> dict[str, str]:
    return {"message": message, "documentation_url": _DOCS}


def invalid(message: str) -> dict[str, Any]:
    problem_at = {"resource": "IssueComment", "code": "custom", "field": "body"}
    return {**problem("Validation Failed"), "errors": [{**problem_at, "message": message}]}
