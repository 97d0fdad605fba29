"""``perfgate publish-run`` as a process: from the runner's environment to comment and check."""

from __future__ import annotations

import json

import pytest

from perfgate.records import Tree, to_json
from perfgate.suite import parse_suite
from tests.factories import a_case_record, a_record
from tests.fakes.github_artifacts import packed
from tests.fakes.github_server import BOT, FakeGitHub
from tests.repositories import perfgate

SUITE = """\
version: 1
gate: {strategy: paired}
cases:
  - {id: wan, backend: command, command: python3 wan.py}
"""
RUN = 42
STEADY, SLOWER = [1000, 1001, 999, 1000, 1002, 998], [1200, 1201, 1199, 1200, 1202, 1198]


@pytest.fixture
def github(tmp_path):
    with FakeGitHub(token="a-s3cret-token", folder=tmp_path / "origin.git") as server:
        yield server


@pytest.fixture
def heads(github):
    """The base and the head commit of a fork's pull request."""
    bare = github.bare
    base = bare.commit("main", "start", files={"perfgate.yml": SUITE, "a.txt": "a\n"})
    head = bare.commit("x", "x", files={"a.txt": "b\n"}, parents=[base], tree_of=base)
    github.pulls.from_fork("mallory/bench", "faster", head, number=7)
    return base, head


def upload(github, heads, head_ms):
    base, head = heads
    (case,) = parse_suite(SUITE, source="x").cases
    record = a_record(
        [a_case_record("wan", base=STEADY, head=head_ms, workload_hash=case.workload_hash())],
        base=Tree(commit=base, ref="main"),
        head=Tree(commit=head, ref="faster"),
        strategy="paired",
    )
    github.artifacts.add(RUN, "perfgate-suite", packed({"record.json": to_json(record)}))


@pytest.fixture
def publish_run(github, heads, tmp_path):
    def publish_run(*arguments, event=None, **environ):
        payload = {
            "action": "completed",
            "workflow_run": {
                "id": RUN,
                "run_attempt": 1,
                "event": "pull_request",
                "conclusion": "success",
                "head_sha": heads[1],
                "head_branch": "faster",
                "head_repository": {"full_name": "mallory/bench"},
                "pull_requests": [],
            },
            "repository": {"full_name": github.repository, "default_branch": "main"},
        }
        path = tmp_path / "event.json"
        path.write_text(json.dumps(payload if event is None else event))
        where = tmp_path / "empty"
        where.mkdir(exist_ok=True)
        told = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "workflow_run",
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_REPOSITORY": github.repository,
            "GITHUB_API_URL": github.url,
            "GITHUB_SERVER_URL": "https://github.example.org",
            "GITHUB_RUN_ID": "43",
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
            "GITHUB_TOKEN": "a-s3cret-token",
            **environ,
        }
        return perfgate(where, "publish-run", *arguments, **told)

    return publish_run


def test_publish_run__comment_check_summary_and_outputs(github, heads, publish_run, tmp_path):
    upload(github, heads, SLOWER)
    done = publish_run()
    assert done.returncode == 0, done.stdout + done.stderr
    (comment,) = github.by(BOT)
    assert comment["pull_request"] == 7
    assert "Measured by the fork's own code" in comment["body"]
    assert f"https://github.example.org/octo/bench/actions/runs/{RUN}/attempts/1" in comment["body"]
    (check,) = github.checks.named("perfgate/perfgate")
    assert (check["head_sha"], check["conclusion"]) == (heads[1], "failure")
    assert "Measured by the fork's own code" in check["summary"]
    (annotation, *_) = check["annotations"]
    assert (annotation["path"], annotation["start_line"]) == ("perfgate.yml", 4)
    assert "Measured by the fork's own code" in (tmp_path / "summary").read_text()
    assert "regressed" in (tmp_path / "output").read_text()
    assert (tmp_path / "empty" / "perfgate-out" / "decision.json").exists()
    assert "s3cret" not in done.stdout + done.stderr


def test_publish_run__again_makes_no_second_comment_and_no_second_check(github, heads, publish_run):
    upload(github, heads, STEADY)
    for _ in range(2):
        assert publish_run().returncode == 0
    assert len(github.by(BOT)) == 1
    assert len(github.checks.runs) == 1


def test_publish_run__what_others_wrote_stays(github, heads, publish_run):
    theirs = github.add_comment("<!-- perfgate:comment key=perfgate -->\nmine", author="mallory")
    upload(github, heads, STEADY)
    publish_run()
    kept = [one for one in github.comments if one["id"] == theirs]
    assert kept[0]["body"].endswith("mine")
    assert len(github.by(BOT)) == 1


def test_publish_run__nothing_to_publish_is_no_failure(publish_run, github):
    done = publish_run()
    assert done.returncode == 0
    assert "no artifact whose name starts with perfgate" in done.stdout
    assert github.comments == []


def test_publish_run__a_permission_that_is_missing_is_named(publish_run, github):
    github.fail("GET", "/artifacts", status=403, message="Resource not accessible by integration")
    done = publish_run()
    assert done.returncode == 0
    assert "actions: read" in done.stdout
    github.fail("GET", "/git/trees", status=403, message="Resource not accessible by integration")
    done = publish_run("--strict-publish")
    assert done.returncode == 6
    assert "contents: read" in done.stdout


def test_publish_run__no_token(publish_run):
    done = publish_run(GITHUB_TOKEN="")
    assert done.returncode == 2
    assert "there is no token" in done.stderr


def test_publish_run__another_event(publish_run):
    done = publish_run(GITHUB_EVENT_NAME="push", event={"ref": "refs/heads/main"})
    assert done.returncode == 2
    assert "names no finished run" in done.stderr
