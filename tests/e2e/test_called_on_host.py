"""gate.yml by its door on the host, and audit.yml: called as their pages say, run by act here."""

import json

import pytest
import yaml

from tests.documents import blocks, page
from tests.e2e import projects
from tests.e2e.act import run_on_host
from tests.e2e.called import callable_perfgate
from tests.fakes.github_server import BOT
from tests.integration.test_audit_workflow import FILE, SUITE, figures
from tests.repositories import Repository

TOKEN = "a-s3cret-token"


def workflow(name, called, **inputs):
    """The page's workflow that calls perfgate's of this name, with other inputs."""
    pasted = map(yaml.safe_load, blocks(page(f"docs/{name}.md"), "yaml"))
    (found,) = [
        each
        for each in pasted
        if any(job.get("uses", "").endswith(f"/{called}.yml@v1") for job in each["jobs"].values())
    ]
    (job,) = found["jobs"].values()
    job["with"] = inputs
    found["on"] = found.pop(True)  # which is how YAML reads the word
    return yaml.safe_dump(found)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """perfgate's own environment is made once and kept there."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def run(home, github, tmp_path):
    """Run a workflow's text for the merge commit of a project's pull request."""

    def run(text, project):
        (tmp_path / "workflow.yml").write_text(text)
        event = projects.an_event(project, tmp_path / "event.json", repository=github.repository)
        (tmp_path / "artifacts").mkdir()
        return run_on_host(
            home,
            project.path,
            workflow=str(tmp_path / "workflow.yml"),
            event=event,
            github=github,
            token=TOKEN,
            actions=callable_perfgate(tmp_path / "actions"),
            variables={
                "CHECKED_OUT": str(project.path),
                "ARTIFACTS": str(tmp_path / "artifacts"),
            },
        )

    return run


def test_gate__on_the_host__comments_and_leaves_its_folder(run, github, tmp_path):
    project = projects.a_project(tmp_path / "project", head=projects.bench(decoding_ms=120))
    project.git("remote", "add", "origin", f"https://github.com/{github.repository}.git")
    given = {"suite": "bench/perfgate.yml", "host": True, "key": "h100"}
    measured = run(workflow("forks", "gate", **given), project)
    assert measured.jobs == ["failure"], measured
    (comment,) = github.by(BOT)
    assert "DecodingStage" in comment["body"]
    (check,) = github.checks.named("perfgate/perfgate/h100")
    assert (check["head_sha"], check["conclusion"]) == (
        project.git("rev-parse", "feature"),
        "failure",
    )
    record = json.loads((tmp_path / "artifacts/perfgate-h100/record.json").read_text())
    assert record["head"]["commit"] == project.git("rev-parse", "HEAD")


def test_audit__a_figure_that_nothing_was_measured_for_fails_it(run, github, tmp_path):
    project = Repository(tmp_path / "project")
    project.file("perfgate.yml", SUITE)
    project.file(FILE, figures())
    project.commit("base")
    project.git("switch", "--quiet", "--create", "feature")
    project.file(FILE, figures(decoding_ms=190.5))
    project.commit("head")
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--no-ff", "--message", "merge", "feature")
    audited = run(workflow("workflows", "audit", files="baselines"), project)
    assert audited.jobs == ["failure"], audited
    assert any("stages_ms.DecodingStage" in line for line in audited.lines)
    assert any("Nothing is slower by permission." in line for line in audited.lines)
    assert github.exchanges == []
