"""The documents' fleet and the workflow that it calls, run by act against a fake GitHub.

Stand-ins: folders for artifacts, since their actions are JavaScript that act would have to fetch.
Every shard runs on this machine, one after another, as the lease of its CPU has it.
"""

import json
import re

import pytest

from tests.documents import ROOT, blocks, page
from tests.e2e import projects
from tests.e2e.act import artifact_stub, run_on_host
from tests.e2e.called import callable_command, named
from tests.fakes.github_server import BOT
from tests.repositories import Repository, bench

TOKEN = "a-s3cret-token"
CALLED = named((ROOT / ".github/workflows/fleet.yml").read_text(encoding="utf-8"))
SUITE = """\
version: 1
gate: {strategy: paired, budget: 4m}
cases:
  - {id: wan, backend: command, command: python3 bench.py, requests: 1}
  - {id: flux, backend: command, command: python3 slow.py, requests: 1}
"""
# The real actions keep a folder's content, or one file; without a name all are fetched, each into a
# folder of its name. The pattern is held by tests/contract/test_fleet_workflow.py.
COPIES = {
    "upload-artifact": 'to="$ARTIFACTS/$NAME"; mkdir -p "$to"; '
    'if [ -d "$FOLDER" ]; then cp -r "$FOLDER/." "$to"; else cp "$FOLDER" "$to"; fi',
    "download-artifact": 'mkdir -p "$FOLDER"; cp -r "$ARTIFACTS/$NAME/." "$FOLDER"',
}


def pasted():
    """The page's workflow, on the runner that act has."""
    text = re.sub(
        r"OWNER/perfgate(/\S+)@v1", r".\1", blocks(page("docs/many-runners.md"), "yaml")[0]
    )
    return text.replace("8 self-hosted,h100=4", "2")


@pytest.fixture
def actions(tmp_path):
    """This tree as perfgate's own actions, and the stand-ins."""
    stubs = {
        # Without a name all are fetched.
        name: artifact_stub(copy).replace(", default: github-pages", ', default: ""')
        for name, copy in COPIES.items()
    }
    return callable_command(tmp_path, stubs, CALLED)


@pytest.fixture
def project(tmp_path):
    """A pull request's merge commit that makes one case of two slower."""
    project = Repository(tmp_path / "project")
    project.file("perfgate.yml", SUITE)
    project.file(".github/workflows/fleet.yml", CALLED)
    project.file(".github/workflows/call.yml", pasted())
    project.commit("base", bench_py=bench(), slow_py=bench())
    project.git("switch", "--quiet", "--create", "feature")
    project.commit("head", slow_py=bench(DecodingStage=60.0))
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--no-ff", "--message", "merge", "feature")
    return project


def test_pull_request__two_shards_and_one_comment(actions, project, github, tmp_path):
    for name in ("home", "artifacts"):
        (tmp_path / name).mkdir()
    run = run_on_host(
        tmp_path / "home",
        project.path,
        workflow=str(project.path / ".github/workflows/call.yml"),
        event=projects.an_event(project, tmp_path / "event.json", repository=github.repository),
        github=github,
        token=TOKEN,
        actions=actions,
        variables={
            "ARTIFACTS": str(tmp_path / "artifacts"),
            "GITHUB_REPOSITORY": github.repository,
        },
    )
    # The plan and both shards left what they have to: what they found is the last job's to tell.
    assert sorted(run.jobs) == ["failure", *["success"] * 3], run
    (comment,) = github.by(BOT)
    assert "1 of 2 cases is slower" in comment["body"]
    assert "DecodingStage" in comment["body"]
    assert "2 of 2 shards of plan" in comment["body"]
    (check,) = github.checks.named("perfgate/perfgate")
    assert check["conclusion"] == "failure"
    left = {path.name for path in (tmp_path / "artifacts").iterdir()}
    assert left == {
        *("fleet-suite", "fleet-suite--plan"),
        *("fleet-suite--ubuntu-latest-1", "fleet-suite--ubuntu-latest-2"),
    }
    records = tmp_path / "artifacts/fleet-suite/records"
    shares = [json.loads(path.read_text())["share"] for path in sorted(records.iterdir())]
    assert [(one["judged"], one["of"]) for one in shares] == [(1, 2), (1, 2)]
    assert not [line for line in run.lines if TOKEN in line]
