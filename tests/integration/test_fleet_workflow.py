"""The shell lines of fleet.yml, one job after another, with what its YAML gives to each.

Artifacts are folders that are copied, and perfgate's Python is this one. GitHub's part, the event
and the comment, is the fake server's.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.github_server import FakeGitHub
from tests.repositories import Repository, bench, environment

pytestmark = pytest.mark.slow

WORKFLOW = yaml.safe_load(
    (Path(__file__).parents[2] / ".github/workflows/fleet.yml").read_text(encoding="utf-8")
)
SUITE = """\
version: 1
baselines: baselines/
gate: {strategy: paired, budget: 3m}
cases:
  - {id: wan, backend: command, command: python3 bench.py, requests: 1}
  - {id: flux, backend: command, command: python3 slow.py, requests: 1, runs_on: [h100]}
"""
TOKEN = "a-s3cret"
_EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")
_CONDITIONS = {
    None: True,
    "${{ !cancelled() }}": True,
    "${{ !cancelled() && steps.setup.outcome == 'success' }}": True,
}
_PROPOSES = (
    "${{ !cancelled() && steps.setup.outcome == 'success' && inputs.update-baseline == 'pr' }}"
)


@dataclass
class Run:
    """One run of the workflow, each job in a clone of its own; ``lost`` shards leave nothing."""

    origin: Repository
    folder: Path
    environ: dict[str, str]
    inputs: dict[str, str]
    lost: tuple[str, ...] = ()
    codes: dict[str, int] = field(default_factory=dict)
    printed: str = ""

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    def all(self) -> None:
        declared = WORKFLOW[True]["workflow_call"]["inputs"]
        values = {f"inputs.{name}": str(about["default"]) for name, about in declared.items()}
        values |= {f"inputs.{name}": value for name, value in self.inputs.items()}
        values["inputs.key || 'suite'"] = values["inputs.key"] or "suite"
        values |= {"steps.setup.outputs.python": sys.executable, "github.token": TOKEN}
        jobs = WORKFLOW["jobs"]
        told = self.job("plan", jobs["plan"], values)
        for one in json.loads(told["matrix"])["include"]:
            if one["shard"] not in self.lost:
                self.job(one["shard"], jobs["measure"], values | {"matrix.shard": one["shard"]})
        self.job("merge", jobs["merge"], values)

    def job(self, name: str, job: dict[str, Any], values: dict[str, str]) -> dict[str, str]:
        temp = self.folder / f"temp of {name}"
        clone = self.origin.clone(self.folder / f"job {name}")
        output = self.folder / f"output of {name}"
        here = values | {"runner.temp": str(temp)}
        for step in job["steps"]:
            condition = step.get("if")
            if condition == _PROPOSES and values["inputs.update-baseline"] != "pr":
                continue
            assert condition in {*_CONDITIONS, _PROPOSES}
            if "run" in step:
                self.codes[f"{name}: {step['name']}"] = self.script(step, here, clone.path, output)
            else:
                self.action(step, here, clone.path)
        text = output.read_text() if output.exists() else ""
        return dict(re.findall(r"^(.*?)<<(?:\S+)\n(.*)\n\S+$", text, re.M))

    def script(self, step: dict[str, Any], values: dict[str, str], cwd: Path, out: Path) -> int:
        given = {name: self.filled(text, values) for name, text in step["env"].items()}
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=cwd,
            env={**environment(**self.environ), **given, "GITHUB_OUTPUT": str(out)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        self.printed += done.stdout + done.stderr
        return done.returncode

    def action(self, step: dict[str, Any], values: dict[str, str], cwd: Path) -> None:
        uses, given = step["uses"], step.get("with", {})
        told = {name: self.filled(str(text), values) for name, text in given.items()}
        if "/upload-artifact@" in uses:
            source, target = cwd / told["path"], self.artifacts / told["name"]
            shutil.rmtree(target, ignore_errors=True)
            if source.is_dir():
                shutil.copytree(source, target)
            elif source.exists():
                target.mkdir(parents=True)
                shutil.copy(source, target)
        elif "/download-artifact@" in uses:
            target = cwd / told["path"]
            if "name" in told:
                shutil.copytree(self.artifacts / told["name"], target, dirs_exist_ok=True)
            else:
                found = [
                    one
                    for one in sorted(self.artifacts.iterdir())
                    if fnmatchcase(one.name, told["pattern"])
                ]
                # The action gives an artifact a folder of its own where there are several.
                for one in found:
                    into = target if len(found) == 1 else target / one.name
                    shutil.copytree(one, into, dirs_exist_ok=True)
        else:
            assert uses.startswith("actions/checkout@") or uses == "$/setup"

    @staticmethod
    def filled(text: str, values: dict[str, str]) -> str:
        return _EXPRESSION.sub(lambda match: values[match[1]], text)


@pytest.fixture
def github(tmp_path: Path):
    with FakeGitHub(folder=tmp_path / "origin.git", token=TOKEN) as server:
        yield server


@pytest.fixture
def origin(tmp_path: Path) -> Repository:
    project = Repository(tmp_path / "my project")
    project.commit("start", perfgate_yml=SUITE, bench_py=bench(), slow_py=bench())
    project.commit("slower", slow_py=bench(DecodingStage=60.0))
    return project


def on_push(tmp_path: Path, github: FakeGitHub, origin: Repository) -> dict[str, str]:
    """What a job on a push to the default branch is told."""
    event = tmp_path / "event.json"
    repository = {"full_name": github.repository, "default_branch": "main"}
    event.write_text(json.dumps({"ref": "refs/heads/main", "repository": repository}))
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REPOSITORY": github.repository,
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": origin.git("rev-parse", "HEAD"),
        "GITHUB_RUN_ID": "77",
        "GITHUB_API_URL": github.url,
        "GITHUB_SERVER_URL": github.url,
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }


def decision(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (run.artifacts / "fleet-night" / "decision.json").read_text()
    )
    return found


def test_one_shard_is_slower_and_one_is_lost(
    tmp_path: Path, github: FakeGitHub, origin: Repository
) -> None:
    environ = on_push(tmp_path, github, origin)
    # What another call of the run left beside ours.
    stranger = tmp_path / "artifacts" / "fleet-night-two--plan"
    stranger.mkdir(parents=True)
    run = Run(
        origin=origin,
        folder=tmp_path,
        environ=environ,
        inputs={"key": "night", "runners": "2 h100=1"},
        lost=("ubuntu-latest-1",),
    )
    run.all()
    assert run.codes == {
        "plan: Split the suite": 0,
        "h100-1: Measure a shard": 1,
        "merge: Decide once": 1,
        "merge: Comment and check": 0,
    }
    verdicts = {case["id"]: case["verdict"] for case in decision(run)["cases"]}
    assert verdicts == {"wan": "missing", "flux": "regressed"}
    assert sorted(path.name for path in run.artifacts.iterdir()) == [
        *("fleet-night", "fleet-night--h100-1", "fleet-night--plan", "fleet-night-two--plan"),
    ]
    told = (tmp_path / "summary.md").read_text()
    assert "is slower" in told
    assert "shard ubuntu-latest-1 left no record" in told
    assert TOKEN not in run.printed


def test_every_shard_is_lost(tmp_path: Path, github: FakeGitHub, origin: Repository) -> None:
    """The plan is then the only artifact that there is."""
    run = Run(
        origin=origin,
        folder=tmp_path,
        environ=on_push(tmp_path, github, origin),
        inputs={"key": "night", "runners": "1"},
        lost=("ubuntu-latest-1", "h100-1"),
    )
    run.all()
    assert run.codes["merge: Decide once"] == 4
    verdicts = {case["id"]: case["verdict"] for case in decision(run)["cases"]}
    assert verdicts == {"wan": "missing", "flux": "missing"}
