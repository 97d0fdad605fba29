"""`perfgate calibrate` for real, and a gate that reads what it wrote from its base commit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.repositories import SUITE, Repository, bench, perfgate

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    found = Repository(tmp_path / "project")
    found.commit("start", perfgate_yml="baselines: baselines/\n" + SUITE, bench_py=bench())
    return found


def calibration(project: Repository) -> Path:
    (path,) = (project.path / "baselines").glob("*/calibration.json")
    return path


def record(project: Repository) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.path / "perfgate-out/record.json").read_text())
    return found


def test_the_gate_judges_with_what_the_base_commit_keeps(project: Repository) -> None:
    done = perfgate(project.path, "calibrate", "--pairs", "10")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The suite's margin of 3.0 %" in done.stdout
    path = calibration(project)
    assert f"wrote {path.relative_to(project.path)}" in done.stdout
    stored = json.loads(path.read_text())["cases"][0]
    assert [len(run["differences"]) for run in stored["runs"]] == [10]
    kept = stored["runs"][0]["differences"]

    project.commit("calibrated")
    head = json.loads(path.read_text())
    head["cases"][0]["runs"][0]["differences"] = [0.0] * 10
    path.write_text(json.dumps(head))
    project.commit("a quieter machine, it says")
    done = perfgate(project.path, "gate", "--base", "HEAD~1")
    assert done.returncode in (0, 7), done.stdout + done.stderr
    assert "without effect here" in done.stdout
    assert record(project)["cases"][0]["history"] == kept

    before = json.loads((project.path / "perfgate-out/decision.json").read_text())
    replayed = perfgate(project.path, "compare", "perfgate-out/record.json")
    assert replayed.returncode == done.returncode
    assert before["cases"][0]["sentence"] in replayed.stdout.replace("\n", " ") or (
        before["cases"][0]["verdict"] == "passed"
    )


def test_the_calibration_of_another_workload_is_not_used_and_that_is_said(
    project: Repository,
) -> None:
    assert perfgate(project.path, "calibrate", "--pairs", "2").returncode == 0
    path = calibration(project)
    data = json.loads(path.read_text())
    data["cases"][0]["workload_hash"] = "f" * 16
    path.write_text(json.dumps(data))
    project.commit("calibrated")
    done = perfgate(project.path, "gate", "--base", "HEAD")
    assert "the calibration of bench is not used: it is of another workload" in done.stdout
    assert record(project)["cases"][0]["history"] == []


def test_a_damaged_calibration_ends_the_gate(project: Repository) -> None:
    assert perfgate(project.path, "calibrate", "--pairs", "2").returncode == 0
    calibration(project).write_text("{}")
    project.commit("damaged")
    done = perfgate(project.path, "gate", "--base", "HEAD")
    assert done.returncode == 5, done.stdout + done.stderr
    assert "calibration.json" in done.stderr
    assert perfgate(project.path, "calibrate", "--pairs", "2").returncode == 5


def test_in_a_pull_request_nothing_is_kept(project: Repository, tmp_path: Path) -> None:
    commit = project.git("rev-parse", "HEAD")
    side = {"sha": commit, "ref": "main", "repo": {"full_name": "o/r"}}
    payload = {"pull_request": {"number": 7, "head": side, "base": side, "labels": []}}
    event = tmp_path / "event.json"
    event.write_text(json.dumps(payload))
    done = perfgate(
        project.path,
        *("calibrate", "--pairs", "2"),
        GITHUB_EVENT_NAME="pull_request",
        GITHUB_EVENT_PATH=str(event),
        GITHUB_REPOSITORY="o/r",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a pull request's own differences stay in its record" in done.stdout
    assert "end-to-end" in done.stdout
    assert not (project.path / "baselines").exists()
    assert len(record(project)["cases"][0]["launches"]) == 5


def test_without_a_folder_for_baselines_it_only_prints(project: Repository) -> None:
    project.commit("no baselines", perfgate_yml=SUITE)
    done = perfgate(project.path, "calibrate", "--pairs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the suite names no folder for baselines" in done.stdout


def test_a_launch_that_dies_is_exit_4(project: Repository) -> None:
    project.commit("broken", bench_py="raise SystemExit('no model')")
    done = perfgate(project.path, "calibrate", "--pairs", "2")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "not one pair was measured" in done.stdout
    assert not (project.path / "baselines").exists()
