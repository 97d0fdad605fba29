"""The shell lines of nightly.yml, one after another, with what its YAML gives to each.

Artifacts are folders that are copied, and perfgate's Python is this one; GitHub's part is the fake
server's and a bare repository's.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from perfgate.history.append import append
from perfgate.history.opening import open_store
from perfgate.records.results import Cell, JobRun, Measured, Results
from tests.fakes.github_server import FakeGitHub
from tests.histories import nights
from tests.repositories import bench, environment
from tests.stores import GIT_ENV, a_clone, git

pytestmark = pytest.mark.slow

WORKFLOW = yaml.safe_load(
    (Path(__file__).parents[2] / ".github/workflows/nightly.yml").read_text(encoding="utf-8")
)
SUITE = """\
version: 1
cases:
  - {id: good, backend: command, command: python3 bench.py, requests: 1}
  - {id: broken, backend: command, command: "echo CUDA out of memory; exit 3", requests: 1}
"""
TOKEN = "a-s3cret"
_EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
_AFTER_SETUP = "${{ !cancelled() && steps.setup.outcome == 'success' }}"
_PAGE = "${{ !cancelled() && steps.page.outcome == 'success' }}"
_PAGES = "${{ !cancelled() && inputs.pages && steps.page.outcome == 'success' }}"


@dataclass
class Night:
    """One run of the workflow; ``codes`` are those of the steps with a name."""

    workspace: Path
    kept: Path
    environ: dict[str, str]
    codes: dict[str, int] = field(default_factory=dict)
    printed: str = ""
    uploaded: list[str] = field(default_factory=list)
    lost: bool = False

    def run(self, **inputs: str) -> None:
        declared = WORKFLOW[True]["workflow_call"]["inputs"]
        values = {f"inputs.{name}": str(about["default"]) for name, about in declared.items()}
        values |= {f"inputs.{name}": value for name, value in inputs.items()}
        values |= {"steps.setup.outputs.python": sys.executable, "github.token": TOKEN}
        values["secrets.hf-token"] = ""
        for job in WORKFLOW["jobs"].values():
            self.job(job, values)

    def job(self, job, values):
        failed, page = False, False
        for step in job["steps"]:
            due = {
                None: not failed,
                "always()": True,
                _AFTER_SETUP: True,
                _PAGE: page,
                _PAGES: page and values["inputs.pages"] == "true",
            }[step.get("if")]
            if due:
                code = self.script(step, values) if "run" in step else self.action(step, values)
                failed = failed or code != 0
                page = page or (step.get("id") == "page" and code == 0)

    def script(self, step, values) -> int:
        given = {name: filled(value, values) for name, value in step["env"].items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env={**self.environ, **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        self.codes[step["name"]] = done.returncode
        self.printed += done.stdout
        return done.returncode

    def action(self, step, values) -> int:
        name = step["uses"].partition("@")[0].partition("/")[2]
        if name in ("checkout", "setup"):
            return 0
        given = {key: filled(str(value), values) for key, value in step["with"].items()}
        artifact = self.kept / given.get("name", "github-pages")
        folder = self.workspace / given["path"]
        if name == "download-artifact":
            if self.lost:
                return 1
            shutil.rmtree(folder)
            shutil.copytree(artifact, folder)
        else:
            assert any(folder.iterdir())
            shutil.copytree(folder, artifact)
            self.uploaded.append(artifact.name)
        return 0


def filled(text, values):
    return _EXPRESSION.sub(lambda found: values[found[1]], text)


@pytest.fixture
def github(tmp_path):
    with FakeGitHub(folder=tmp_path / "github.git", token=TOKEN) as server:
        yield server


@pytest.fixture
def night(tmp_path, github):
    """A project with forty nights on its data branch, of which one case got slower."""
    clone = a_clone(tmp_path)
    (clone / "perfgate.yml").write_text(SUITE)
    (clone / "bench.py").write_text(bench(DenoisingStage=20.0))
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "-m", "a benchmark")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    store = open_store("branch:perfgate-data", start=clone, environ=GIT_ENV, scratch=scratch)
    append(store, list(forty_nights()))
    event = {"repository": {"full_name": github.repository, "default_branch": "main"}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    (tmp_path / "kept").mkdir()
    return Night(
        workspace=clone,
        kept=tmp_path / "kept",
        environ=environment(
            HOME=str(tmp_path),
            XDG_CACHE_HOME=str(tmp_path / "cache"),
            GITHUB_ACTIONS="true",
            GITHUB_EVENT_NAME="schedule",
            GITHUB_EVENT_PATH=str(tmp_path / "event.json"),
            GITHUB_REPOSITORY=github.repository,
            GITHUB_API_URL=github.url,
            GITHUB_REF="refs/heads/main",
            GITHUB_RUN_ID="77",
            GITHUB_RUN_ATTEMPT="1",
            GITHUB_STEP_SUMMARY=str(tmp_path / "summary"),
        ),
    )


def forty_nights():
    last = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    for number, value in enumerate(nights((30, 1000.0), (10, 1100.0), noise=0.002)):
        metrics = (Measured(name="e2e", samples=(value,)),)
        yield Results(
            perfgate="0",
            measured_at=last - timedelta(days=39 - number),
            commit=f"{number:040x}",
            hardware_key="nvidia-h100-80gb-hbm3-x1",
            run=JobRun(id=str(number)),
            cells=(Cell(case="wan", framework="sglang", workload_hash="0" * 16, metrics=metrics),),
        )


def results_on(night):
    return [name for name in files_on(night) if name.startswith("results/")]


def pictures_on(night):
    return [name for name in files_on(night) if not name.startswith("results/")]


def files_on(night):
    origin = night.workspace.parent / "origin.git"
    return git(origin, "ls-tree", "-r", "--name-only", "perfgate-data").splitlines()


def test_a_case_that_fails__its_night_is_kept_tracked_and_shown(night, github):
    night.run()
    assert night.codes == {
        "Compare the frameworks": 4,
        "Add the results to the history": 0,
        "Open, update and close issues": 0,
        "Make the page": 0,
    }, night.printed
    assert len(results_on(night)) == 41
    (issue,) = github.issues.open
    assert issue.title.startswith("wan is slower: end-to-end +10.0 %")
    names = pictures_on(night)
    assert [name[:9] for name in names] == ["pictures/"]
    assert f"/{names[0]}?raw=true)" in issue.body
    page = (night.kept / "perfgate-nightly-dashboard" / "index.html").read_text(encoding="utf-8")
    assert "good" in page
    assert "wan" in page
    assert night.uploaded == ["perfgate-nightly", "perfgate-nightly-dashboard"]
    assert TOKEN not in night.printed


def test_pages__uploaded_for_another_job(night):
    night.run(pages="true", repeats="1", key="h100")
    assert night.uploaded == ["perfgate-h100", "perfgate-h100-dashboard", "github-pages"]


def test_a_night_that_left_nothing__the_others_are_tracked_and_shown(night, github):
    night.lost = True
    night.run(repeats="1")
    assert "Add the results to the history" not in night.codes
    assert night.codes["Open, update and close issues"] == 0
    assert night.codes["Make the page"] == 0
    assert len(results_on(night)) == 40
    assert len(github.issues.open) == 1


def test_no_right_to_open_issues__told_and_the_page_is_made(night, github):
    github.read_only = True
    night.run(repeats="1")
    assert night.codes["Open, update and close issues"] == 6
    assert "issues: write" in night.printed
    assert night.codes["Make the page"] == 0
