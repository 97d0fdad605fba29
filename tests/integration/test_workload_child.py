"""The real presets in real child processes: the report's form, and the same bits every time.

No absolute time is asserted: how long a request takes is what perfgate measures elsewhere.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from perfgate.backends.reports import ReportError, read_reports
from perfgate.errors import ExitCode
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


def child(report, preset, *options, before=(), **env):
    """A process as the builtin backend starts it, under the command ``before``."""
    command = (sys.executable, "-P", "-m", "perfgate.workloads.diffusion", "--preset", preset)
    return subprocess.run(
        (*before, *command, "--report", str(report), *options),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **env},
        cwd=report.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def launch(report, preset, *options, **env):
    """A launch that must succeed."""
    done = child(report, preset, *options, **env)
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
        expected = {
            "threads": 1,
            "dtype": "float32",
            "device": "cpu",
            "attention": "auto",
            "compiled": False,
            "graphs": False,
            "sync": "stage",
            "imported": {"perfgate": str(ROOT / "perfgate" / "__init__.py")},
        }
        assert {key: dump["perfgate"][key] for key in expected} == expected
        assert report.output.dtype == "float32"
        assert "1 threads" in report.output.build
        assert set(dump["memory_checkpoints"]) == {f"after_{stage}" for stage in STAGES}
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


SMALL = json.dumps({"steps": 2, "frames": 5, "height": 32, "width": 32})


def test_launch__records_both_loops_of_two_experts_and_the_switch_once(tmp_path):
    (dump,) = launch(tmp_path / "r.json", "wan-dual")
    assert [row["step"] for row in dump["denoise_steps_ms"]] == list(range(8))
    assert {row["name"]: (row["within"], row["count"]) for row in dump["perfgate"]["nested"]} == {
        "ExpertLoadStage": ("DenoisingStage", 1),
        "ExpertSwitchStage": ("DenoisingStage", 1),
    }


def test_launch__with_events_says_so_and_computes_the_same(tmp_path):
    stage, events = (
        launch(tmp_path / "r.json", "wan-tiny", "--params", SMALL, "--sync", sync)[0]["perfgate"]
        for sync in ("stage", "events")
    )
    assert (stage["sync"], events["sync"]) == ("stage", "events")
    assert stage["output"]["sha256"] == events["output"]["sha256"]


def resident(*reports, requests=1, **env):
    """A process that stays, told where these reports belong."""
    command = (sys.executable, "-P", "-m", "perfgate.workloads.diffusion", "--resident")
    return subprocess.run(
        (*command, "--preset", "wan-tiny", "--params", SMALL, "--requests", str(requests)),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **env},
        input="".join(f"{report}\n" for report in reports),
        capture_output=True,
        text=True,
        check=False,
    )


def test_resident__answers_line_by_line_with_the_bits_of_a_fresh_process(tmp_path):
    (fresh,) = launch(tmp_path / "fresh.json", "wan-tiny", "--params", SMALL)
    reports = [tmp_path / "1.json", tmp_path / "2.json"]
    done = resident(*reports, requests=2, PERFGATE_COUNT_FLOPS="1")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    dumps = [dump["perfgate"] for report in reports for dump in json.loads(report.read_text())]
    assert {dump["output"]["sha256"] for dump in dumps} == {fresh["perfgate"]["output"]["sha256"]}
    assert len({dump["load_ms"] for dump in dumps}) == 1, "loaded once"
    assert len({dump["flops"] for dump in dumps}) == 1, "counted once"


def test_resident__a_place_that_cannot_be_written_ends_it(tmp_path):
    done = resident(tmp_path / "absent/1.json", tmp_path / "2.json")
    assert done.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_launch__counts_what_it_executes_after_the_measured_requests(tmp_path):
    options = ("--params", SMALL, "--requests", "2")
    plain = launch(tmp_path / "r.json", "wan-tiny", *options)
    first, last = launch(tmp_path / "r.json", "wan-tiny", *options, PERFGATE_COUNT_FLOPS="1")
    assert last["perfgate"]["flops"] > 1e6
    assert "flops" not in first["perfgate"]
    assert all("flops" not in dump["perfgate"] for dump in plain)
    hashes = {dump["perfgate"]["output"]["sha256"] for dump in (*plain, first, last)}
    assert len(hashes) == 1


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_launch__compiled_computes_the_same_and_tells_how_long_compiling_took(tmp_path):
    eager, compiled = (
        as_report(launch(tmp_path / "r.json", "wan-tiny", "--params", params)[0])
        for params in (SMALL, json.dumps({**json.loads(SMALL), "compile": True}))
    )
    (dump,) = json.loads((tmp_path / "r.json").read_text())
    assert dump["perfgate"]["compiled"] is True
    assert 0 < dump["perfgate"]["compile_ms"] < compiled.load_ms
    assert compiled.output.build == f"{eager.output.build}, compiled"
    for one, other in zip(eager.output.stages, compiled.output.stages, strict=True):
        assert one.norm == pytest.approx(other.norm, rel=1e-4)
        assert one.sketch == pytest.approx(other.sketch, abs=1e-3 * one.norm)


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="the limit is set by prlimit")
def test_launch__without_memory_names_the_stage_and_leaves_an_incomplete_dump(tmp_path):
    report = tmp_path / "r.json"
    before = ("prlimit", "--as=1300000000")
    done = child(
        report, "wan-small", "--params", '{"steps": 1}', before=before, OMP_NUM_THREADS="1"
    )
    assert done.returncode == ExitCode.BENCHMARK, done.stderr
    assert "ran out of memory in DecodingStage" in done.stderr
    assert "By perfgate's estimate this request needs 2.6 GiB" in done.stderr
    assert "Traceback" not in done.stderr
    (dump,) = json.loads(report.read_text())
    assert dump["total_duration_ms"] is None
    assert dump["perfgate"]["incomplete"] == ["DecodingStage", "request"]
    assert dump["steps"][-1]["name"] == "DenoisingStage"
    with pytest.raises(ReportError, match="the request ended in DecodingStage"):
        read_reports(report)


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (("--device", "cuda:7"), ExitCode.DEVICE, "cuda"),
        (("--device", "cpu:1"), ExitCode.DEVICE, "cpu:1 is out of range"),
        (("--device", "gpu"), ExitCode.DEVICE, "Did you mean cuda?"),
        (("--params", '{"graphs": true}'), ExitCode.CONFIGURATION, "has no device graphs"),
        (("--params", '{"attention": "cudnn"}'), ExitCode.CONFIGURATION, "auto, flash, math"),
    ],
)
def test_launch__that_cannot_be_made_ends_with_its_code_and_no_report(
    tmp_path, options, code, told
):
    done = child(tmp_path / "r.json", "wan-tiny", *options, CUDA_VISIBLE_DEVICES="")
    assert done.returncode == code, done.stderr
    assert told in done.stderr
    assert "\n  → " in done.stderr
    assert list(tmp_path.iterdir()) == []
