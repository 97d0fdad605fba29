"""A workflow that says `uses: ./`, run by act against a fake GitHub: what a user would see."""

import json
import os
import re
from textwrap import dedent

import pytest

from tests.e2e import projects
from tests.e2e.act import run_workflow
from tests.e2e.runner import RUNNER_UID, give, not_owned_by
from tests.fakes.github_server import BOT

TOKEN = "a-s3cret-token"
WORKFLOW = dedent(
    """\
    name: NAME
    on: pull_request
    permissions: {}
    jobs:
      gate:
        runs-on: ubuntu-latest
        permissions:
          contents: read
          pull-requests: write
        steps:
          # act does this itself: it copies the folder it was started in.
          - uses: actions/checkout@v5
            id: checkout
          - uses: ./
            id: perfgate
            with:
              suite: bench/perfgate.yml
          - if: always()
            id: after
            env:
              VERDICT: ${{ steps.perfgate.outputs.verdict }}
              REGRESSIONS: ${{ steps.perfgate.outputs.regressions }}
              DECISION: ${{ steps.perfgate.outputs.decision-path }}
              COMMENT: ${{ steps.perfgate.outputs.comment-url }}
            run: |
              echo "the verdict is <$VERDICT>"
              echo "the regressions are <$REGRESSIONS>"
              echo "the comment is <$COMMENT>"
              test -s "$DECISION" && echo "the decision is there"
    """
)


@pytest.fixture
def workflow(containers, docker_host, github, tmp_path, request):
    """Run the workflow for the project's pull request."""
    runs = iter(range(100))

    def workflow(project, *, user=0, **how):
        # act names its containers after workflow and job, so each run needs a name of its own.
        name = f"{request.node.name}-{os.getpid()}-{next(runs)}".replace("_", "-")
        file = tmp_path / f"{name}.yml"
        file.write_text(WORKFLOW.replace("NAME", name))
        event = projects.an_event(project, tmp_path / "event.json", repository=github.repository)
        give(project.path, user)
        return run_workflow(
            containers,
            docker_host,
            project.path,
            workflow=str(file),
            event=event,
            github=github,
            token=TOKEN,
            **how,
        )

    return workflow


def said(run, what):
    """What the step after the action printed for an output."""
    for line in run.lines:
        if found := re.fullmatch(rf"the {what} (?:is|are) <(.*)>", line):
            return found[1]
    return None


def a_project(path):
    project = projects.a_project(path, with_action=True)
    project.git("remote", "add", "origin", "https://github.com/octo/bench.git")
    return project


def test_pull_request__one_comment_through_its_life(workflow, github, tmp_path):
    github.page_limit = 30
    for number in range(40):
        github.add_comment(f"comment {number} of a long discussion", author=f"person-{number}")
    project = a_project(tmp_path / "project")

    first = workflow(project)
    assert first.exit_code == 0, first
    assert first.steps == {"checkout": "success", "perfgate": "success", "after": "success"}
    assert said(first, "verdict") == "passed"
    assert said(first, "regressions") == "[]"
    assert "the decision is there" in first.lines
    (comment,) = github.by(BOT)
    assert said(first, "comment") == f"{github.url}/octo/bench/pull/7#issuecomment-{comment['id']}"
    assert comment["edits"] == 0
    # Two pages, and both again after the first comment, lest another job has made one too.
    assert len(github.asked("GET", "/issues/7/comments")) == 4
    (check,) = github.checks.runs
    assert (check["name"], check["conclusion"]) == ("perfgate/perfgate", "success")
    assert check["head_sha"] == project.git("rev-parse", "feature")
    assert check["annotations"] == []

    projects.change(project, projects.bench(decoding_ms=120))
    second = workflow(project)
    assert second.exit_code == 1, second
    assert second.steps == {"checkout": "success", "perfgate": "failure", "after": "success"}
    assert said(second, "verdict") == "regressed"
    (found, *_) = json.loads(said(second, "regressions"))
    assert (found["case"], found["metric"]) == ("wan_sleep", "DecodingStage")
    assert [one["id"] for one in github.by(BOT)] == [comment["id"]]
    assert comment["edits"] == 1
    assert "wan_sleep" in comment["body"]
    assert "DecodingStage" in comment["body"]
    assert "Earlier results" in comment["body"]
    assert len(github.asked("POST", "/comments")) == 1
    assert len(github.comments) == 41
    _, check = github.checks.runs
    assert (check["head_sha"], check["conclusion"]) == (
        project.git("rev-parse", "feature"),
        "failure",
    )
    (beside,) = check["annotations"]
    suite = (project.path / "bench/perfgate.yml").read_text().splitlines()
    assert beside["path"] == "bench/perfgate.yml"
    assert suite[beside["start_line"] - 1].strip() == "- id: wan_sleep"

    for run in (first, second):
        assert all(TOKEN not in line for line in run.lines)
        assert all("forged" not in value for value in run.outputs["perfgate"].values())


def test_workspace_of_an_ordinary_user__nothing_of_root_stays(workflow, tmp_path):
    project = a_project(tmp_path / "größe und Übung 作業")
    run = workflow(project, user=RUNNER_UID, bind=True)
    assert run.exit_code == 0, run
    assert said(run, "verdict") == "passed"
    assert not_owned_by(project.path, RUNNER_UID) == []


def test_no_permission__the_verdict_still_shows(workflow, github, tmp_path):
    github.read_only = True
    run = workflow(a_project(tmp_path / "project"))
    assert run.exit_code == 0, run
    assert said(run, "verdict") == "passed"
    assert said(run, "comment") == ""
    assert any("pull-requests: write" in line for line in run.lines)
