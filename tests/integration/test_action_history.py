"""The action's input history: what a job measured on main is on the data branch, or it is told."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from perfgate.records.text import parse_results
from tests.fakes.github_server import FakeGitHub
from tests.repositories import SUITE, Repository, bench, environment

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BRANCH = "perfgate-data"
PULL_REQUEST = {
    "pull_request": {
        "number": 7,
        "head": {"sha": "a" * 40, "repo": {"full_name": "octo/bench"}},
        "base": {"sha": "b" * 40, "ref": "main"},
    }
}


@pytest.fixture
def project(tmp_path):
    """A clone of a bare repository, as a job has it."""
    project = Repository(tmp_path / "project")
    project.file("perfgate.yml", SUITE)
    project.commit("base", bench_py=bench())
    project.git("clone", "--quiet", "--bare", ".", str(tmp_path / "origin.git"))
    project.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    return project


@pytest.fixture
def action(project, tmp_path):
    """Run the Docker action's entry point outside of a container, for an event."""

    def action(name="push", payload=None, **inputs):
        told = payload or {"repository": {"full_name": "octo/bench", "default_branch": "main"}}
        (tmp_path / "event.json").write_text(json.dumps(told))
        given = {"base": "HEAD", "history": f"branch:{BRANCH}", **inputs}
        named = {f"INPUT_{key.upper().replace('_', '-')}": one for key, one in given.items()}
        with FakeGitHub(folder=tmp_path / "github.git") as github:
            done = subprocess.run(
                [sys.executable, "-I", str(ROOT / "entrypoint.py")],
                cwd=tmp_path,
                env=environment(
                    HOME=str(tmp_path),
                    GITHUB_WORKSPACE=str(project.path),
                    GITHUB_OUTPUT=str(tmp_path / "output"),
                    GITHUB_STEP_SUMMARY=str(tmp_path / "summary"),
                    GITHUB_ACTIONS="true",
                    GITHUB_EVENT_NAME=name,
                    GITHUB_EVENT_PATH=str(tmp_path / "event.json"),
                    GITHUB_REF="refs/heads/main",
                    GITHUB_REPOSITORY="octo/bench",
                    GITHUB_RUN_ID="77",
                    GITHUB_API_URL=github.url,
                    GITHUB_TOKEN="a-token",
                    **named,
                ),
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
        assert "Traceback" not in done.stderr
        return done

    return action


def kept(tmp_path):
    """The results on the data branch."""
    origin = tmp_path / "origin.git"
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", BRANCH],
        cwd=origin,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    texts = [
        subprocess.run(
            ["git", "show", f"{BRANCH}:{name}"],
            cwd=origin,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in listed
        if name.startswith("results/")
    ]
    return [parse_results(text, source="branch") for text in texts]


def test_push_to_main__its_launches_are_on_the_branch(action, project, tmp_path):
    done = action()
    assert done.returncode == 0, done.stdout + done.stderr
    (results,) = kept(tmp_path)
    assert results.commit == project.git("rev-parse", "HEAD")
    (cell,) = results.cells
    assert {metric.name for metric in cell.metrics} >= {"e2e", "DenoisingStage"}
    assert project.git("status", "--porcelain") == ""


def test_slower__kept_too_and_the_verdict_is_the_steps(action, project, tmp_path):
    project.commit("slower", bench_py=bench(DenoisingStage=200.0))
    done = action(base="HEAD~1")
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(kept(tmp_path)) == 1


def test_a_place_that_takes_nothing__told_and_the_verdict_stands(action, project, tmp_path):
    project.git("remote", "remove", "origin")
    done = action()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "::warning title=perfgate::What was measured is not in the history" in done.stdout
    assert "no remote origin" in done.stderr


@pytest.mark.parametrize(
    ("name", "payload"),
    [("pull_request", PULL_REQUEST), ("merge_group", {"merge_group": {"head_sha": "a" * 40}})],
)
def test_what_is_not_merged__is_never_kept(action, tmp_path, name, payload):
    done = action(name, payload)
    assert done.returncode == 0, done.stdout + done.stderr
    assert kept(tmp_path) == []


def test_nothing_measured__nothing_kept_and_nothing_more_told(action, project, tmp_path):
    project.file("perfgate.yml", "version: 1\ncases: [")
    done = action()
    assert done.returncode == 2
    assert kept(tmp_path) == []
    assert "not in the history" not in done.stdout
