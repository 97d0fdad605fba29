"""The image as the runner starts it: root inside, an ordinary user's workspace outside."""

import json

import pytest

from tests.e2e import projects
from tests.e2e.runner import RUNNER_UID, give, not_owned_by, run_step
from tests.fakes.github_server import BOT

TOKEN = "a-s3cret-token"


@pytest.fixture
def step(containers, tmp_path):
    """Run the action in a project that belongs to the runner's user."""

    def step(project, *, event=None, **how):
        if event is None:
            event = projects.an_event(project, tmp_path / "event.json", repository="octo/bench")
        give(project.path, RUNNER_UID)
        how.setdefault("suite", "bench/perfgate.yml")
        return run_step(containers, tmp_path / "runner", project.path, event=event, **how)

    return step


def test_measures_without_network_and_leaves_nothing_of_root(step, tmp_path):
    project = projects.a_project(tmp_path / "project")
    result = step(project, comment="false", options=("--network=none",))
    assert result.exit_code == 0, result
    assert result.outputs["verdict"] == "passed"
    assert result.outputs["decision-path"] == "perfgate-out/decision.json"
    assert "wan_sleep" in result.summary
    assert not_owned_by(project.path, RUNNER_UID) == []
    assert not_owned_by(tmp_path / "runner", RUNNER_UID) == []
    assert list(project.path.rglob("__pycache__")) == []
    assert not (project.path / ".git" / "worktrees").exists()


def test_slowdown__fails_and_still_comments(step, tmp_path, github):
    project = projects.a_project(tmp_path / "project", head=projects.bench(decoding_ms=120))
    result = step(project, github=github, github_token=TOKEN)
    assert result.exit_code == 1, result
    assert result.outputs["verdict"] == "regressed"
    (found, *_) = json.loads(result.outputs["regressions"])
    assert (found["case"], found["metric"]) == ("wan_sleep", "DecodingStage")
    (comment,) = github.by(BOT)
    assert "wan_sleep" in comment["body"]
    assert "DecodingStage" in comment["body"]
    assert result.outputs["comment-url"].endswith(f"#issuecomment-{comment['id']}")
    assert TOKEN not in result.log
    assert not_owned_by(project.path, RUNNER_UID) == []


def test_torch_is_in_the_image__perfgate_measures_itself(step, tmp_path):
    project = projects.a_project(
        tmp_path / "project", with_action=True, suite=projects.BUILTIN_SUITE
    )
    result = step(project, comment="false", options=("--network=none",))
    assert result.exit_code in (0, 7), result
    decision = json.loads((project.path / "perfgate-out/decision.json").read_text())
    (case,) = decision["cases"]
    assert case["verdict"] != "failed", case["log_tail"]
    assert case["output"] == "same"
    assert {"TextEncodingStage", "DenoisingStage", "DecodingStage"} <= {
        metric["name"] for metric in case["metrics"]
    }
    assert not_owned_by(project.path, RUNNER_UID) == []


def test_path_with_spaces_and_other_letters(step, tmp_path):
    project = projects.a_project(tmp_path / "größe und Übung 作業")
    result = step(project, mounted_at="/github/wörk späce 作業", comment="false")
    assert result.exit_code == 0, result
    assert result.outputs["decision-path"] == "perfgate-out/decision.json"
    assert not_owned_by(project.path, RUNNER_UID) == []


def test_clone_of_depth_1__fetches_the_one_missing_commit(step, tmp_path):
    origin = projects.a_project(tmp_path / "origin")
    clone = origin.clone(tmp_path / "clone", "--depth=1")
    clone.git("fetch", "--quiet", "--depth=1", "origin", "feature:feature")
    assert clone.git("rev-list", "--count", "HEAD") == "1"
    payload = projects.an_event(origin, tmp_path / "event.json", repository="octo/bench")
    result = step(
        clone,
        event=payload,
        comment="false",
        options=(f"--volume={origin.path}:{origin.path}:ro",),
    )
    assert result.exit_code == 0, result
    assert json.loads((clone.path / "perfgate-out/decision.json").read_text())["base"][
        "commit"
    ] == origin.git("rev-parse", "main^1")
    assert not_owned_by(clone.path, RUNNER_UID) == []


def test_wrong_inputs__all_told_at_once(step, tmp_path):
    project = projects.a_project(tmp_path / "project")
    result = step(project, strategy="fast", comment="maybe", fail_on="never", suite="/etc/passwd")
    assert result.exit_code == 2
    for name in ("strategy", "comment", "fail-on", "suite"):
        assert f"- {name}" in result.log or f"- '{name}'" in result.log
    assert result.log.startswith("::error")
    assert "Traceback" not in result.log


def test_refused_comment__the_verdict_stands(step, tmp_path, github):
    github.read_only = True
    project = projects.a_project(tmp_path / "project")
    result = step(project, github=github, github_token=TOKEN)
    assert result.exit_code == 0, result
    assert result.outputs["verdict"] == "passed"
    (warning,) = [line for line in result.log.splitlines() if line.startswith("::warning")]
    assert "pull-requests: write" in warning


def test_refused_comment__strict(step, tmp_path, github):
    github.read_only = True
    project = projects.a_project(tmp_path / "project")
    result = step(project, github=github, github_token=TOKEN, strict_publish="true")
    assert result.exit_code == 6, result


def test_broken_suite__exit_code_and_comment_say_so(step, tmp_path, github):
    project = projects.a_project(tmp_path / "project")
    project.file("bench/perfgate.yml", "version: 1\ncases: [")
    result = step(project, github=github, github_token=TOKEN)
    assert result.exit_code == 2, result
    (comment,) = github.by(BOT)
    assert "no verdict" in comment["body"]
    assert "Traceback" not in result.log


def test_damaged_event__clear_error(step, tmp_path):
    project = projects.a_project(tmp_path / "project")
    (tmp_path / "event.json").write_text("[1, 2")
    result = step(project, event=tmp_path / "event.json", comment="false")
    assert result.exit_code == 2
    assert "GITHUB_EVENT_PATH" in result.log
    assert "Traceback" not in result.log
