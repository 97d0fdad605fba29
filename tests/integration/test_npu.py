"""perfgate's way to an NPU, run without one: a stand-in backend that torch knows as ``npu``.

What it shows: that perfgate goes through torch_npu's names, waits where it says so and computes the
same. What it cannot show: anything about time, or about the operators of a real NPU.
"""

from __future__ import annotations

import functools
import json

import pytest

from perfgate.backends.reports import read_reports
from perfgate.errors import ExitCode
from perfgate.records import Launch
from perfgate.verdict.output import check_outputs
from tests.fakes.npu.build import COMPILER, environment, python
from tests.pipelines import CPU_PRESETS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(COMPILER is None, reason="the stand-in NPU needs a C++ compiler"),
]

MIB = 2**20


@pytest.fixture(scope="module")
def npu(tmp_path_factory):
    """The environment of a process that has the device."""
    return environment(tmp_path_factory.mktemp("npu"))


@pytest.fixture(scope="module")
def told(npu):
    """What a story of npu_stories.py saw in such a process; each runs once."""

    @functools.cache
    def run(story):
        done = python("-m", "tests.integration.npu_stories", story, environ=npu)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_auto__opens_the_npu_and_tells_what_it_is(told):
    assert told("identity") == {
        "torch_device": "npu:0",
        "name": "Ascend910B3",
        "count": 1,
        "capability": {
            "version": "Ascend910B3",
            "fast_dtype": "bfloat16",
            "memory_bytes": 8192 * MIB,
            "graphs": False,
        },
        "accelerator": "npu",
    }


def test_an_index_out_of_range(told):
    assert told("out_of_range") == {
        "problem": "npu:1 is out of range: there is 1 such device",
        "fix": "Use npu:0.",
    }


def test_memory__grows_is_given_back_and_its_peak_begins_again(told):
    empty, held, freed, reset = told("memory")
    assert [reading["allocated_mb"] for reading in (empty, held, freed, reset)] == [0, 4, 0, 0]
    assert [reading["peak_allocated_mb"] for reading in (empty, held, freed, reset)] == [0, 4, 4, 0]
    assert held["reserved_mb"] == held["peak_reserved_mb"] == 4
    assert held["peak_host_mb"] > 4


def test_a_seed__makes_the_same_numbers_again(told):
    first, again, other = told("seeds")
    assert first == again != other


def test_synchronise__waits_for_the_device_each_time(told):
    assert told("waits") == 3


def test_events__tell_the_devices_time_once_it_has_passed_them(told):
    seen = told("events")
    assert seen["elapsed_ms"] >= 4 * 2
    assert seen["too_early"].startswith("Both events must be completed")


def test_out_of_memory__in_the_words_of_torch_npu(told):
    assert told("out_of_memory_") == {
        "kind": "npu",
        "asked_bytes": 96 * MIB,
        "free_bytes": 64 * MIB,
    }


def test_recorder__waits_twice_a_span_once_a_request_or_never(told):
    seen = told("recorder")
    spans = 1 + 2 + 3
    assert seen["stage"]["synchronises"] == 2 * spans
    assert seen["events"]["synchronises"] == 1
    assert seen["off"]["synchronises"] == 0


def test_recorder__times_the_device_in_both_modes_and_the_host_when_off(told):
    """A kernel is 2 ms on the device; when off it is an hour, which the host never sees."""
    seen = told("recorder")
    for mode in ("stage", "events"):
        assert seen[mode]["stages"]["TextEncodingStage"] >= 2
        assert seen[mode]["stages"]["DenoisingStage"] >= 3 * 2
        assert len(seen[mode]["steps_ms"]) == 3
        assert min(seen[mode]["steps_ms"]) >= 2
        assert seen[mode]["total_ms"] >= 4 * 2
    assert seen["off"]["total_ms"] < 3_600_000


# --- the builtin workload -------------------------------------------------------------------------

A_FEW_TOKENS = {"height": 32, "width": 32, "steps": 2}
FP32 = {**A_FEW_TOKENS, "dtype": "float32"}


@pytest.fixture
def served(tmp_path):
    """A launch of a preset, and what the device counted meanwhile; one warm-up, one request."""

    def run(preset, params, *options):
        counts, report = tmp_path / "counts.json", tmp_path / "report.json"
        done = python(
            *("-W", "error::UserWarning"),  # such as an operator that the device lacks
            *("-m", "perfgate.workloads.diffusion", "--preset", preset, *options),
            *("--params", json.dumps(params), "--report", str(report)),
            environ=environment(tmp_path, counts=counts),
        )
        assert done.returncode == 0, done.stderr
        launch = Launch(
            side="base",
            pair=0,
            order=0,
            started_at="2026-01-01T00:00:00Z",
            duration_s=1,
            reports=read_reports(report),
        )
        return launch, json.loads(counts.read_text())

    return run


def spans_of(launch):
    """How often a recorder began and ended something in the one request that was reported."""
    (report,) = launch.reports
    return 1 + sum(stage.count for stage in report.stages) + len(report.steps_ms)


@pytest.mark.parametrize("preset", CPU_PRESETS)
def test_a_preset__computes_on_the_npu_what_it_computes_on_the_cpu(served, preset):
    cpu, unused = served(preset, FP32, "--device", "cpu")
    npu, counted = served(preset, FP32, "--device", "npu")
    assert check_outputs([cpu], [npu]).state == "same"
    assert unused == {"kernels": 0, "synchronises": 0}
    assert counted["kernels"] > 1000
    assert counted["synchronises"] >= 2 * 2 * spans_of(npu), "warm-up and request, both ends"


def test_a_preset__that_computes_something_else_is_told_from_it(served):
    cpu, _ = served("wan-tiny", {**FP32, "seed": 1}, "--device", "cpu")
    npu, _ = served("wan-tiny", {**FP32, "seed": 2}, "--device", "npu")
    assert check_outputs([cpu], [npu]).state == "changed"


def test_a_preset__with_events_waits_once_a_request_instead_of_twice_a_span(served):
    """What loading waits for is the same in both modes."""
    launch, by_stage = served("wan-tiny", FP32, "--device", "npu", "--sync", "stage")
    noted, by_events = served("wan-tiny", FP32, "--device", "npu", "--sync", "events")
    spared = by_stage["synchronises"] - by_events["synchronises"]
    assert spared == 2 * (2 * spans_of(launch) - 1)
    assert [report.sync for report in (*launch.reports, *noted.reports)] == ["stage", "events"]


def test_a_preset__takes_the_npus_fast_type_and_reports_the_npus_memory(served):
    launch, _ = served("flux-tiny", A_FEW_TOKENS, "--device", "npu")
    (report,) = launch.reports
    readings = report.memory_checkpoints.values()
    assert report.output.dtype == "bfloat16"
    assert report.peak_memory_mb == max(reading["peak_reserved_mb"] for reading in readings) > 0
    assert report.memory_checkpoints["after_DenoisingStage"]["allocated_mb"] > 0


def test_a_preset__that_does_not_fit_is_told_with_the_stage(tmp_path):
    done = python(
        *("-m", "perfgate.workloads.diffusion", "--preset", "wan-tiny", "--device", "npu"),
        *("--report", str(tmp_path / "report.json")),
        environ=environment(tmp_path, memory_mb=48),
    )
    assert done.returncode == ExitCode.BENCHMARK
    assert "npu:0 (Ascend910B3) ran out of memory in DenoisingStage" in done.stderr
    assert "Traceback" not in done.stderr
