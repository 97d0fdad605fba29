"""`perfgate answer` as a runner starts it: a process, an event's file, a fake GitHub."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.commanding import INPUTS, Talk, a_change


@pytest.fixture
def heard(github, tmp_path):
    """Write a comment and run the command for it; returns how the process ended."""
    github.people.roles["ann"] = "write"
    github.people.workflows["measure.yml"] = INPUTS
    a_change(github)

    def heard(body, *, arguments=(), author="ann", created_at="2026-03-01T12:00:05Z", **variables):
        comment = github.add_comment(body, author=author)
        payload = {
            "action": "created",
            "issue": {"number": 7, "pull_request": {"url": "x"}},
            "comment": {
                "id": comment,
                "user": {"login": author},
                "body": body,
                "created_at": created_at,
            },
            "repository": {"full_name": github.repository, "default_branch": "main"},
        }
        event = tmp_path / "event.json"
        event.write_text(json.dumps(payload))
        environ = {
            "PATH": "/usr/bin:/bin",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "issue_comment",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": github.repository,
            "GITHUB_API_URL": github.url,
            "GITHUB_TOKEN": "a-token",
            "PERFGATE_WORKFLOW": "measure.yml",
            **variables,
        }
        return subprocess.run(
            [sys.executable, "-m", "perfgate", "answer", *arguments],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )

    return heard


def test_command__started_and_answered(github, heard):
    done = heard("/perfgate rerun wan")
    assert done.returncode == 0, done.stderr
    ((workflow, _, inputs),) = github.people.started
    assert (workflow, inputs["cases"]) == ("measure.yml", "wan")
    assert "Measures" in Talk(github).comment
    assert "::notice" in done.stdout


def test_comment_for_nobody(github, heard):
    done = heard("thanks")
    assert (done.returncode, github.exchanges) == (0, [])


@pytest.mark.parametrize("file", ["../ci.yml", "ci", "a/b.yml", "-x.yml"])
def test_workflow_that_is_no_file(github, heard, file):
    done = heard("/perfgate rerun", PERFGATE_WORKFLOW=file)
    assert done.returncode == 2
    assert "no workflow's file" in done.stderr
    assert github.exchanges == []


def test_wrong_token__told_and_strict_fails(github, heard):
    done = heard("/perfgate help", arguments=["--strict-publish"], GITHUB_TOKEN="wrong")
    assert done.returncode == 6
    assert "::warning" in done.stdout
    assert "Traceback" not in done.stderr


def test_hostile_comment__nothing_speaks_to_the_runner(github, heard):
    done = heard("/perfgate explain ::set-output name=x::y\n/perfgate help")
    assert done.returncode == 0
    assert "::set-output" not in done.stdout
