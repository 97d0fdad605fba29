"""sglang's baseline files: what is read, what is refused, and with which place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from perfgate.baselines.sglang import default_tolerances, parse_sglang_baseline
from perfgate.errors import BaselineError, ConfigurationError, ExitCode
from perfgate.verdict.tolerance import DEFAULT_TOLERANCES

SCENARIO = {
    "stages_ms": {"DenoisingStage": 1200.0, "DecodingStage": 90.5, "per_frame_generation": None},
    "denoise_step_ms": {"0": 30.2, "1": 53, "10": 60.0},
    "expected_e2e_ms": 1400.5,
    "expected_avg_denoise_ms": 50.0,
    "expected_median_denoise_ms": 53.0,
    "expected_load_ms": 30000.0,
    "load_peak_vram_mb": 32296,
    "estimated_full_test_time_s": 80,
    "timing_tolerance": 0.6,
    "notes": "one runner is slow",
    "a key of tomorrow": [1, 2],
}
RATIOS = {
    "e2e": 0.3,
    "denoise_stage": 0.2,
    "non_denoise_stage": 0.7,
    "denoise_step": 0.3,
    "denoise_agg": 0.1,
}


def a_file(**changed: Any) -> dict[str, Any]:
    return {
        "metadata": {"hardware": "CI pool"},
        "tolerances": {"pr_test": {**RATIOS, "load": 0.5}, "long_term": RATIOS},
        "sampling": {"step_fractions": [0.0, 1.0]},
        "scenarios": {"wan_t2v": SCENARIO},
        **changed,
    }


def read(data: object) -> Any:
    return parse_sglang_baseline(json.dumps(data), source="h100.json")


def with_scenario(**changed: Any) -> dict[str, Any]:
    return a_file(scenarios={"wan_t2v": {**SCENARIO, **changed}})


def test_expected__holds_what_guards():
    expected = read(a_file()).expected("wan_t2v")
    assert expected.e2e_ms == 1400.5
    assert expected.stages_ms == {"DenoisingStage": 1200.0, "DecodingStage": 90.5}
    assert expected.steps_ms == {0: 30.2, 1: 53.0, 10: 60.0}
    assert (expected.load_ms, expected.timing_tolerance) == (30000.0, 0.6)
    assert expected.memory_mb == {"load_peak_vram_mb": 32296.0}


@pytest.mark.parametrize(
    ("name", "video"),
    [("wan_t2v", True), ("fastwan_ti2v_5b", True), ("animate_ref2v", True), ("flux_t2i", False)],
)
def test_expected__knows_a_video_by_its_name_or_its_frames(name, video):
    plain = {**SCENARIO, "stages_ms": {}}
    baseline = read(a_file(scenarios={name: plain, "x": SCENARIO}))
    assert baseline.expected(name).video is video
    assert baseline.expected("x").video


def test_expected__of_a_scenario_that_is_not_there():
    assert read(a_file()).expected("flux") is None


def test_expected__zero_and_null_guard_nothing():
    expected = read(
        with_scenario(expected_e2e_ms=0.0, expected_avg_denoise_ms=0.0, expected_load_ms=None)
    ).expected("wan_t2v")
    assert (expected.e2e_ms, expected.average_step_ms, expected.load_ms) == (None, None, None)


def test_unknown_keys__are_kept():
    baseline = read(a_file(improvement_reporting={"threshold": 0.2}))
    assert baseline.model_extra == {"improvement_reporting": {"threshold": 0.2}}
    assert baseline.scenarios["wan_t2v"].model_extra == {"a key of tomorrow": [1, 2]}


def test_tolerances__by_profile():
    baseline = read(a_file())
    assert (baseline.tolerances_of("pr_test").e2e, baseline.tolerances_of("pr_test").load) == (
        0.3,
        0.5,
    )
    assert baseline.tolerances_of("long_term").load is None
    assert baseline.sampling.step_fractions == (0.0, 1.0)


def test_tolerances__of_a_file_without_any_are_those_of_the_h100_file():
    baseline = read({"metadata": {}, "scenarios": {"flux_npu": SCENARIO}})
    assert baseline.tolerances_of("pr_test") == DEFAULT_TOLERANCES["pr_test"]
    assert baseline.sampling.step_fractions == (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def test_tolerances__of_an_unknown_profile():
    with pytest.raises(ConfigurationError, match="no tolerance profile 'nightly'") as refused:
        read(a_file()).tolerances_of("nightly")
    assert "pr_test, long_term" in refused.value.fix
    with pytest.raises(ConfigurationError, match="no tolerance profile"):
        default_tolerances("nightly")


def test_runner_overrides__the_first_prefix_that_matches_counts():
    baseline = read(
        a_file(
            runner_overrides={
                "b200-pool-a": {"wan_t2v": {"expected_e2e_ms": 900.0}},
                "b200-pool": {"wan_t2v": {"expected_e2e_ms": 1000.0}},
                "b200-pool-a7": {"wan_t2v": {"expected_e2e_ms": 1.0}},
            }
        )
    )
    found = {
        runner: baseline.expected("wan_t2v", runner=runner).e2e_ms
        for runner in ("b200-pool-a7", "b200-pool-b", "h100", "")
    }
    assert found == {"b200-pool-a7": 900.0, "b200-pool-b": 1000.0, "h100": 1400.5, "": 1400.5}
    assert baseline.expected("wan_t2v", runner="b200-pool-b").load_ms == 30000.0
    assert baseline.has_overrides_for("wan_t2v")


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"expected_e2e_ms": -1.0}, "scenarios.wan_t2v.expected_e2e_ms: -1.0: must be greater"),
        ({"expected_e2e_ms": "fast"}, "scenarios.wan_t2v.expected_e2e_ms: 'fast': must be a"),
        ({"expected_e2e_ms": True}, "scenarios.wan_t2v.expected_e2e_ms: True: must be a"),
        ({"expected_e2e_ms": float("nan")}, "expected_e2e_ms: nan: must be a finite"),
        ({"stages_ms": {"A": float("inf")}}, "scenarios.wan_t2v.stages_ms.A: inf: must be a"),
        ({"stages_ms": [1.0]}, "scenarios.wan_t2v.stages_ms: [1.0]: must be a valid dict"),
        ({"denoise_step_ms": {"-1": 2.0}}, "scenarios.wan_t2v.denoise_step_ms.-1: '-1': String"),
        ({"denoise_step_ms": {"01": 2.0}}, "scenarios.wan_t2v.denoise_step_ms.01: '01': String"),
        ({"denoise_step_ms": {"0": None}}, "scenarios.wan_t2v.denoise_step_ms.0: None: must be"),
        ({"load_peak_vram_mb": 0}, "scenarios.wan_t2v.load_peak_vram_mb: 0: must be greater"),
        ({"timing_tolerance": -0.1}, "scenarios.wan_t2v.timing_tolerance: -0.1: must be greater"),
    ],
)
def test_impossible_figures__are_refused_with_their_place(changed, place):
    with pytest.raises(BaselineError) as refused:
        read(with_scenario(**changed))
    assert refused.value.exit_code == ExitCode.BASELINE
    assert place in refused.value.problem


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ([], "h100.json: the document: []: must be a valid"),
        ({"metadata": {}}, "scenarios: Field required"),
        (a_file(scenarios={}), "scenarios: it holds none"),
        (a_file(scenarios={"x": {}}), "scenarios.x.expected_e2e_ms: Field required"),
        (a_file(tolerances={"pr_test": {"e2e": 0.2}}), "tolerances.pr_test.denoise_stage: Field"),
        (a_file(tolerances={"e2e": 0.2}), "tolerances.e2e: 0.2: must be a valid dictionary"),
        (a_file(sampling={"step_fractions": [2.0]}), "sampling.step_fractions.0: 2.0: must be"),
        (
            a_file(runner_overrides={"b200": {"wan_t2v": {"expected_e2e_ms": -5.0}}}),
            "runner_overrides.b200.wan_t2v.expected_e2e_ms: -5.0: must be greater",
        ),
    ],
)
def test_impossible_files__are_refused_with_their_place(data, told):
    with pytest.raises(BaselineError) as refused:
        read(data)
    assert told in refused.value.problem


def test_many_problems__are_told_and_bounded():
    with pytest.raises(BaselineError, match="and 35 more"):
        read(with_scenario(stages_ms={f"S{i}": -1.0 for i in range(40)}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not valid JSON"),
        ('{"scenarios": {"a": 1, "a": 2}}', "the key 'a' stands twice"),
        ("[" * 100_000, "is not valid JSON"),
    ],
)
def test_damaged_text__is_refused(text, told):
    with pytest.raises(BaselineError, match=told):
        parse_sglang_baseline(text, source="h100.json")
