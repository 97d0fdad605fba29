"""The schema of what a benchmark leaves, against its reader: they agree on every report drawn."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from perfgate.app.schemas import schema_text
from perfgate.backends.reports import ReportError, parse_reports
from tests.documents import blocks, page

VALIDATOR = Draft202012Validator(json.loads(schema_text("report")))
NUMBERS = st.sampled_from([0, 1.5, 1000, -1])
STAGES = st.sampled_from(
    [
        [{"name": "DenoisingStage", "duration_ms": 900.0}],
        [{"name": "A", "duration_ms": 1}, {"name": "A", "duration_ms": 0, "more": 1}],
        [{"name": "", "duration_ms": 1}],
        [{"name": "n" * 201, "duration_ms": 1}],
        [{"name": "A", "duration_ms": -1}],
        [{"name": "A"}],
        [{"duration_ms": 1}],
        [],
        3,
    ]
)
OWN = st.fixed_dictionaries(
    {},
    optional={
        "version": st.sampled_from([1, 2]),
        "load_ms": NUMBERS,
        "peak_memory_mb": NUMBERS,
        "sync": st.sampled_from(["stage", "events", "off", None, "on"]),
        "flops": NUMBERS,
        "stage_counts": st.sampled_from([{}, {"DenoisingStage": 2}]),
        "incomplete": st.sampled_from([[], ["request"], "A"]),
        "threads": st.just(2),
    },
)
GOOD = {"total_duration_ms": 1000.0, "steps": [{"name": "DenoisingStage", "duration_ms": 900.0}]}
KEYS = {
    "total_duration_ms": NUMBERS,
    "steps": STAGES,
    "denoise_steps_ms": st.sampled_from(
        [[], [{"step": 0, "duration_ms": 1}], [{"step": 0}], [{"duration_ms": -1}], [1.0], 1, None]
    ),
    "memory_checkpoints": st.sampled_from([None, {}, {"end": {"peak_reserved_mb": 10.5}}]),
    "suppress_stage_breakdown": st.booleans(),
    "warmup_failed": st.booleans(),
    "perfgate": OWN,
    "tag": st.just("cli_generate"),
}
REQUESTS = (
    st.sets(st.sampled_from(sorted(KEYS)), max_size=2)
    .flatmap(lambda chosen: st.fixed_dictionaries({key: KEYS[key] for key in sorted(chosen)}))
    .map(lambda keys: GOOD | keys)
)


def reads(report: Any) -> bool:
    try:
        parse_reports(json.dumps(report))
    except ReportError:
        return False
    return True


@given(report=REQUESTS | st.lists(REQUESTS, max_size=2))
@example(report=GOOD)
@example(report=3)
def test_report__schema_and_reader_agree(report: Any) -> None:
    assert VALIDATOR.is_valid(report) is reads(report)


def test_report__the_documented_one_is_valid() -> None:
    told = [json.loads(text) for text in blocks(page("docs/suite.md"), "json")]
    shown = [one for one in told if "total_duration_ms" in one]
    assert shown
    for report in shown:
        assert list(VALIDATOR.iter_errors(report)) == []
