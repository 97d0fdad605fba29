"""A workflow that says `uses: ./host`, run by act on this machine against a fake GitHub."""

import json
from textwrap import dedent

import pytest

from tests.e2e import projects
from tests.e2e.act import run_on_host
from tests.fakes.github_server import BOT

TOKEN = "a-s3cret-token"
WORKFLOW = dedent(
    """\
    name: host
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
          - uses: ./host
            id: perfgate
            with:
              suite: bench/perfgate.yml
              device: cpu
          - if: always()
            id: after
            env:
              VERDICT: ${{ steps.perfgate.outputs.verdict }}
              REGRESSIONS: ${{ steps.perfgate.outputs.regressions }}
              DECISION: ${{ steps.perfgate.outputs.decision-path }}
            run: |
              echo "verdict=$VERDICT" >> "$GITHUB_OUTPUT"
              echo "regressions=$REGRESSIONS" >> "$GITHUB_OUTPUT"
              test -s "$DECISION"
    """
)


@pytest.fixture
def workflow(github, tmp_path):
    """Run the workflow for the project's pull request."""

    def workflow(project):
        file = tmp_path / "workflow.yml"
        file.write_text(WORKFLOW)
        (tmp_path / "home").mkdir(exist_ok=True)
        event = projects.an_event(project, tmp_path / "event.json", repository=github.repository)
        return run_on_host(
            tmp_path / "home",
            project.path,
            workflow=str(file),
            event=event,
            github=github,
            token=TOKEN,
        )

    return workflow


def test_pull_request__one_comment_from_the_host(workflow, github, tmp_path):
    project = projects.a_project(tmp_path / "project", with_action=True)
    project.git("remote", "add", "origin", "https://github.com/octo/bench.git")

    first = workflow(project)
    assert first.exit_code == 0, first
    assert first.outputs["after"] == {"verdict": "passed", "regressions": "[]"}
    (comment,) = github.by(BOT)
    assert comment["edits"] == 0

    projects.change(project, projects.bench(decoding_ms=120))
    second = workflow(project)
    assert second.exit_code == 1, second
    assert second.steps["after"] == "success"
    assert second.outputs["after"]["verdict"] == "regressed"
    (found, *_) = json.loads(second.outputs["after"]["regressions"])
    assert (found["case"], found["metric"]) == ("wan_sleep", "DecodingStage")
    assert [one["id"] for one in github.by(BOT)] == [comment["id"]]
    assert comment["edits"] == 1

    assert any("environment was made" in line for line in first.lines)
    assert any("environment is reused" in line for line in second.lines)
    for run in (first, second):
        assert all(TOKEN not in line for line in run.lines)
        assert all("forged" not in value for value in run.outputs["after"].values())
