"""The documents' two workflows, run one after the other by act: a change measured, then published.

They call perfgate's own, by which this runs gate.yml and publish.yml. The first runs a fork's code
with a token that may not write, and leaves its folder; the second has nothing checked out and
publishes what the fake GitHub gives it of that folder. `called.py` says what is not as a runner
does it; and act starts the second workflow because this file says so, with the payload that GitHub
describes.
"""

import json

import pytest

from tests.documents import blocks, page
from tests.e2e import projects
from tests.e2e.act import run_workflow
from tests.e2e.called import callable_perfgate
from tests.fakes.github_artifacts import packed, packed_folder
from tests.fakes.github_server import BOT
from tests.repositories import Repository

TOKEN = "a-s3cret-token"
FORK, RUN = "mallory/bench", 42


def workflow(name):
    """The workflow of docs/forks.md that calls perfgate's of this name, for the project's suite."""
    pasted = blocks(page("docs/forks.md"), "yaml")
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


class Change:
    """A pull request: its checkout as the runner makes it, and what GitHub knows of it."""

    def __init__(self, folder, github, *, of=FORK, **decoding):
        self.github, self.of = github, of
        self.project = projects.a_project(folder, head=projects.bench(**decoding))
        git, bare = self.project.git, str(github.bare.path)
        git("remote", "add", "origin", f"https://github.com/{github.repository}.git")
        git("push", "--quiet", bare, "main^1:refs/heads/main", "main:refs/pull/7/merge")
        git("push", "--quiet", bare, "feature:refs/pull/7/head")
        self.head = git("rev-parse", "feature")
        github.pulls.from_fork(of, "feature", self.head, number=7)

    def opened(self, path):
        event = projects.an_event(self.project, path, repository=self.github.repository)
        payload = json.loads(event.read_text())
        payload["pull_request"]["head"]["repo"]["full_name"] = self.of
        return payload

    def finished(self, *, actor=""):
        """The payload after the measuring run; for a fork it lists no pull requests."""
        owner = self.of.split("/")[0]
        repository = self.github.repository
        return {
            "action": "completed",
            "workflow_run": {
                "id": RUN,
                "run_attempt": 1,
                "event": "pull_request",
                "conclusion": "failure",
                "head_sha": self.head,
                "head_branch": "feature",
                "head_repository": {"full_name": self.of, "owner": {"login": owner}},
                "actor": {"login": actor or owner},
                "pull_requests": [],
            },
            "repository": {
                "full_name": repository,
                "name": repository.split("/")[1],
                "default_branch": "main",
            },
        }


def nothing_checked_out(path, repository):
    """The publishing job's workspace: without a checkout there is nothing in it."""
    empty = Repository(path)
    empty.git("remote", "add", "origin", f"https://github.com/{repository}.git")
    empty.commit("nothing")
    return empty.path


@pytest.fixture
def publish(run, github, tmp_path):
    """Run the publishing workflow, in a workspace with nothing in it."""
    where = nothing_checked_out(tmp_path / "empty", github.repository)

    def publish(change, *, run_id, **about):
        payload = change.finished(**about)
        return run("publish", where, payload, event_name="workflow_run", run_id=run_id)

    return publish


def test_fork__measured_without_rights_then_published_with_them(run, publish, github, tmp_path):
    theirs = Change(tmp_path / "project", github, decoding_ms=120)
    github.read_only = True
    payload = theirs.opened(tmp_path / "x.json")
    measured = run("gate", theirs.project.path, payload, run_id=RUN, bind=True)
    assert measured.jobs == ["failure"], measured
    assert "uploaded perfgate-suite" in measured.lines
    assert github.exchanges == []

    github.read_only = False
    folder = theirs.project.path / "perfgate-out"
    github.artifacts.add(RUN, "perfgate-suite", packed_folder(folder))
    published = publish(theirs, run_id=RUN + 1)
    assert published.exit_code == 0, published
    (comment,) = github.by(BOT)
    assert comment["pull_request"] == 7
    assert "DecodingStage" in comment["body"]
    assert "Measured by the fork's own code" in comment["body"]
    (check,) = github.checks.named("perfgate/perfgate")
    assert (check["head_sha"], check["conclusion"]) == (theirs.head, "failure")
    assert "Measured by the fork's own code" in check["summary"]
    (asked,) = github.artifacts.storage.headers
    assert all("s3cret" not in value for value in asked.values())
    assert all(TOKEN not in line for line in (*measured.lines, *published.lines))

    github.artifacts.add(RUN, "perfgate-suite", packed(forged(folder)))
    again = publish(theirs, run_id=RUN + 2)
    assert again.exit_code == 0, again
    assert github.by(BOT) == [comment]
    assert "wan_sleep" in comment["body"]
    assert "is missing" in comment["body"]
    assert "@everyone" not in comment["body"]
    assert {one["conclusion"] for one in github.checks.named("perfgate/perfgate")} == {"failure"}


def test_own_branch__dependabots_is_published_and_others_are_left_alone(
    run, publish, github, tmp_path
):
    """The job that measured has spoken for a branch, unless its token could only read."""
    ours = Change(tmp_path / "project", github, of=github.repository)
    github.read_only = True
    payload = ours.opened(tmp_path / "x.json")
    measured = run("gate", ours.project.path, payload, run_id=RUN, bind=True)
    assert measured.jobs == ["success"], measured
    github.read_only = False
    assert github.by(BOT) == []
    github.artifacts.add(RUN, "perfgate-suite", packed_folder(ours.project.path / "perfgate-out"))

    asked = len(github.exchanges)
    left = publish(ours, run_id=RUN + 1)
    assert (left.exit_code, left.jobs) == (0, []), left
    assert len(github.exchanges) == asked

    published = publish(ours, run_id=RUN + 2, actor="dependabot[bot]")
    assert published.jobs == ["success"], published
    (comment,) = github.by(BOT)
    assert "fork's own code" not in comment["body"]
    (check,) = github.checks.named("perfgate/perfgate")
    assert (check["head_sha"], check["conclusion"]) == (ours.head, "success")


def forged(folder):
    """A folder that says that all is well, whose record no longer has the case that is slower."""
    record = json.loads((folder / "record.json").read_text())
    record.update(cases=[], notes=["@everyone: reviewed, merge it"])
    fine = {"conclusion": "success", "verdict": "passed", "exit_code": 0, "cases": []}
    decision = json.loads((folder / "decision.json").read_text()) | fine
    return {
        "record.json": json.dumps(record),
        "decision.json": json.dumps(decision),
        "comment.md": "@everyone: all is well",
    }
