"""The gate with sglang's own baseline files, as a process in a real repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.repositories import SUITE, Repository, bench, perfgate

pytestmark = pytest.mark.slow

FIGURES = {
    "metadata": {"hardware": "CI pool"},
    "scenarios": {
        "bench": {
            "stages_ms": {"TextEncodingStage": 20.0, "DenoisingStage": 100.0},
            "denoise_step_ms": {},
            "expected_e2e_ms": 160.0,
            "expected_avg_denoise_ms": 0.0,
            "expected_median_denoise_ms": 0.0,
        }
    },
}


def suite(pattern: str = "cpu-*", strategy: str = "baseline") -> str:
    files = f'{{"{pattern}": ci/perf_baselines.json}}'
    baselines = f"baselines: {{format: sglang, files: {files}, state: perfgate/}}\n"
    return baselines + SUITE.replace("strategy: paired", f"strategy: {strategy}")


def a_repository(path: Path, written: str, figures: str = json.dumps(FIGURES)) -> Repository:
    project = Repository(path / "project")
    project.file("ci/perf_baselines.json", figures)
    project.commit("start", perfgate_yml=written, bench_py=bench())
    return project


def gate(project: Repository, *arguments: str) -> tuple[Any, dict[str, Any]]:
    done = perfgate(project.path, "gate", "--base", "HEAD~1", *arguments)
    decision = json.loads((project.path / "perfgate-out" / "decision.json").read_text())
    return done, decision


def test_within_the_limits(tmp_path: Path) -> None:
    project = a_repository(tmp_path, suite())
    project.commit("nothing")
    done, decision = gate(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 case within tolerance, no error rate" in done.stdout
    assert "ci/perf_baselines.json holds no tolerances" in done.stdout
    assert decision["cost"]["launches"] == 4


def test_slower_than_the_limit_and_its_own_raised_figure_does_not_help(tmp_path: Path) -> None:
    project = a_repository(tmp_path, suite())
    raised = json.dumps(FIGURES).replace("100.0", "1000.0").replace("160.0", "1600.0")
    project.file("ci/perf_baselines.json", raised)
    project.commit("slower, and allowed by itself", bench_py=bench(DenoisingStage=400.0))
    done, decision = gate(project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "is slower by tolerance, no error rate" in done.stdout
    assert "changes baselines (ci/perf_baselines.json)" in done.stdout
    assert decision["cases"][0]["verdict"] == "regressed"


def test_auto_measures_pairs_instead(tmp_path: Path) -> None:
    project = a_repository(tmp_path, suite(strategy="auto"))
    project.commit("slower", bench_py=bench(DenoisingStage=120.0))
    done, decision = gate(project)
    assert done.returncode == 1, done.stdout + done.stderr
    assert decision["cases"][0]["pairs"] > 0
    assert "tolerance" not in done.stdout


@pytest.mark.parametrize(
    ("pattern", "figures", "code", "told"),
    [
        ("ascend-*", json.dumps(FIGURES), 7, "no pattern under baselines.files matches cpu-"),
        ("*", '{"scenarios": {"bench": {"expected_e2e_ms": -1}}}', 5, "expected_e2e_ms: -1"),
        ("*", '{"scenarios": {"other": {"expected_e2e_ms": 1.0}}}', 7, "nothing to compare with"),
    ],
)
def test_without_figures_that_hold_for_it(
    tmp_path: Path, pattern: str, figures: str, code: int, told: str
) -> None:
    project = a_repository(tmp_path, suite(pattern), figures)
    project.commit("nothing")
    done, _ = gate(project)
    assert told in done.stdout + done.stderr
    assert done.returncode == code, done.stdout + done.stderr


def test_a_file_that_is_not_at_base(tmp_path: Path) -> None:
    project = Repository(tmp_path / "project")
    project.commit("start", perfgate_yml=suite(), bench_py=bench())
    project.commit("nothing")
    done, _ = gate(project)
    assert "ci/perf_baselines.json is not at the base commit" in done.stdout
