"""perfgate's way to an NPU, run without one: a stand-in backend that torch knows as ``npu``.

What it shows: that perfgate goes through torch_npu's names, waits where it says so and computes the
same. What it cannot show: anything about time, or about the operators of a real NPU.
"""

from __future__ import annotations

import functools
import json

import pytest

from tests.fakes.npu.build import COMPILER, environment, python

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
