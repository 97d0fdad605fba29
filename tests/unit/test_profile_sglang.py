"""sglang's two forms come back byte for byte, with whatever nobody here has heard of."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.profile.dump import read_dump, read_log, write_dump, write_log
from perfgate.profile.sglang import (
    FormatError,
    PerfDump,
    PerfLogLine,
    StageTime,
    log_text,
    parse_dump,
    parse_log,
)

DUMP = """\
{
  "timestamp": "2026-09-18T09:54:57.458009+00:00",
  "request_id": "mocked_fake_id_for_offline_generate",
  "commit_hash": "N/A",
  "tag": "cli_generate",
  "total_duration_ms": 25863.50716499938,
  "steps": [
    {
      "name": "TextEncodingStage",
      "duration_ms": 20.86
    },
    {
      "name": "DenoisingStage",
      "duration_ms": 25000
    }
  ],
  "denoise_steps_ms": [
    {
      "step": 0,
      "duration_ms": 30.25
    },
    {
      "step": 1,
      "duration_ms": 1e-05
    }
  ],
  "memory_checkpoints": {
    "after_DenoisingStage": {
      "allocated_mb": 5000.5,
      "reserved_mb": 6000.0,
      "peak_allocated_mb": 7000.0,
      "peak_reserved_mb": 8000.25,
      "peak_host_anon_mb": 900.0
    }
  },
  "meta": {
    "prompt": "\\u718a\\u732b",
    "model": "tiny"
  }
}"""

LOG = (
    '{"request_id": "a", "timestamp": "2026-09-18T09:54:57+00:00", "commit_hash": "N/A", '
    '"tag": "pipeline_stage_metrics", "stages": [{"name": "DenoisingStage", '
    '"execution_time_ms": 900.5, "is_denoising": true}], "steps": [450.0, 450.5], '
    '"total_duration_ms": 1000.0, "memory_snapshots": {"load_peak": {"peak_reserved_mb": 12.5}}}\n'
    '{"tag": "total_inference_time", "seconds": [1, null]}\n'
)

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # No lone surrogates, which are no text.
    | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
times = st.floats(min_value=0, max_value=1e9) | st.integers(0, 10**9)


@st.composite
def rows(draw: st.DrawFn, known: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """The known fields and some that nobody knows, in any order."""
    unknown = draw(st.dictionaries(names.map(lambda name: f"new_{name}"), values, max_size=3))
    fields = [(key, draw(value)) for key, value in known.items()] + list(unknown.items())
    return dict(draw(st.permutations(fields)))


dumps = rows(
    {
        "request_id": names,
        "tag": names,
        "total_duration_ms": times.filter(lambda duration_ms: duration_ms > 0),
        "steps": st.lists(rows({"name": names, "duration_ms": times}), max_size=3),
        "denoise_steps_ms": st.lists(
            rows({"step": st.integers(0), "duration_ms": times}), max_size=3
        ),
        "memory_checkpoints": st.dictionaries(names, rows({"peak_reserved_mb": times}), max_size=2),
        "meta": values,
    }
)
log_lines = rows(
    {
        "request_id": names,
        "tag": names,
        "total_duration_ms": times.filter(lambda duration_ms: duration_ms > 0),
        "stages": st.lists(
            rows({"name": names, "execution_time_ms": times, "is_denoising": st.booleans()}),
            max_size=3,
        ),
        "steps": st.lists(times, max_size=3),
        "memory_snapshots": st.dictionaries(names, rows({"peak_reserved_mb": times}), max_size=2),
    }
)


def test_dump__known_fields_are_typed():
    dump = parse_dump(DUMP)
    assert dump.total_duration_ms == 25863.50716499938
    assert dump.stages == (
        StageTime(name="TextEncodingStage", duration_ms=20.86),
        StageTime(name="DenoisingStage", duration_ms=25000.0),
    )
    assert dump.steps_ms == (30.25, 1e-05)
    assert dump.memory_mb["after_DenoisingStage"]["peak_reserved_mb"] == 8000.25
    assert (dump.request_id, dump.commit_hash, dump.tag) == (
        "mocked_fake_id_for_offline_generate",
        "N/A",
        "cli_generate",
    )
    assert dump.timestamp == "2026-09-18T09:54:57.458009+00:00"
    assert dump.perfgate == {}
    assert dump.incomplete == ()


def test_log__known_fields_are_typed():
    line, other = parse_log(LOG)
    assert line.tag == "pipeline_stage_metrics"
    assert line.stages == (StageTime(name="DenoisingStage", duration_ms=900.5, is_denoising=True),)
    assert line.steps_ms == (450.0, 450.5)
    assert line.total_duration_ms == 1000.0
    assert line.memory_mb == {"load_peak": {"peak_reserved_mb": 12.5}}
    assert other.tag == "total_inference_time"


def test_files__are_written_as_sglang_wrote_them(tmp_path):
    dump, log = tmp_path / "dump.json", tmp_path / "performance.log"
    dump.write_text(DUMP)
    log.write_text(LOG)
    write_dump(dump, read_dump(dump).document)
    write_log(log, read_log(log))
    assert dump.read_bytes() == DUMP.encode()
    assert log.read_bytes() == LOG.encode()


@given(dumps)
def test_dump__any_unknown_field_survives_in_its_place(document):
    text = json.dumps(document, indent=2)
    dump = parse_dump(text)
    assert json.dumps(dump.document, indent=2) == text
    assert [stage.duration_ms for stage in dump.stages] == [
        row["duration_ms"] for row in document["steps"]
    ]
    assert list(dump.steps_ms) == [row["duration_ms"] for row in document["denoise_steps_ms"]]
    assert dump.memory_mb.keys() == document["memory_checkpoints"].keys()


@given(st.lists(log_lines, max_size=4))
def test_log__any_unknown_field_survives_in_its_place(documents):
    text = "".join(json.dumps(document) + "\n" for document in documents)
    lines = parse_log(text)
    assert log_text(lines) == text
    for line, document in zip(lines, documents, strict=True):
        assert list(line.steps_ms) == document["steps"]
        assert [stage.is_denoising for stage in line.stages] == [
            row["is_denoising"] for row in document["stages"]
        ]


@pytest.mark.parametrize("version", [0, 2, "1", True, 1.0, None, [1]])
def test_version__that_nobody_here_knows_is_told_with_what_to_do(version):
    text = json.dumps({"perfgate": {"version": version}})
    with pytest.raises(FormatError, match=r"perfgate\.version is .*reads 1.*same perfgate"):
        parse_dump(text)


@pytest.mark.parametrize("own", [{"version": 1, "sync": "off"}, {"sync": "off"}])
def test_version__1_and_the_dumps_before_it_are_read(own):
    assert parse_dump(json.dumps({"perfgate": own})).perfgate == own


@pytest.mark.parametrize("incomplete", ["DenoisingStage", [1], {"a": 1}])
def test_incomplete__must_be_names(incomplete):
    with pytest.raises(FormatError, match="list of names"):
        _ = PerfDump({"perfgate": {"incomplete": incomplete}}).incomplete


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "stages names no stage; it must list name and execution_time_ms"),
        ({"stages": [{"name": "A"}]}, r"stages\[0\]\.execution_time_ms is None"),
        ({"stages": [{"name": 3, "execution_time_ms": 1}]}, r"stages\[0\] must be a mapping"),
        ({"stages": [], "steps": [1, -2]}, r"steps\[1\] is -2; a time cannot be negative"),
        ({"stages": [], "steps": [10**400]}, r"steps\[0\] is inf; it must be finite"),
        ({"stages": [], "steps": [True]}, r"steps\[0\] is True; it must be a number"),
        ({"stages": [], "memory_snapshots": [1]}, "memory_snapshots must map"),
        ({"stages": [], "memory_snapshots": {"a": {"b": 10**400}}}, r"memory_snapshots\.a\.b is"),
    ],
)
def test_impossible_values__are_told_with_their_place(document, told):
    line = PerfLogLine(document)
    with pytest.raises(FormatError, match=told):
        _ = line.stages, line.steps_ms, line.memory_mb


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1}\n{"a": ', r"is not whole JSON: .* \(line 2\)"),
        ('{"a": 1}\n\n{"a": 1}\n', r"is not whole JSON: .* \(line 2\)"),
        ('{"a": NaN}\n', r"holds NaN, which is no time \(line 1\)"),
        ("[1]\n", "holds no mapping in line 1"),
    ],
)
def test_log__a_line_that_is_none_is_told(text, told):
    with pytest.raises(FormatError, match=told):
        parse_log(text)


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"a": Infinity}', "[" * 100_000, "1" * 5000])
def test_dump__what_is_none_is_told(text):
    with pytest.raises(FormatError):
        parse_dump(text)


def test_memory__what_is_no_number_is_no_reading():
    dump = PerfDump({"memory_checkpoints": {"a": {"device": "cuda:0", "peak_mb": 1}, "b": None}})
    assert dump.memory_mb == {"a": {"peak_mb": 1.0}}
    assert PerfDump({"memory_checkpoints": None}).memory_mb == {}
