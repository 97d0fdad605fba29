"""The JSON documents that GitHub answers with, with every field its own description requires."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

WHEN = "2026-01-01T00:00:00Z"
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
        "created_at": WHEN,
        "updated_at": WHEN,
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
        "created_at": WHEN,
        "updated_at": WHEN,
        "author_association": "CONTRIBUTOR",
    }


def plain_issue(
    root: str,
    name: str,
    *,
    number: int,
    author: str | None,
    title: str,
    body: str,
    labels: Sequence[str],
    state: str,
    reason: str | None,
    closed_at: str | None,
) -> dict[str, Any]:
    """An issue that is no pull request."""
    document = issue(root, name, number, comments=0)
    del document["pull_request"]
    return {
        **document,
        "node_id": f"I_{number}",
        "html_url": f"{root}/{name}/issues/{number}",
        "user": None if author is None else user(root, author),
        "title": title,
        "body": body,
        "labels": [label(root, name, one) for one in labels],
        "state": state,
        # GitHub gives null where there is none; its own description forgot to allow that.
        **({} if reason is None else {"state_reason": reason}),
        "closed_at": closed_at,
    }


def repository(root: str, full_name: str, *, push: bool) -> dict[str, Any]:
    owner, _, name = full_name.partition("/")
    rights = {"admin": False, "maintain": False, "push": push, "triage": False, "pull": True}
    url = f"{root}/repos/{full_name}"
    links = (
        *("archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits"),
        *("compare", "contents", "contributors", "deployments", "downloads", "events", "forks"),
        *("git_commits", "git_refs", "git_tags", "hooks", "issue_comment", "issue_events"),
        *("issues", "keys", "labels", "languages", "merges", "milestones", "notifications"),
        *("pulls", "releases", "stargazers", "statuses", "subscribers", "subscription", "tags"),
        *("teams", "trees"),
    )
    counts = ("forks", "open_issues", "stargazers", "watchers", "network", "subscribers")
    has = ("downloads", "issues", "projects", "wiki", "pages", "discussions")
    return {
        **{f"{link}_url": f"{url}/{link}" for link in links},
        **{f"{thing}_count": 0 for thing in counts},
        **{f"has_{thing}": False for thing in has},
        "id": 1,
        "node_id": "R_1",
        "name": name,
        "full_name": full_name,
        "owner": user(root, owner),
        "private": False,
        "description": None,
        "fork": False,
        "url": url,
        "html_url": f"{root}/{full_name}",
        "clone_url": f"{root}/{full_name}.git",
        "git_url": f"{root}/{full_name}.git",
        "ssh_url": f"git@localhost:{full_name}.git",
        "svn_url": f"{root}/{full_name}",
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        "default_branch": "main",
        "forks": 0,
        "open_issues": 0,
        "watchers": 0,
        "size": 0,
        "archived": False,
        "disabled": False,
        "pushed_at": WHEN,
        "created_at": WHEN,
        "updated_at": WHEN,
        "permissions": rights,
    }


def label(root: str, repository: str, name: str) -> dict[str, Any]:
    return {
        "id": 1,
        "node_id": "LA_1",
        "url": f"{root}/repos/{repository}/labels/{name}",
        "name": name,
        "description": "",
        "color": "ededed",
        "default": False,
    }


def pull_request(
    root: str,
    name: str,
    *,
    whole: bool,
    number: int,
    author: str,
    title: str,
    body: str,
    state: str,
    draft: bool,
    labels: Sequence[str],
    head: tuple[str, str],
    base: tuple[str, str],
    source: str | None = None,
) -> dict[str, Any]:
    """A pull request; a list holds less of each than ``whole``. ``source`` is a fork's name."""
    url, page = f"{root}/repos/{name}/pulls/{number}", f"{root}/{name}/pull/{number}"
    issue_url = f"{root}/repos/{name}/issues/{number}"
    links = {
        "self": url,
        "html": page,
        "issue": issue_url,
        "comments": f"{issue_url}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{root}/repos/{name}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": f"{root}/repos/{name}/statuses/{head[1]}",
    }
    ends = {
        end: {
            "label": f"{place.partition('/')[0]}:{ref}",
            "ref": ref,
            "sha": sha,
            "user": user(root, place.partition("/")[0]),
            "repo": repository(root, place, push=True),
        }
        for end, place, (ref, sha) in (("head", source or name, head), ("base", name, base))
    }
    counts = ("additions", "changed_files", "comments", "commits", "deletions", "review_comments")
    more = {
        **dict.fromkeys(counts, 0),
        "mergeable": None,
        "mergeable_state": "unknown",
        "merged": False,
        "maintainer_can_modify": False,
        "merged_by": None,
    }
    return {
        **ends,
        **(more if whole else {}),
        "_links": {link: {"href": where} for link, where in links.items()},
        "id": number,
        "node_id": f"PR_{number}",
        "number": number,
        "url": url,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue_url,
        "comments_url": f"{issue_url}/comments",
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": links["review_comment"],
        "statuses_url": links["statuses"],
        "state": state,
        "locked": False,
        "draft": draft,
        "title": title,
        "body": body,
        "user": user(root, author),
        "author_association": "NONE",
        "labels": [label(root, name, one) for one in labels],
        "assignee": None,
        "milestone": None,
        "auto_merge": None,
        "merge_commit_sha": None,
        "merged_at": None,
        "closed_at": None if state == "open" else WHEN,
        "created_at": WHEN,
        "updated_at": WHEN,
    }


def artifact(root: str, repository: str, **of_run: Any) -> dict[str, Any]:
    url = f"{root}/repos/{repository}/actions/artifacts/{of_run['id']}"
    return {
        **of_run,
        "node_id": "A_1",
        "url": url,
        "archive_download_url": f"{url}/zip",
        "created_at": WHEN,
        "updated_at": WHEN,
        "expires_at": WHEN,
    }


def problem(message: str) -> dict[str, str]:
    return {"message": message, "documentation_url": _DOCS}


def invalid(message: str) -> dict[str, Any]:
    problem_at = {"resource": "IssueComment", "code": "custom", "field": "body"}
    return {**problem("Validation Failed"), "errors": [{**problem_at, "message": message}]}
