"""The doors' images: each tried as a release tries it, and the one that only publishes, in use.

The base is a stand-in, so a size here is what an image adds to its base, and nothing of the base.
"""

import json
import subprocess
import sys

import pytest

from perfgate.baselines.native import render_baseline
from perfgate.records import Tree
from tests.e2e.containers import BASE, IMAGE, PUBLISH_IMAGE, ROOT
from tests.e2e.runner import RUNNER_UID, give, not_owned_by, run_step
from tests.fakes.github_server import BOT
from tests.finished_runs import BRANCH, FORK, RUN, SLOWER, STEADY, SUITE, Project, a_baseline

TOKEN = "a-s3cret-token"
MOST_BYTES = 200_000_000
"""What the publish image may weigh over its base, uncompressed."""


@pytest.fixture(scope="module")
def publish_image(containers):
    containers.build(dockerfile="publish.Dockerfile", image=PUBLISH_IMAGE)
    return PUBLISH_IMAGE


@pytest.fixture
def step(containers, publish_image, github, tmp_path):
    """Run the publish door in an empty workspace, for a payload."""

    def step(event_name, payload, **inputs):
        event, workspace = tmp_path / "event.json", tmp_path / "workspace"
        event.write_text(json.dumps(payload))
        workspace.mkdir(exist_ok=True)
        give(workspace, RUNNER_UID)
        return run_step(
            containers,
            tmp_path / "runner",
            workspace,
            event=event,
            github=github,
            image=publish_image,
            environ={"GITHUB_EVENT_NAME": event_name, "GITHUB_REPOSITORY": github.repository},
            github_token=TOKEN,
            **inputs,
        )

    return step


def smoke(containers, door, image):
    """What release's workflow runs, with the engine of these tests."""
    return subprocess.run(
        [sys.executable, "-m", "release", "smoke", door, image, "--engine", "podman"],
        cwd=ROOT,
        env=dict(containers.env),
        capture_output=True,
        text=True,
        check=False,
    )


def test_cpu__passes_what_is_unchanged_and_fails_what_is_slower(containers):
    done = smoke(containers, "cpu", IMAGE)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[1:] == [
        "cpu: passed, exit code 0",
        "cpu: regressed, exit code 1",
    ]


def test_publish__tells_a_finished_folder(containers, publish_image):
    done = smoke(containers, "publish", publish_image)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[1:] == ["publish: passed, exit code 0"]


def test_smoke__finds_another_doors_image_unfit(containers):
    done = smoke(containers, "publish", IMAGE)
    assert done.returncode == 1
    assert "find_spec('torch')" in done.stderr


def test_publish__weighs_little_more_than_its_base(containers, publish_image, record_property):
    added = containers.size_bytes(publish_image) - containers.size_bytes(BASE)
    record_property("bytes over the base", added)
    assert 0 < added <= MOST_BYTES, added


def finished(project):
    """The payload after a fork's measuring run."""
    owner, name = project.github.repository.split("/")
    return {
        "action": "completed",
        "workflow_run": {
            "id": RUN,
            "run_attempt": 1,
            "event": "pull_request",
            "conclusion": "success",
            "head_sha": project.head,
            "head_branch": BRANCH,
            "head_repository": {"full_name": FORK, "owner": {"login": FORK.split("/")[0]}},
            "pull_requests": [],
        },
        "repository": {"full_name": f"{owner}/{name}", "name": name, "default_branch": "main"},
    }


def test_publish__judges_a_forks_record_by_the_jobs_that_base_keeps(step, github, tmp_path):
    """The rule that needs scipy's special functions, which the image keeps."""
    project = Project(github)
    stored = render_baseline(a_baseline([STEADY] * 8, project.hashes["wan"]))
    files = {
        "perfgate.yml": SUITE.replace("strategy: paired", "strategy: baseline"),
        "baselines/cpu-test-x2/wan.json": stored,
    }
    base = github.bare.commit("main", "kept", files=files)
    record = project.record(
        project.case("wan", head=SLOWER, base=()),
        project.case("flux", base=()),
        base=Tree(commit=base, ref="main"),
        head=Tree(commit=project.merged(base), ref="merge"),
    )
    project.uploads(record)
    result = step("workflow_run", finished(project))
    assert result.exit_code == 0, result
    assert result.outputs["verdict"] == "regressed"
    (comment,) = github.by(BOT)
    assert result.outputs["comment-url"].endswith(f"#issuecomment-{comment['id']}")
    assert "Measured by the fork's own code" in comment["body"]
    (check,) = github.checks.named("perfgate/tiny")
    assert check["conclusion"] == "failure"
    assert TOKEN not in result.log
    assert not_owned_by(tmp_path / "workspace", RUNNER_UID) == []


def test_publish__does_not_measure(step, github):
    payload = {"repository": {"full_name": github.repository, "default_branch": "main"}}
    result = step("push", payload, command="gate")
    assert result.exit_code == 2, result
    assert "only publishes" in result.log
