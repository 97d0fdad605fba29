"""The real presets in real child processes: the report's form, and the same bits every time.

No absolute time is asserted: how long a request takes is what perfgate measures elsewhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from perfgate.records import OutputFingerprint, Report, Stage
from perfgate.workloads.diffusion.presets import PRESETS
from tests.pipelines import CPU_PRESETS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STAGES = [
    "InputValidationStage",
    "TextEncodingStage",
    "LatentPreparationStage",
    "TimestepPreparationStage",
    "DenoisingStage",
    "DecodingStage",
]


def launch(report, preset, *options):
    """A launch as the builtin backend makes it."""
    command = (sys.executable, "-P", "-m", "perfgate.workloads.diffusion", "--preset", preset)
    done = subprocess.run(
        (*command, "--report", str(report), *options),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        cwd=report.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    return json.loads(report.read_text())


def as_report(dump):
    """The dump as perfgate's own record reads it."""
    extra = dump["perfgate"]
    return Report(
        total_duration_ms=dump["total_duration_ms"],
        stages=tuple(Stage(**stage) for stage in dump["steps"]),
        steps_ms=tuple(step["duration_ms"] for step in dump["denoise_steps_ms"]),
        load_ms=extra["load_ms"],
        peak_memory_mb=extra["peak_memory_mb"],
        output=OutputFingerprint(**extra["output"]),
    )


@pytest.mark.parametrize("preset", CPU_PRESETS)
def test_launch__reports_each_request_and_repeats_its_bits(tmp_path, preset):
    dumps = launch(tmp_path / "first.json", preset, "--requests", "2", "--commit", "a" * 40)
    reports = [as_report(dump) for dump in dumps]
    assert len(reports) == 2
    for dump, report in zip(dumps, reports, strict=True):
        assert [stage.name for stage in report.stages] == STAGES
        assert len(report.steps_ms) == PRESETS[preset].request.steps
        assert report.load_ms > 0
        assert report.peak_memory_mb > 50, "torch alone takes more"
        assert sum(stage.duration_ms for stage in report.stages) <= report.total_duration_ms
        assert dump["commit_hash"] == "a" * 40
        assert dump["meta"] == {"prompt": PRESETS[preset].request.prompt, "model": preset}
        assert datetime.fromisoformat(dump["timestamp"]).tzinfo is not None
        told = {key: dump["perfgate"][key] for key in ("threads", "dtype", "device", "imported")}
        assert told == {
            "threads": 1,
            "dtype": "float32",
            "device": "cpu",
            "imported": {"perfgate": str(ROOT / "perfgate" / "__init__.py")},
        }
    assert dumps[0]["request_id"] != dumps[1]["request_id"]
    again = launch(tmp_path / "second.json", preset, "--requests", "1")
    hashes = {dump["perfgate"]["output"]["sha256"] for dump in (*dumps, *again)}
    assert len(hashes) == 1
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["first.json", "second.json"]


@pytest.mark.parametrize("preset", CPU_PRESETS)
def test_launch__judged_stages_are_large_enough_to_be_judged(tmp_path, preset):
    """A gate shows stages under 1 % of the whole without judging them; shares need no clock."""
    (dump,) = launch(tmp_path / "report.json", preset)
    total_ms = dump["total_duration_ms"]
    share = {stage["name"]: stage["duration_ms"] / total_ms for stage in dump["steps"]}
    assert share["DenoisingStage"] > 0.6
    assert share["DecodingStage"] > 0.03
    assert share["TextEncodingStage"] > 0.01


def test_launch__takes_params_and_another_seed_gives_another_output(tmp_path):
    params = {"steps": 2, "frames": 5, "height": 16, "width": 24, "seed": 1, "prompt": "a cat"}
    dumps = [
        launch(tmp_path / "r.json", "wan-tiny", "--params", json.dumps({**params, "seed": seed}))[0]
        for seed in (1, 2)
    ]
    outputs = [dump["perfgate"]["output"] for dump in dumps]
    assert outputs[0]["stages"][-1]["shape"] == [1, 3, 5, 16, 24]
    assert len(dumps[0]["denoise_steps_ms"]) == 2
    assert dumps[0]["meta"]["prompt"] == "a cat"
    assert outputs[0]["sha256"] != outputs[1]["sha256"]
