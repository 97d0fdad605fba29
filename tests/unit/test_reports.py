"""What a benchmark leaves behind: read as it is, refused with the place of the fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perfgate.backends.reports import MAX_REPORT_BYTES, ReportError, parse_reports, read_reports


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
