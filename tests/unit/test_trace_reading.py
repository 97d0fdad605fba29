"""A profiler's trace as a capture: what called what, in which stage and step, for how long."""

from __future__ import annotations

import json

import pytest

from perfgate.verdict.trace_calls import Site
from perfgate.verdict.trace_reading import MAX_SITES, TraceError, read_capture
from tests.traces import Call, a_capture, a_trace, module, op, stage, steps

DENOISING = "DenoisingStage"


def test_a_call_has_the_time_that_its_own_calls_leave_of_it() -> None:
    inner = op("addmm", 20.0)
    capture = a_capture(stage(DENOISING, *steps(1, op("linear", 5.0, inner))))
    linear = Site(DENOISING, ("step", "aten::linear"))
    assert capture.us(linear) == pytest.approx(5.5)  # half a microsecond passes after each call
    assert capture.us(Site(DENOISING, ("step", "aten::linear", "aten::addmm"))) == 20.0


def test_stages_steps_and_modules_are_where_a_call_is_made() -> None:
    block = module("Block", op("add"))
    capture = a_capture(
        stage("TextEncodingStage", module("TextEncoder", op("embedding"))),
        stage(DENOISING, *steps(3, block, block)),
    )
    assert capture.steps == ("denoising_step_0", "denoising_step_1", "denoising_step_2")
    assert capture.count(Site("TextEncodingStage", ("TextEncoder", "aten::embedding"))) == 1
    add = Site(DENOISING, ("step", "Block", "aten::add"))
    assert capture.count(add) == 6
    assert [sum(one.values()) for one in capture.shapes_by_step(add).values()] == [2, 2, 2]
    assert capture.kinds[add] == "operator"
    assert capture.kinds[Site(DENOISING)] == "range"


def test_the_steps_of_other_tools_are_steps() -> None:
    for name in ("ProfilerStep#4", "denoising_step_0"):
        assert a_capture(Call(name, 5.0, [op("add")])).steps == (name,)


def test_shapes_are_those_of_tensors_and_of_lists_of_them() -> None:
    concatenated = Call("aten::cat", 5.0, (), [[[2, 3], [4, 3]], []], ["TensorList", "Scalar"])
    capture = a_capture(*steps(1, concatenated, op("mm", shapes=[[64, 96], [], [96, 32]])))
    assert list(capture.shapes(Site("", ("step", "aten::cat")))) == [
        "2x3 TensorList, 4x3 TensorList"
    ]
    assert list(capture.shapes(Site("", ("step", "aten::mm")))) == ["64x96 float, 96x32 float"]


def test_typical_times_leave_out_what_lengthened_one_call() -> None:
    calls = [op("add", us) for us in (10.0, 10.0, 10.0, 9_000.0)]
    assert a_capture(*steps(1, *calls)).us(Site("", ("step", "aten::add"))) == 40.0


def test_a_kernel_belongs_to_the_operator_that_started_it() -> None:
    started = Call("aten::mm", 5.0, kernel_us=300.0)
    capture = a_capture(stage(DENOISING, *steps(2, started)))
    kernel = Site(DENOISING, ("step", "aten::mm", "sgemm"))
    assert capture.kinds[kernel] == "kernel"
    assert capture.us(kernel) == 600.0
    assert capture.uses_a_device
    assert not any("cudaLaunch" in name for site in capture.calls for name in site.path)


def test_a_wait_for_the_device_is_a_call() -> None:
    data = json.loads(a_trace(steps(1, op("item", 50.0))))
    item = next(one for one in data["traceEvents"] if one["name"] == "aten::item")
    data["traceEvents"].append(
        {**item, "cat": "cuda_runtime", "name": "cudaStreamSynchronize", "dur": 40.0}
    )
    capture = read_capture(json.dumps(data).encode())
    assert capture.count(Site("", ("step", "aten::item", "cudaStreamSynchronize"))) == 1


def test_only_the_request_counts() -> None:
    data = json.loads(a_trace(steps(1, op("add"))))
    late = {"ph": "X", "cat": "cpu_op", "name": "aten::clone", "pid": 1, "tid": 1}
    data["traceEvents"].append({**late, "ts": 1e9, "dur": 5.0})
    assert not any(
        "aten::clone" in site.path for site in read_capture(json.dumps(data).encode()).calls
    )


def test_memory_is_the_most_that_was_allocated_at_a_time() -> None:
    capture = a_capture(*steps(1, op("add", 50.0)), memory=[100, 300, -300, 200])
    assert capture.peak_bytes == {"host": 400}


class TestHostile:
    @pytest.mark.parametrize(
        ("data", "told"),
        [
            (b"", "is not whole JSON"),
            (b'{"traceEvents": [', "is not whole JSON"),
            (b"[" * 100_000, "is not whole JSON"),
            (b'{"traceEvents": 5}', "has no list"),
            (b"7", "has no list"),
            (b'{"traceEvents": []}', "holds no operator"),
            (b'{"traceEvents": [5, null, {}, {"ph": "X", "ts": "x", "name": "a"}]}', "no operator"),
        ],
    )
    def test_what_is_no_trace(self, data: bytes, told: str) -> None:
        with pytest.raises(TraceError, match=told):
            read_capture(data)

    def test_a_trace_without_steps_says_which_names_are_some(self) -> None:
        with pytest.raises(TraceError, match=r"no denoising steps.*perfgate:step:"):
            read_capture(a_trace([stage(DENOISING, op("add"))]))

    def test_odd_numbers_and_arguments_are_passed_over(self) -> None:
        data = json.loads(a_trace(steps(1, op("add", 9.0))))
        odd = {"ph": "X", "cat": "cpu_op", "name": "aten::odd", "pid": [], "tid": {}, "ts": 1003.0}
        for event in (
            {**odd, "dur": float("inf")},
            {**odd, "dur": -5.0},
            {**odd, "dur": 1.0, "args": [1]},
            {**odd, "dur": 1.0, "args": {"Input Dims": [[[[]], 7], "x", [None]], "Input type": 5}},
            {**odd, "dur": 1.0, "args": {"External id": {}, "correlation": []}, "cat": "kernel"},
            {**odd, "cat": ["cpu_op"]},
            {**odd, "name": "[memory]", "ph": "i", "args": {"Bytes": "many", "Device Type": 0}},
        ):
            data["traceEvents"].append(event)
        capture = read_capture(json.dumps(data).encode())
        assert capture.count(Site("", ("step", "aten::add"))) == 1
        assert capture.peak_bytes == {}

    def test_names_places_and_depth_are_bounded(self) -> None:
        deep = op("bottom")
        for _ in range(200):
            deep = op("x" * 5000, 1.0, deep)
        many = [op(f"op{index}", 1.0) for index in range(MAX_SITES + 50)]
        capture = a_capture(*steps(1, deep, *many))
        assert len(capture.calls) <= MAX_SITES
        assert max(len(site.path) for site in capture.calls) <= 64
        assert max(len(name) for site in capture.calls for name in site.path) <= 120
