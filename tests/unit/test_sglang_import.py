"""Entries of perfgate's own from scenarios of sglang's, and what becomes of them later."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.baselines.native import parse_baseline, render_baseline
from perfgate.baselines.permit import Request
from perfgate.baselines.sglang import parse_sglang_baseline
from perfgate.baselines.sglang_edit import figures_of, updated_scenario
from perfgate.baselines.sglang_import import Origin, Workload, contradictions, imported
from perfgate.baselines.update import update_entry
from perfgate.errors import BaselineError
from perfgate.verdict.decide import decide
from tests.factories import HEAD_COMMIT, WHEN, WORKLOAD, a_case_record, a_record

KEY = "cpu-test-x2"
CASE = "wan_t2v_tiny"
SCENARIO: dict[str, Any] = {
    "stages_ms": {"DenoisingStage": 60.5, "DecodingStage": 30.0, "per_frame_generation": None},
    "denoise_step_ms": {"0": 20.0, "1": 40.0},
    "expected_e2e_ms": 100.0,
    "expected_avg_denoise_ms": 30.0,
    "expected_median_denoise_ms": 30.0,
    "expected_load_ms": 5000.0,
    "load_peak_vram_mb": 32296.0,
    "runtime_peak_allocated_mb": 31000.5,
    "runtime_peak_host_anon_mb": 700.25,
    "notes": "kept",
}


def a_file(**changed: Any) -> str:
    scenario = {**SCENARIO, **changed}
    data = {"metadata": {"hardware": "CI pool"}, "scenarios": {CASE: scenario}}
    return json.dumps(data, indent=4) + "\n"


def the_entry(text: str):
    return imported(
        parse_sglang_baseline(text, source="h100.json"),
        Workload(id=CASE, hash=WORKLOAD, contents={}),
        hardware_key=KEY,
        origin=Origin(file="h100.json", commit=HEAD_COMMIT, date=WHEN),
    )


def test_entry__is_a_baseline_that_can_be_read_back() -> None:
    entry = the_entry(a_file())
    assert parse_baseline(render_baseline(entry), source="file") == entry
    assert entry.derived.metrics["end-to-end"].value == 100.0
    assert entry.derived.metrics["load"].value == 5000.0
    assert entry.first["DecodingStage"].value == entry.best["DecodingStage"].value == 30.0
    assert entry.jobs[0].told == {"imported from": "h100.json", "hardware": "CI pool"}


def test_entry__gives_the_same_scenario_back() -> None:
    text = a_file()
    assert updated_scenario(text, CASE, figures_of(the_entry(text)), source="h100.json") == text


@given(
    steps=st.lists(st.integers(1, 10**7), min_size=1, max_size=8),
    more=st.integers(0, 10**5),
    load=st.integers(1, 10**9),
)
def test_entry__of_any_launch_gives_the_same_scenario_back(steps, more: int, load: int) -> None:
    stage = (sum(steps) + more) / 100
    launch = the_entry(
        a_file(
            stages_ms={"DenoisingStage": stage},
            denoise_step_ms={str(index): ms / 100 for index, ms in enumerate(steps)},
            expected_e2e_ms=stage + 1.0,
            expected_load_ms=load / 100,
        )
    )
    text = updated_scenario(a_file(), CASE, figures_of(launch), source="a")
    assert contradictions(text, source="a") == {}
    assert updated_scenario(text, CASE, figures_of(the_entry(text)), source="a") == text


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"stages_ms": {}, "denoise_step_ms": {}}, "holds no stage: that is no launch"),
        ({"stages_ms": {"A": None}}, "holds no stage"),
        ({"expected_e2e_ms": 0.0}, "holds no end-to-end time"),
    ],
)
def test_entry__of_what_is_no_launch(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(BaselineError) as caught:
        the_entry(a_file(**changed))
    assert told in caught.value.problem


def test_contradictions__name_the_scenario_and_the_field() -> None:
    assert contradictions(a_file(), source="h100.json") == {}
    found = contradictions(a_file(expected_avg_denoise_ms=29.0), source="h100.json")
    assert list(found) == [CASE]
    assert found[CASE].startswith("expected_avg_denoise_ms: ")


def test_gate__does_not_compare_with_figures_measured_nobody_knows_with_what() -> None:
    stored = {CASE: the_entry(a_file()).stored_jobs()}
    record = a_record([a_case_record(base=(), head=(100, 100, 100))], strategy="baseline")
    (case,) = decide(record, baselines=stored).cases
    assert case.verdict == "incomparable"
    assert "torch unknown → 2.13.0" in case.detail


def test_update__starts_over_and_remembers_the_first_figures() -> None:
    record = a_record([a_case_record(base=(), head=(100, 101, 102))])
    done = update_entry(
        the_entry(a_file()),
        [record],
        CASE,
        policy=record.policy,
        request=Request(reason="measured at last", asked_by="someone"),
    )
    assert [job.commit for job in done.entry.jobs] == [HEAD_COMMIT]
    assert done.entry.first["end-to-end"].value == 100.0
    assert done.entry.derived.metrics["end-to-end"].value == pytest.approx(101, abs=0.1)
