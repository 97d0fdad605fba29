"""Ten of ten: a stage that got 20 % slower is named, and no change is never called slower."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.repositories import SUITE, Repository, bench, perfgate

pytestmark = pytest.mark.slow

TIMES = 10


def test_a_stage_that_got_20_percent_slower_is_named_every_time(tmp_path: Path) -> None:
    project = Repository(tmp_path / "project")
    project.commit("start", perfgate_yml=SUITE, bench_py=bench())
    project.commit("slower", bench_py=bench(DenoisingStage=120.0))
    for _ in range(TIMES):
        done = perfgate(project.path, "gate", "--base", "HEAD~1")
        assert done.returncode == 1, done.stdout + done.stderr
        decision = json.loads((project.path / "perfgate-out" / "decision.json").read_text())
        (case,) = decision["cases"]
        slower = {m["name"] for m in case["metrics"] if m["verdict"] == "regressed"}
        assert case["id"] == "bench"
        assert "DenoisingStage" in slower
        assert not slower & {"TextEncodingStage", "DecodingStage"}


def test_no_change_passes_every_time(tmp_path: Path) -> None:
    project = Repository(tmp_path / "project")
    project.commit("start", perfgate_yml=SUITE, bench_py=bench())
    project.commit("nothing")
    for _ in range(TIMES):
        done = perfgate(project.path, "gate", "--base", "HEAD~1")
        assert done.returncode == 0, done.stdout + done.stderr
