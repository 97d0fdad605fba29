"""Payloads as GitHub sends them, for damage to be done to. No tests."""

from __future__ import annotations

SHA = "a" * 40
_REPOSITORY = {"full_name": "octo/bench", "default_branch": "main"}
_PULL = {
    "number": 7,
    "head": {"sha": SHA, "ref": "feature", "repo": {"full_name": "mallory/bench"}},
    "base": {"sha": "b" * 40, "ref": "main", "repo": _REPOSITORY},
    "labels": [{"name": "perf"}, {"name": "ci"}],
}
PAYLOADS = {
    "pull_request": {"action": "opened", "pull_request": _PULL, "repository": _REPOSITORY},
    "pull_request_target": {"pull_request": _PULL, "repository": _REPOSITORY},
    "push": {"ref": "refs/heads/main", "after": SHA, "repository": _REPOSITORY},
    "merge_group": {
        "merge_group": {"head_sha": SHA, "base_sha": "b" * 40, "base_ref": "refs/heads/main"},
        "repository": _REPOSITORY,
    },
    "schedule": {"schedule": "0 3 * * *", "repository": _REPOSITORY},
    "workflow_dispatch": {
        "inputs": {"pull-request": "7", "head": SHA, "base": "main", "labels": "perf\nci"},
        "repository": _REPOSITORY,
    },
    "workflow_run": {
        "workflow_run": {
            "id": 30433642,
            "run_attempt": 1,
            "event": "pull_request",
            "conclusion": "success",
            "head_sha": SHA,
            "head_branch": "feature",
            "head_repository": {"full_name": "mallory/bench", "owner": {"login": "mallory"}},
            "pull_requests": [],
        },
        "repository": _REPOSITORY,
    },
    "issue_comment": {
        "action": "created",
        "issue": {"number": 7, "pull_request": {"url": "https://api.github.com/x"}},
        "comment": {
            "id": 99,
            "user": {"login": "octocat"},
            "body": "/perfgate rerun",
            "created_at": "2026-01-01T00:00:00Z",
        },
        "repository": _REPOSITORY,
    },
}
