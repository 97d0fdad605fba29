"""The documents' nightly workflow and the one that it calls, run by act against a fake GitHub.

Stand-ins: folders for artifacts, since their actions are JavaScript that act would have to fetch;
a bare repository for the remote. Deploying to Pages is GitHub's alone.
"""

import json
import re

import pytest

from perfgate.history.append import append
from perfgate.history.opening import open_store
from tests.documents import ROOT, blocks, page
from tests.e2e.act import artifact_stub, run_on_host
from tests.e2e.called import callable_command, named
from tests.integration.test_nightly_workflow import SUITE, forty_nights
from tests.repositories import Repository, bench
from tests.stores import GIT_ENV

TOKEN = "a-s3cret-token"
CALLED = named((ROOT / ".github/workflows/nightly.yml").read_text(encoding="utf-8"))
COPIES = {
    "upload-artifact": 'cp -r "$FOLDER" "$ARTIFACTS/$NAME"',
    "upload-pages-artifact": 'cp -r "$FOLDER" "$ARTIFACTS/$NAME"',
    "download-artifact": 'cp -r "$ARTIFACTS/$NAME" "$FOLDER"',
}


def pasted():
    """The page's workflow with its first job alone, on a runner that act has."""
    (found,) = blocks(page("docs/nightly.md"), "yaml")
    nightly = found.split("  deploy:\n")[0]
    nightly = re.sub(r"OWNER/perfgate(/\S+)@v1", r".\1", nightly)
    return nightly.replace("""'["self-hosted", "h100"]'""", """'"ubuntu-latest"'""")


@pytest.fixture
def actions(tmp_path):
    """This tree as perfgate's own actions, and the stand-ins."""
    stubs = {name: artifact_stub(copy) for name, copy in COPIES.items()}
    return callable_command(tmp_path, stubs, CALLED)


@pytest.fixture
def project(tmp_path):
    """Two cases, one of which fails, with forty nights on the data branch."""
    project = Repository(tmp_path / "project")
    project.file("perfgate.yml", SUITE)
    project.file(".github/workflows/nightly.yml", CALLED)
    project.file(".github/workflows/call.yml", pasted())
    project.commit("start", bench_py=bench(DenoisingStage=20.0))
    project.git("clone", "--quiet", "--bare", ".", str(tmp_path / "remote.git"))
    project.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    (tmp_path / "scratch").mkdir()
    store = open_store(
        "branch:perfgate-data", start=project.path, environ=GIT_ENV, scratch=tmp_path / "scratch"
    )
    append(store, list(forty_nights()))
    return project


def test_schedule__measured_kept_tracked_and_shown(actions, project, github, tmp_path):
    event = tmp_path / "event.json"
    repository = {"full_name": github.repository, "default_branch": "main"}
    event.write_text(json.dumps({"schedule": "30 1 * * *", "repository": repository}))
    for name in ("home", "artifacts"):
        (tmp_path / name).mkdir()
    run = run_on_host(
        tmp_path / "home",
        project.path,
        workflow=str(project.path / ".github/workflows/call.yml"),
        event=event,
        github=github,
        token=TOKEN,
        event_name="schedule",
        run_id=77,
        actions=actions,
        variables={
            "ARTIFACTS": str(tmp_path / "artifacts"),
            "GITHUB_REPOSITORY": github.repository,
        },
    )
    # The case that fails turns its own job red and nothing else.
    assert run.jobs == ["failure", "success"], run
    kept = project.git("ls-remote", "--heads", "origin").count("perfgate-data")
    assert kept == 1
    project.git("fetch", "--quiet", "origin", "perfgate-data")
    files = project.git("ls-tree", "-r", "--name-only", "FETCH_HEAD").splitlines()
    assert [name.split("/")[0] for name in files] == ["pictures", *["results"] * 41]
    (issue,) = github.issues.open
    assert issue.title.startswith("wan is slower: end-to-end +10.0 %")
    assert {path.name for path in (tmp_path / "artifacts").iterdir()} == {
        *("perfgate-nightly", "perfgate-nightly-dashboard", "github-pages"),
    }
    assert (tmp_path / "artifacts/github-pages/index.html").stat().st_size > 10_000
    assert not [line for line in run.lines if TOKEN in line]
