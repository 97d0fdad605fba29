"""Real processes that are killed, or that publish the same at once: the next one repairs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from perfgate.records import Tree, to_json
from perfgate.suite import parse_suite
from tests.factories import a_case_decision, a_case_record, a_decision, a_metric, a_record
from tests.fakes.github_server import BOT, FakeGitHub
from tests.proposing import BRANCH, KEY, SUITE
from tests.repositories import environment

pytestmark = pytest.mark.slow

PUBLISH = ("publish", "--strict-publish", "perfgate-out")
PROPOSE = ("baseline", "propose", "--record=record.json", "--strict-publish")


@pytest.fixture
def github(tmp_path):
    with FakeGitHub(folder=tmp_path / "origin.git") as server:
        server.bare.commit("main", "start", files={"perfgate.yml": SUITE})
        yield server


@pytest.fixture
def start(github, tmp_path):
    """Starts a command line on a runner: of pull request 7, or of a push to main."""
    folder = tmp_path / "work"
    (folder / "perfgate-out").mkdir(parents=True)
    metrics = [a_metric("DecodingStage", 346.0, 389.0, "regressed")]
    decision = a_decision([a_case_decision(verdict="regressed", metrics=metrics)])
    (folder / "perfgate-out" / "decision.json").write_text(to_json(decision))
    (wan, _) = parse_suite(SUITE, source="x").cases
    record = a_record(
        [a_case_record(id="wan", base=(), head=[1000] * 5, workload_hash=wan.workload_hash())],
        head=Tree(commit=github.bare.tip("main"), ref="main"),
        hardware_key=KEY,
    )
    (folder / "record.json").write_text(to_json(record))
    repository = {"full_name": github.repository, "default_branch": "main"}
    head = {"sha": "a" * 40, "ref": "feature", "repo": {"full_name": github.repository}}
    pull = {"number": 7, "head": head, "base": {"sha": "b" * 40, "ref": "main"}, "labels": []}
    about = {
        "pull_request": {"pull_request": pull, "repository": repository},
        "push": {"ref": "refs/heads/main", "repository": repository},
    }

    def start(line):
        event = "pull_request" if line is PUBLISH else "push"
        (folder / f"{event}.json").write_text(json.dumps(about[event]))
        runner = {
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(folder / f"{event}.json"),
            "GITHUB_REPOSITORY": github.repository,
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_SHA": github.bare.tip("main"),
            "GITHUB_RUN_ID": "77",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_API_URL": github.url,
            "GITHUB_TOKEN": "a-token",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "perfgate", *line],
            cwd=folder,
            env=environment(**runner),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


def finish(process):
    said, _ = process.communicate(timeout=120)
    assert "Traceback" not in said
    return process.returncode, said


def published(github):
    """Comments and check runs of ours, and open pull requests with their labels and branch."""
    comments = [one["body"].split("\n")[0] for one in github.by(BOT)]
    pulls = [(one.head, one.draft, one.labels) for one in github.pulls.open]
    return comments, [run["name"] for run in github.checks.runs], pulls


@pytest.mark.parametrize("done", [False, True], ids=["before it arrives", "once it is done"])
@pytest.mark.parametrize(
    ("line", "method", "path"),
    [
        (PUBLISH, "POST", "/comments$"),
        (PUBLISH, "POST", "/check-runs$"),
        (PROPOSE, "POST", "/git/refs$"),
        (PROPOSE, "POST", "/pulls$"),
        (PROPOSE, "POST", "/labels$"),
    ],
    ids=["comment", "check run", "branch", "pull request", "label"],
)
def test_killed__the_next_run_repairs(github, start, line, method, path, done):
    started = []

    def kill():
        started[0].kill()

    github.fail(method, path, how="lose" if done else "drop", first=kill)
    started.append(start(line))
    assert finish(started[0])[0] < 0
    code, said = finish(start(line))
    assert code == 0, said
    comments, checks, pulls = published(github)
    if line is PUBLISH:
        assert (len(comments), len(checks)) == (1, 1)
    else:
        assert pulls == [(BRANCH, False, ["perf-baselines"])]
        assert github.bare.git("rev-list", "--count", f"main..{BRANCH}") == "1"


def test_two_processes_publish_at_once__one_comment_and_one_name(github, start):
    """Whoever would write first waits until the other one is through."""
    github.meanwhile("POST", "/comments$", lambda: finish(start(PUBLISH)))
    code, said = finish(start(PUBLISH))
    assert code == 0, said
    comments, checks, _ = published(github)
    assert len(comments) == 1
    assert checks == ["perfgate/perfgate"]
