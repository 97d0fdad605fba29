"""What a framework's log and a failed launch say, and how time is counted. Values alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.backends.driver import answers
from perfgate.backends.driver.log_watch import LogWatch
from perfgate.backends.driver.phases import Phases
from perfgate.backends.driver.polling import LEAST_S, MOST_S, SHARE, pause_s
from perfgate.backends.driver.spec import Bounds
from perfgate.backends.failures import (
    MOST_CHARS,
    FrameworkError,
    failure_report,
    kind_of,
    one_line,
    reported_failure,
)
from perfgate.backends.reports import ReportError, parse_reports
from perfgate.records.results import FailureKind

BOUNDS = Bounds(load_s=10, download_s=20, compile_s=30, request_s=40)


def found(line: str, *, native: bool = True, compiled: bool = True) -> FailureKind | None:
    failure = LogWatch(native=native, compiled=compiled).line(line)
    return None if failure is None else failure.kind


@pytest.mark.parametrize(
    "line",
    [
        "[11-21 23:20] Falling back to diffusers backend",
        "Using diffusers backend for model 'some/model' (explicitly requested)",
        "Loaded diffusers pipeline: WanPipeline",
    ],
)
def test_log__it_fell_back_to_another_frameworks_pipeline(line):
    assert found(line) is FailureKind.FALLBACK
    assert found(line.upper()) is FailureKind.FALLBACK
    assert found(line, native=False) is None


@pytest.mark.parametrize(
    "line",
    [
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
        "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB",
        "RuntimeError: NPU out of memory. Tried to allocate 2.00 GiB (NPU 0; 60.97 GiB total)",
        "torch.cuda.OutOfMemoryError: HIP out of memory.",
        "EL0004: [PID: 12] 2026-11-21-23:20:02 Failed to allocate memory.",
        "RuntimeError: CUDA error: out of memory",
    ],
)
def test_log__out_of_memory(line):
    assert found(line, native=False, compiled=False) is FailureKind.MEMORY


@pytest.mark.parametrize(
    "line",
    [
        "[8/8] torch._dynamo hit config.recompile_limit (8)",
        "torch._dynamo hit config.cache_size_limit (64)",
        "Graph break in user code at transformer.py:12",
        "Failed to apply torch.compile to transformer: no such backend",
        "Regional compilation skipped because the model does not define `_repeated_blocks`.",
    ],
)
def test_log__compilation_fell_back(line):
    assert found(line) is FailureKind.NOT_COMPILED
    eager = LogWatch(native=True, compiled=False)
    assert eager.line(line) is None
    assert eager.not_compiled == line


@pytest.mark.parametrize(
    "line",
    [
        "compiled with 0 graph breaks",
        "graph breaks: 0",
        "'auto' prefers sglang native and falls back to diffusers.",
        "Tried to allocate 2.00 GiB",
        "",
    ],
)
def test_log__what_is_no_failure(line):
    assert found(line) is None


def test_log__what_it_is_busy_with():
    watch = LogWatch(native=True, compiled=True)
    seen = []
    for line in (
        "starting",
        "Fetching 30 files:   0%|",
        "model-00001.safetensors:  12%|█",
        "nothing in particular",
        "Loading checkpoint shards",
        "Compiling transformer with torch.compile",
        "INFO:     Uvicorn running on http://127.0.0.1:30000",
    ):
        watch.line(line)
        seen.append(watch.phase)
    assert seen == ["load", "download", "download", "download", "load", "compile", "load"]


@given(st.text(max_size=5_000))
def test_log__any_line_is_bounded_and_printable(line):
    failure = LogWatch(native=True, compiled=True).line(f"CUDA out of memory {line}")
    assert failure.text.isprintable()
    assert len(failure.text) <= MOST_CHARS
    assert one_line(line).isprintable()


def test_one_line__colours_and_titles_are_dropped_and_the_rest_shown():
    assert one_line("\x1b[31mred\x1b[0m\n \x1b]0;title\x07a\x00b") == "red a\\x00b"


def test_phases__each_second_counts_once():
    phases = Phases(BOUNDS, now_s=100)
    phases.charge("load", now_s=109)
    phases.charge("download", now_s=128)
    phases.charge("load", now_s=129)
    assert phases.spent_s == {"load": 10, "download": 19, "compile": 0}
    with pytest.raises(FrameworkError, match=r"timed out: download took longer .* 20 s"):
        phases.charge("download", now_s=131)


def test_phases__a_load_that_takes_too_long_is_no_healthy_server():
    with pytest.raises(FrameworkError, match=r"never healthy: loading .* timeout.load of 10 s"):
        Phases(BOUNDS, now_s=0).charge("load", now_s=10.1)


@given(st.floats(min_value=0.02, max_value=2000))
def test_polling__a_latency_is_seen_late_by_a_small_share_of_itself(done_s):
    asked_s, times = 0.0, 0
    while asked_s < done_s:
        asked_s += pause_s(asked_s)
        times += 1
    assert asked_s - done_s <= max(LEAST_S, SHARE * done_s) + 1e-9
    assert pause_s(asked_s) <= MOST_S
    # And the server is not kept busy with it.
    assert times <= 1.1 * min(done_s / LEAST_S, 1_200 + done_s / MOST_S) + 1


def test_report__a_failure_in_place_of_times():
    report = failure_report(FrameworkError(FailureKind.MEMORY, "CUDA out of memory\x07"))
    assert report["perfgate"]["failure"]["kind"] == "out of memory"
    assert reported_failure(report) == "out of memory: CUDA out of memory\\x07"
    with pytest.raises(ReportError, match=r"^out of memory: CUDA"):
        parse_reports('{"perfgate": {"failure": {"kind": "out of memory", "text": "CUDA"}}}')


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"perfgate": 3}, {"perfgate": {"failure": "none"}}, {"perfgate": {}}],
)
def test_report__what_tells_of_no_failure(document):
    assert reported_failure(document) is None


def test_report__a_kind_that_nobody_knows():
    made = reported_failure({"perfgate": {"failure": {"kind": "nothing wrong", "text": ["x"]}}})
    assert made == "failed: ['x']"


@pytest.mark.parametrize("kind", FailureKind)
def test_kind__of_what_a_driver_told(kind):
    assert kind_of(str(FrameworkError(kind, "so it was"))) is kind


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ("the benchmark did not end within 600 s and was killed", FailureKind.TIMEOUT),
        ("the benchmark exited with 1", FailureKind.CRASHED),
        ("the benchmark was killed by SIGKILL", FailureKind.CRASHED),
        ("cuda:0 ran out of memory in loading", FailureKind.MEMORY),
        ("no report was written to $PERFGATE_REPORT", FailureKind.DAMAGED),
        ("the report is empty", FailureKind.DAMAGED),
        ("report[0].steps names no stage; it must list name", FailureKind.DAMAGED),
        ("setup of head exited with 1: pip install -e .", FailureKind.SETUP),
        ("it rained", FailureKind.UNKNOWN),
    ],
)
def test_kind__of_any_other_launch(failure, kind):
    assert kind_of(failure) is kind


@pytest.mark.parametrize(
    ("document", "latency", "ms"),
    [
        ({"inference_time_s": 1.5}, None, 1500.0),
        ({"timing": [{"ms": 12}]}, "timing.0.ms", 12.0),
        ({"timing": {"ms": "12"}}, "timing.ms", None),
        ({"inference_time_s": 1.5}, "timing.ms", None),
        ({"inference_time_s": True}, None, None),
        ({"inference_time_s": float("nan")}, None, None),
        ({"inference_time_s": 10**400}, None, None),
        ({"metrics": {"stage_durations": {"stage_0_gen_ms": 7, "stage_1_gen_ms": 5}}}, None, 12.0),
        ({"metrics": "none"}, None, None),
    ],
)
def test_answer__the_servers_own_latency(document, latency, ms):
    assert answers.server_ms(document, latency) == ms


def test_answer__durations_are_seconds_but_where_their_name_says_so():
    durations = {"vae.decode": 0.5, "stage_0_gen_ms": 7, "odd": "x", "worse": -1}
    assert answers.stages_ms({"stage_durations": durations}) == {"vae.decode": 500.0}


@pytest.mark.parametrize("data", [None, [], [3], [{}], [{"b64_json": None}], {"0": 1}])
def test_answer__that_holds_no_picture(data):
    assert answers.picture({"data": data}) is None


def test_answer__whose_picture_is_damaged():
    with pytest.raises(ValueError, match="not whole base64"):
        answers.picture({"data": [{"b64_json": "a"}]})
