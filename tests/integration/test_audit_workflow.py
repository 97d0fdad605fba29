"""The shell lines of audit.yml, in a clone as its checkout leaves it, with this Python."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.repositories import Repository, environment

(JOB,) = yaml.safe_load(
    (Path(__file__).parents[2] / ".github/workflows/audit.yml").read_text(encoding="utf-8")
)["jobs"].values()
FILE = "baselines/h100.json"
AGAINST = "github.event_name == 'pull_request' && 'HEAD^1' || ''"
SUITE = """\
version: 1
baselines: baselines/
cases:
  - {id: bench, backend: command, command: python3 bench.py}
"""


def figures(*, decoding_ms: float = 90.5) -> str:
    scenario = {
        "stages_ms": {"DenoisingStage": 402.5, "DecodingStage": decoding_ms},
        "denoise_step_ms": {"0": 100.0, "1": 100.0, "2": 100.0, "3": 102.0},
        "expected_e2e_ms": 600.0,
        "expected_avg_denoise_ms": 100.5,
        "expected_median_denoise_ms": 100.0,
    }
    metadata = {"last_updated": "2026-01-01", "calibration_runs": [1, 2]}
    return json.dumps({"metadata": metadata, "scenarios": {"wan_t2v": scenario}}, indent=4)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A default branch with baselines of one machine."""
    made = Repository(tmp_path / "a repository")
    made.file("perfgate.yml", SUITE)
    made.file(FILE, figures())
    made.commit("base")
    return made


def merged(repository: Repository, *, decoding_ms: float) -> None:
    """The merge commit of a pull request that writes this figure."""
    repository.git("switch", "--quiet", "--create", "feature")
    repository.file(FILE, figures(decoding_ms=decoding_ms))
    repository.file("README.txt", "a change")
    repository.commit("head")
    repository.git("switch", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "--message", "merge", "feature")


def audit(
    repository: Repository, *, event: str = "pull_request", files: str = "baselines"
) -> tuple[list[int], str]:
    """The exit codes of both steps, and all that they print."""
    values = {
        "steps.setup.outputs.python": sys.executable,
        "inputs.files": files,
        "inputs.suite": "perfgate.yml",
        "inputs.max-age": "180",
        AGAINST: "HEAD^1" if event == "pull_request" else "",
    }
    codes, printed = [], ""
    for step in JOB["steps"]:
        if "run" not in step:
            continue
        given = {
            name: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: values[found[1]], value)
            for name, value in step["env"].items()
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=repository.path,
            env=environment(**given, GITHUB_ACTIONS="true"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        codes.append(done.returncode)
        printed += done.stdout
    return codes, printed


def test_pull_request__a_figure_that_nothing_was_measured_for_fails_it(repository):
    merged(repository, decoding_ms=190.5)
    codes, printed = audit(repository)
    assert codes == [5, 0]
    assert f"::error file={FILE}" in printed
    assert "stages_ms.DecodingStage" in printed


def test_pull_request__that_leaves_them_alone_passes(repository):
    merged(repository, decoding_ms=90.5)
    codes, printed = audit(repository)
    assert codes == [0, 0]
    assert "against HEAD^1" in printed


def test_schedule__tells_what_is_old_and_what_is_owed(repository):
    codes, printed = audit(repository, event="schedule", files=f"baselines {FILE}")
    assert codes == [0, 0]
    assert "in 1 file" in printed
    assert "metadata.last_updated" in printed
    assert "Nothing is slower by permission." in printed


def test_nothing_to_audit__is_not_green(repository):
    codes, printed = audit(repository, event="schedule", files="elsewhere")
    assert codes == [2, 0]
    assert "Name a baseline file, or their folder." in printed


def test_of_a_stranger__nothing_may_be_written_or_run():
    assert JOB["permissions"] == {"contents": "read"}
    assert [step["uses"].split("@")[0] for step in JOB["steps"] if "uses" in step] == [
        "actions/checkout",
        "$/setup",
    ]
    assert not [step for step in JOB["steps"] if "${{" in step.get("run", "")]
