"""The JSON documents that GitHub answers with about branches, commits and changed files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.fakes.github_documents import WHEN, user


def git_ref(root: str, repository: str, branch: str, sha: str) -> dict[str, Any]:
    git = f"{root}/repos/{repository}/git"
    return {
        "ref": f"refs/heads/{branch}",
        "node_id": "REF_1",
        "url": f"{git}/refs/heads/{branch}",
        "object": {"type": "commit", "sha": sha, "url": f"{git}/commits/{sha}"},
    }


def git_commit(
    root: str, repository: str, *, sha: str, tree: str, parents: Sequence[str], message: str
) -> dict[str, Any]:
    git, page = f"{root}/repos/{repository}/git", f"{root}/{repository}/commit"
    person = {"name": "A", "email": "a@example.org", "date": WHEN}
    return {
        "sha": sha,
        "node_id": "C_1",
        "url": f"{git}/commits/{sha}",
        "html_url": f"{page}/{sha}",
        "author": person,
        "committer": person,
        "tree": {"sha": tree, "url": f"{git}/trees/{tree}"},
        "message": message,
        "parents": [
            {"sha": one, "url": f"{git}/commits/{one}", "html_url": f"{page}/{one}"}
            for one in parents
        ],
        "verification": {
            "verified": False,
            "reason": "unsigned",
            "signature": None,
            "payload": None,
            "verified_at": None,
        },
    }


def comparison(
    root: str,
    repository: str,
    *,
    base: str,
    head: str,
    merge_base: str,
    files: Sequence[tuple[str, str, str]],
    ahead: int,
    behind: int,
    commits: Sequence[tuple[str, str]] = (),
) -> dict[str, Any]:
    """Two commits; ``files`` are path, blob and status, ``commits`` id and message."""
    url = f"{root}/repos/{repository}/compare/{base}...{head}"
    page = f"{root}/{repository}/compare/{base}...{head}"
    status = ("diverged" if behind else "ahead") if ahead else "behind" if behind else "identical"
    return {
        "url": url,
        "html_url": page,
        "permalink_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "base_commit": _commit(root, repository, base),
        "merge_base_commit": _commit(root, repository, merge_base),
        "status": status,
        "ahead_by": ahead,
        "behind_by": behind,
        "total_commits": ahead,
        "commits": [_commit(root, repository, sha, message) for sha, message in commits],
        "files": [
            {
                "sha": sha,
                "filename": path,
                "status": told,
                "additions": 1,
                "deletions": 1,
                "changes": 2,
                "blob_url": f"{root}/{repository}/blob/{head}/file",
                "raw_url": f"{root}/{repository}/raw/{head}/file",
                "contents_url": f"{root}/repos/{repository}/contents/file",
            }
            for path, sha, told in files
        ],
    }


def _commit(root: str, repository: str, sha: str, message: str = "") -> dict[str, Any]:
    url = f"{root}/repos/{repository}/commits/{sha}"
    return {
        "sha": sha,
        "node_id": "C_1",
        "url": url,
        "html_url": f"{root}/{repository}/commit/{sha}",
        "comments_url": f"{url}/comments",
        "commit": {
            "author": None,
            "committer": None,
            "comment_count": 0,
            "message": message,
            "tree": {"sha": sha, "url": f"{root}/repos/{repository}/git/trees/{sha}"},
            "url": f"{root}/repos/{repository}/git/commits/{sha}",
        },
        "author": user(root, "someone"),
        "committer": user(root, "someone"),
        "parents": [],
    }


def changed_file(root: str, name: str, *, path: str, sha: str, status: str) -> dict[str, Any]:
    return {
        "sha": sha,
        "filename": path,
        "status": status,
        "additions": 1,
        "deletions": 1,
        "changes": 2,
        "blob_url": f"{root}/{name}/blob/{sha}/file",
        "raw_url": f"{root}/{name}/raw/{sha}/file",
        "contents_url": f"{root}/repos/{name}/contents/file",
    }
