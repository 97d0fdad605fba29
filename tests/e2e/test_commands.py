"""The documents' commands workflow under act, and the measuring run that a command starts.

They call perfgate's own, by which this runs commands.yml and gate.yml; `called.py` says what is not
as a runner does it. act starts the measuring run because this file says so, with the inputs that
the fake GitHub was asked to start it with.
"""

import json

import pytest

from tests.commanding import INPUTS, Talk
from tests.documents import blocks, page
from tests.e2e import projects
from tests.e2e.act import run_workflow
from tests.e2e.called import callable_perfgate
from tests.fakes.github_people import Run
from tests.fakes.github_pulls import Pull
from tests.fakes.github_server import BOT
from tests.repositories import Repository

TOKEN = "a-s3cret-token"


def workflow(name):
    """The workflow of docs/commands.md that calls perfgate's of this name, for another suite."""
    pasted = blocks(page("docs/commands.md"), "yaml")
    (found,) = [block for block in pasted if f"/workflows/{name}.yml@v1\n" in block]
    return found.replace("suite: perfgate.yml", "suite: bench/perfgate.yml")


@pytest.fixture
def run(containers, docker_host, github, tmp_path):
    """Run one of the two workflows in a folder, for a payload."""
    actions = callable_perfgate(tmp_path / "actions")

    def run(name, folder, payload, *, run_id, **how):
        file, event = tmp_path / f"{name}-{run_id}.yml", tmp_path / f"{name}-{run_id}.json"
        file.write_text(workflow(name))
        event.write_text(json.dumps(payload))
        return run_workflow(
            containers,
            docker_host,
            folder,
            workflow=str(file),
            event=event,
            github=github,
            token=TOKEN,
            run_id=run_id,
            actions=actions,
            **how,
        )

    return run


@pytest.fixture
def project(github, tmp_path):
    """A pull request of the repository's own, whose push started a run; head is checked out."""
    project = projects.a_project(tmp_path / "project", head=projects.bench(decoding_ms=120))
    bare = str(github.bare.path)
    project.git("push", "--quiet", bare, "main^1:refs/heads/main", "feature:refs/heads/feature")
    project.git("remote", "add", "origin", f"https://github.com/{github.repository}.git")
    project.git("fetch", "--quiet", bare, "refs/heads/main:refs/remotes/origin/main")
    project.git("switch", "--quiet", "--detach", "feature")
    head = project.git("rev-parse", "HEAD")
    github.pulls.all.append(
        Pull(
            number=7,
            author="someone",
            title="Make it faster",
            body="",
            head="feature",
            base="main",
            draft=False,
        )
    )
    github.people.runs.append(Run(id=500, head_sha=head))
    github.people.workflows["perfgate.yml"] = INPUTS
    github.people.roles["ann"] = "write"
    return project


@pytest.fixture
def comment(run, github, tmp_path):
    """Write a comment, and let the commands workflow hear it, in a workspace with nothing in it."""
    empty = Repository(tmp_path / "empty")
    empty.git("remote", "add", "origin", f"https://github.com/{github.repository}.git")
    empty.commit("nothing")

    def comment(body, *, author, run_id):
        number = github.add_comment(body, author=author)
        payload = {
            "action": "created",
            "issue": {"number": 7, "pull_request": {"url": "x"}},
            "comment": {
                "id": number,
                "user": {"login": author},
                "body": body,
                "created_at": "2026-03-01T12:00:05Z",
            },
            "repository": {
                "full_name": github.repository,
                "name": github.repository.split("/")[1],
                "default_branch": "main",
            },
        }
        done = run("commands", empty.path, payload, event_name="issue_comment", run_id=run_id)
        assert done.exit_code == 0, done
        assert all(TOKEN not in line for line in done.lines)
        return number

    return comment


def test_rerun__heard_started_answered_measured(run, comment, project, github):
    number = comment("Once more, please.\n/perfgate rerun wan_sleep", author="ann", run_id=900)
    assert github.people.reactions_on(number) == ["eyes", "+1"]
    ((file, ref, inputs),) = github.people.started
    head = project.git("rev-parse", "feature")
    assert (file, ref, inputs["head"], inputs["cases"]) == (
        "perfgate.yml",
        "main",
        head,
        "wan_sleep",
    )
    assert "Measures **wan_sleep**" in Talk(github).comment

    payload = {
        "inputs": inputs,
        "ref": "refs/heads/main",
        "repository": {"full_name": github.repository, "default_branch": "main"},
    }
    measured = run(
        "gate", project.path, payload, event_name="workflow_dispatch", run_id=901, bind=True
    )
    assert measured.jobs == ["failure"], measured
    # Some of the cases say nothing of the others: their result stands beside the suite's own.
    answer, result = github.by(BOT)
    assert "Measures **wan_sleep**" in answer["body"]
    assert "DecodingStage" in result["body"], measured
    (check,) = github.checks.named("perfgate/perfgate/rerun")
    assert (check["head_sha"], check["conclusion"]) == (head, "failure")


def test_somebody_who_may_not_write__refused_once(comment, project, github):
    first = comment("/perfgate rerun", author="mallory", run_id=910)
    second = comment("/perfgate rerun", author="mallory", run_id=911)
    assert github.people.started == []
    assert github.people.reactions_on(first) == ["eyes", "confused"]
    assert github.people.reactions_on(second) == ["eyes", "confused"]
    (found,) = github.by(BOT)
    assert found["body"].count("only from people who may write") == 1
    assert found["edits"] == 0
