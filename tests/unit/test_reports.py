"""What a benchmark leaves behind: read as it is, refused with the place of the fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perfgate.backends.reports import MAX_REPORT_BYTES, ReportError, parse_reports, read_reports
from perfgate.profile.dump import request_dump
from perfgate.profile.recorder import StageRecorder


def a_dump(**changes: Any) -> dict[str, Any]:
    return {
        "timestamp": "2026-11-20T10:00:00+00:00",
        "total_duration_ms": 1000.0,
        "steps": [
            {"name": "TextEncodingStage", "duration_ms": 20.5},
            {"name": "DenoisingStage", "duration_ms": 900},
        ],
        "denoise_steps_ms": [{"step": 0, "duration_ms": 450}, {"step": 1, "duration_ms": 450}],
        "meta": {"model": "tiny"},
        **changes,
    }


def refused(*dumps: Any) -> str:
    with pytest.raises(ReportError) as caught:
        parse_reports(json.dumps(list(dumps)))
    return str(caught.value)


def test_one_dump_or_a_list_of_them() -> None:
    one = parse_reports(json.dumps(a_dump()))
    assert parse_reports(json.dumps([a_dump(), a_dump()])) == one * 2
    assert [(stage.name, stage.duration_ms) for stage in one[0].stages] == [
        ("TextEncodingStage", 20.5),
        ("DenoisingStage", 900.0),
    ]
    assert one[0].steps_ms == (450.0, 450.0)


def test_unknown_fields_are_kept() -> None:
    (report,) = parse_reports(json.dumps(a_dump(tag="cli_generate", perfgate={"threads": 1})))
    assert report.extra["tag"] == "cli_generate"
    assert report.extra["meta"] == {"model": "tiny"}
    assert report.extra["threads"] == 1


def test_the_same_stage_twice_adds_up() -> None:
    stage = {"name": "DenoisingStage", "duration_ms": 10}
    (report,) = parse_reports(json.dumps(a_dump(steps=[stage, stage])))
    assert [(s.name, s.duration_ms, s.count) for s in report.stages] == [("DenoisingStage", 20, 2)]


def test_what_perfgate_adds_is_read() -> None:
    checkpoints = {"after_DenoisingStage": {"peak_host_mb": 700.5, "device": "cpu"}}
    own = {
        "version": 1,
        "sync": "events",
        "flops": 2.5e12,
        "stage_counts": {"DenoisingStage": 2},
        "load_ms": 12.5,
        "threads": 1,
    }
    (report,) = parse_reports(json.dumps(a_dump(memory_checkpoints=checkpoints, perfgate=own)))
    assert report.sync == "events"
    assert report.flops == 2.5e12
    assert report.load_ms == 12.5
    assert report.memory_checkpoints == {"after_DenoisingStage": {"peak_host_mb": 700.5}}
    assert report.peak_memory_mb == 700.5
    assert [stage.count for stage in report.stages] == [1, 2]
    assert report.extra == {
        "timestamp": "2026-11-20T10:00:00+00:00",
        "meta": {"model": "tiny"},
        "threads": 1,
    }


def test_what_sglang_wrote_alone_tells_no_sync_and_no_flops() -> None:
    (report,) = parse_reports(json.dumps(a_dump()))
    assert (report.sync, report.flops, report.memory_checkpoints) == (None, None, {})


@pytest.mark.parametrize(
    ("incomplete", "told"),
    [
        (["DenoisingStage", "request"], "report[0]: the request ended in DenoisingStage"),
        (
            ["denoising_step_3", "DenoisingStage", "request"],
            "the request ended in denoising_step_3, DenoisingStage",
        ),
        (["request"], "the request ended in none of its stages"),
        (["DecodingStage"], "an exception left DecodingStage, whose time is not known"),
        ([f"s{i}" * 500 for i in range(500)] + ["request"], "the request ended in s0s0"),
        ("DenoisingStage", "report[0].perfgate.incomplete must be a list of names"),
    ],
)
def test_incomplete__is_never_measured(incomplete: object, told: str) -> None:
    own = {"version": 1, "incomplete": incomplete}
    text = refused(a_dump(total_duration_ms=None, steps=[], perfgate=own))
    assert told in text
    assert len(text) < 2_000


def test_incomplete__as_the_recorder_leaves_it() -> None:
    recorder = StageRecorder()
    with pytest.raises(KeyError), recorder.request(), recorder.stage("DenoisingStage"):
        raise KeyError
    dump = request_dump(recorder, request_id="0", timestamp="t", tag="g")
    assert refused(dump) == "report[0]: the request ended in DenoisingStage"
    assert refused(a_dump(), dump) == "report[1]: the request ended in DenoisingStage"


def test_version__that_nobody_here_knows() -> None:
    text = refused(a_dump(perfgate={"version": 2}))
    assert text.startswith("report[0].perfgate.version is 2, and this perfgate reads 1")


def test_warm_up__is_no_measurement() -> None:
    assert "report[0] ran cold: the warm-up" in refused(a_dump(warmup_failed=True))
    assert "report[1] is a warm-up" in refused(a_dump(), a_dump(suppress_stage_breakdown=True))
    fine = a_dump(warmup_failed=False, suppress_stage_breakdown=False)
    assert len(parse_reports(json.dumps(fine))) == 1


@pytest.mark.parametrize(
    "hostile", ['"\\ud800"', '{"a":' * 900 + "1" + "}" * 900], ids=["surrogate", "depth"]
)
def test_what_no_record_could_hold_is_refused(hostile: str) -> None:
    text = json.dumps(a_dump(meta=0)).replace('"meta": 0', f'"meta": {hostile}')
    with pytest.raises(ReportError, match=r"report\[0\] cannot be kept"):
        parse_reports(text)


def a_line(total: float = 1000.0, **changes: Any) -> str:
    line = {
        "request_id": "a",
        "timestamp": "2026-11-20T10:00:00+00:00",
        "commit_hash": "N/A",
        "tag": "pipeline_stage_metrics",
        "stages": [
            {"name": "TextEncodingStage", "execution_time_ms": 20.5, "is_denoising": False},
            {"name": "DenoisingStage", "execution_time_ms": 900, "is_denoising": True},
        ],
        "steps": [450.0, 450.0],
        "total_duration_ms": total,
        "memory_snapshots": {"runtime_peak": {"peak_reserved_mb": 500.5}},
        **changes,
    }
    return json.dumps(line) + "\n"


A_WARM_UP = a_line(9000.0, stages=[], steps=[])


def test_log__tells_what_a_dump_tells() -> None:
    (report,) = parse_reports(a_line())
    (dumped,) = parse_reports(json.dumps(a_dump()))
    assert report.stages == dumped.stages
    assert report.steps_ms == dumped.steps_ms
    assert report.total_duration_ms == dumped.total_duration_ms
    assert report.memory_checkpoints == {"runtime_peak": {"peak_reserved_mb": 500.5}}
    assert report.peak_memory_mb == 500.5
    assert report.extra["request_id"] == "a"


@pytest.mark.parametrize(
    ("lines", "totals"),
    [
        ([a_line(1.0), a_line(2.0)], [1.0, 2.0]),
        ([A_WARM_UP, a_line(1.0), a_line(2.0)], [1.0, 2.0]),
        ([a_line(7.0), A_WARM_UP, a_line(1.0)], [1.0]),
        ([a_line(7.0, suppress_stage_breakdown=True), a_line(1.0)], [1.0]),
        ([a_line(7.0, tag="total_inference_time"), a_line(1.0), '{"tag": 3}\n'], [1.0]),
    ],
    ids=["all", "after the warm-up", "after the last warm-up", "flagged", "other tags"],
)
def test_log__the_requests_after_the_last_warm_up(lines: list[str], totals: list[float]) -> None:
    assert [report.total_duration_ms for report in parse_reports("".join(lines))] == totals


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([A_WARM_UP], "report line 1, the last request, tells no stages"),
        ([a_line(), A_WARM_UP], "report line 2, the last request, tells no stages"),
        ([a_line(tag="x"), a_line(tag="x")], "no line of the report is tagged"),
        ([a_line(), a_line(-1)], "report line 2.total_duration_ms is -1"),
        ([a_line(), a_line(warmup_failed=True)], "report line 2 ran cold"),
        ([a_line(), a_line()[:-9]], "the report is not whole JSON"),
        ([a_line(), a_line(total=float("nan"))], "the report holds NaN, which is no time (line 2)"),
        ([a_line(), a_line(steps=[-1])], "report line 2.steps[0] is -1"),
        ([a_line(), a_line(steps=[0.5, "1"])], "report line 2.steps[1] is '1'"),
    ],
)
def test_log__what_cannot_be_measured(lines: list[str], told: str) -> None:
    with pytest.raises(ReportError) as caught:
        parse_reports("".join(lines))
    assert told in str(caught.value)


def test_memory__the_highest_reserved_peak_of_the_checkpoints() -> None:
    checkpoints = {
        "after_TextEncodingStage": {"peak_reserved_mb": 300.0, "peak_allocated_mb": 900.0},
        "after_DenoisingStage": {"peak_reserved_mb": 500.5},
    }
    (report,) = parse_reports(json.dumps(a_dump(memory_checkpoints=checkpoints)))
    assert report.peak_memory_mb == 500.5


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"total_duration_ms": -1}, "report[0].total_duration_ms is -1"),
        ({"total_duration_ms": 0}, "takes more than no time"),
        ({"total_duration_ms": "1s"}, "must be a number of milliseconds"),
        ({"total_duration_ms": None}, "must be a number of milliseconds"),
        ({"total_duration_ms": True}, "must be a number of milliseconds"),
        ({"total_duration_ms": float("nan")}, "holds NaN"),
        ({"total_duration_ms": float("inf")}, "holds Infinity"),
        ({"steps": []}, "report[0].steps names no stage"),
        ({"steps": "all"}, "report[0].steps names no stage"),
        ({"steps": [{"name": "A", "duration_ms": -3}]}, "report[0].steps[0].duration_ms is -3"),
        ({"steps": [{"duration_ms": 3}]}, "report[0].steps[0] must be a mapping"),
        ({"steps": [{"name": "", "duration_ms": 3}]}, "at least 1 character"),
        ({"denoise_steps_ms": {}}, "report[0].denoise_steps_ms must be a list"),
        ({"denoise_steps_ms": [3]}, "report[0].denoise_steps_ms[0].duration_ms"),
        ({"perfgate": {"load_ms": -1}}, "load_ms"),
        ({"perfgate": {"sync": "sometimes"}}, "report[0].sync"),
        ({"perfgate": {"flops": -1}}, "report[0].flops"),
        ({"perfgate": {"stage_counts": {"DenoisingStage": 0}}}, "report[0].count"),
        ({"total_duration_ms": 10**400}, "must be finite"),
        ({"memory_checkpoints": [1]}, "report[0].memory_checkpoints must map"),
        ({"memory_checkpoints": {"a": {"peak_mb": 10**400}}}, "memory_checkpoints.a.peak_mb is"),
        ({"perfgate": {"output": {"stages": [{"name": "x"}]}}}, "mean"),
    ],
)
def test_impossible_values_are_refused_with_their_place(change: dict[str, Any], told: str) -> None:
    assert told in refused(a_dump(**change))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        (json.dumps([a_dump()])[:-30], "is not whole JSON"),
        ("[]", "an empty list"),
        ("[3]", "report[0] is not a mapping"),
        ("[" * 100_000, "is not whole JSON"),
        ("1" * 5_000, "is not whole JSON"),
        ('{"steps": [], "total_duration_ms": 1}{', "is not whole JSON"),
        ('[{"total_duration_ms": 1e999, "steps": []}]', "must be finite"),
    ],
)
def test_damaged_files(text: str, told: str) -> None:
    with pytest.raises(ReportError, match="report") as caught:
        parse_reports(text)
    assert told in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"no report was written to \$PERFGATE_REPORT"):
        read_reports(tmp_path / "report.json")


def test_a_file_too_large_to_be_a_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    with path.open("wb") as stream:
        stream.truncate(MAX_REPORT_BYTES + 1)
    with pytest.raises(ReportError, match="are read at most"):
        read_reports(path)
