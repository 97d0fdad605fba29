"""sglang's tolerance rule: every limit of its validator, and what it must not say."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.records import CaseDecision
from perfgate.verdict.tolerance import (
    DEFAULT_TOLERANCES,
    Expected,
    Run,
    expected_of,
    judge_run,
    limit_of,
    run_of,
    sampled_steps,
)
from tests.factories import a_report

PR = DEFAULT_TOLERANCES["pr_test"]
STAGES = {"TextEncodingStage": 400.0, "DenoisingStage": 5000.0, "DecodingStage": 320.0}


def stored(**changed: Any) -> Expected:
    figures = {"scenario": "flux_t2i", "e2e_ms": 6447.0, **changed}
    return Expected(**figures)


def a_run(e2e_ms: float = 6447.0, **measured: Any) -> Run:
    return Run(e2e_ms=e2e_ms, **{"stages_ms": {}, **measured})


def judged(expected: Expected, run: Run, **known: Any) -> CaseDecision:
    return judge_run(expected, run, **{"tolerances": PR, **known})


def words(decided: CaseDecision) -> dict[str, str]:
    return {row.name: str(row.verdict) for row in decided.metrics}


def reasons(decided: CaseDecision) -> dict[str, str]:
    return {row.name: row.reason for row in decided.metrics}


def test_limit__is_the_larger_of_ratio_and_pad():
    assert limit_of(6447.2, tolerance=0.25, pad=20.0) == 8059.0
    assert limit_of(10.0, tolerance=0.25, pad=20.0) == 30.0


def test_end_to_end__at_its_limit_passes_and_above_it_is_slower():
    expected = stored(e2e_ms=6447.2)
    assert judged(expected, a_run(8059.0)).verdict == "passed"
    above = judged(expected, a_run(8059.1))
    assert above.verdict == "regressed"
    assert reasons(above)["end-to-end"] == "limit 8059 ms: tolerance 25 %, pad 20 ms"


def test_sentence__says_that_no_error_rate_is_known():
    assert judged(stored(e2e_ms=1000.0), a_run(1500.0)).sentence == (
        "+50.0 %, 1 launch; tolerance, no error rate"
    )


@pytest.mark.parametrize("far_below", [1.0, 3000.0, 6446.0])
def test_nothing_is_ever_called_improved(far_below):
    assert judged(stored(), a_run(far_below)).verdict == "passed"


@pytest.mark.parametrize(
    ("stage", "limit", "reason"),
    [
        ("TextEncodingStage", 720.0, "limit 720 ms: tolerance 80 %, pad 120 ms"),
        ("DenoisingStage", 6250.0, "limit 6250 ms: tolerance 25 %, pad 120 ms"),
        ("DecodingStage", 770.0, "limit 770 ms: tolerance 90 %, pad 450 ms"),
    ],
)
def test_stages__each_kind_has_its_limit(stage, limit, reason):
    expected = stored(stages_ms=STAGES)
    within = judged(expected, a_run(stages_ms={**STAGES, stage: limit}))
    above = judged(expected, a_run(stages_ms={**STAGES, stage: limit + 0.01}))
    assert (words(within)[stage], words(above)[stage]) == ("passed", "regressed")
    assert reasons(above)[stage] == reason


def test_stages__decoding_of_a_model_is_decoding_too():
    expected = stored(stages_ms={"LTX2DecodingStage": 100.0})
    run = a_run(stages_ms={"LTX2DecodingStage": 550.0})
    assert judged(expected, run).verdict == "passed"


def test_stages__what_denoises_is_told_by_the_run_or_by_the_name():
    expected = stored(stages_ms={"LTX2AVDenoisingStage": 1000.0})
    run = a_run(stages_ms={"LTX2AVDenoisingStage": 1500.0})
    assert judged(expected, run).verdict == "passed"
    flagged = replace(run, denoising=frozenset({"LTX2AVDenoisingStage"}))
    assert judged(expected, flagged).verdict == "regressed"


def test_stages__one_that_is_absent_fails_and_a_new_one_is_only_told():
    run = a_run(stages_ms={"TextEncodingStage": 400.0, "NewStage": 9000.0})
    decided = judged(stored(stages_ms=STAGES), run)
    assert decided.verdict == "missing"
    assert "DecodingStage: absent from the run" in decided.sentence
    assert "NewStage" not in words(decided)
    assert "not in the baseline and not judged: NewStage" in decided.warnings


def test_stages__all_that_are_slower_are_told():
    decided = judged(stored(stages_ms=STAGES), a_run(9999.0, stages_ms=dict.fromkeys(STAGES, 1e5)))
    slower = {name for name, word in words(decided).items() if word == "regressed"}
    assert slower == {"end-to-end", *STAGES}


@pytest.mark.parametrize(
    ("steps", "looked_at"),
    [(50, [0, 10, 20, 29, 39, 49]), (4, [0, 1, 2, 3]), (1, [0]), (0, [])],
)
def test_sampled_steps__are_rounded_fractions_of_the_last(steps, looked_at):
    assert sampled_steps(steps, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)) == looked_at


@given(st.integers(1, 400), st.lists(st.floats(0, 1), max_size=9))
def test_sampled_steps__are_steps_of_the_run(steps, fractions):
    found = sampled_steps(steps, fractions)
    assert found == sorted(set(found))
    assert all(0 <= index < steps for index in found)


def test_steps__the_first_may_be_five_times_as_long():
    expected = stored(steps_ms={0: 100.0, 1: 100.0}, average_step_ms=1e3, median_step_ms=1e3)
    assert words(judged(expected, a_run(steps_ms=[500.0, 130.0])))["step 0"] == "passed"
    slow = judged(expected, a_run(steps_ms=[500.1, 130.1]))
    assert reasons(slow)["step 0"] == "limit 500 ms: tolerance 400 %, pad 80 ms"
    assert (words(slow)["step 0"], words(slow)["step 1"]) == ("regressed", "regressed")


def test_steps__of_a_video_have_a_pad_of_their_own():
    expected = stored(steps_ms={0: 100.0, 1: 100.0})
    run = a_run(steps_ms=[100.0, 260.0])
    assert judged(expected, run).verdict == "regressed"
    assert judged(replace(expected, video=True), run).verdict == "passed"


def test_steps__beyond_the_baseline_are_skipped_and_told():
    decided = judged(stored(steps_ms={0: 10.0, 1: 10.0}), a_run(steps_ms=[10.0, 10.0, 9999.0]))
    assert (decided.verdict, [name for name in words(decided) if name.startswith("step")]) == (
        "passed",
        ["step 0", "step 1"],
    )
    assert decided.warnings == (
        "the run took 3 steps, the baseline 2: what has no counterpart is not judged",
    )


def test_aggregates__have_the_tolerance_of_aggregates():
    expected = stored(average_step_ms=200.0, median_step_ms=200.0)
    decided = judged(expected, a_run(steps_ms=[230.0, 240.0, 255.0]))
    assert words(decided)["average step"] == "regressed"
    assert words(decided)["median step"] == "passed"
    assert reasons(decided)["median step"] == "limit 240 ms: tolerance 20 %, pad 20 ms"


def test_aggregates__of_a_run_without_steps_are_missing():
    assert judged(stored(average_step_ms=200.0), a_run()).verdict == "missing"


def test_load__has_its_own_tolerance_or_that_of_end_to_end():
    run = a_run(load_ms=1300.0)
    assert judged(stored(load_ms=1000.0), run).verdict == "passed"
    long_term = DEFAULT_TOLERANCES["long_term"]
    assert judged(stored(load_ms=1000.0), run, tolerances=long_term).verdict == "regressed"


def test_load__that_a_run_does_not_tell_is_not_held_against_it():
    decided = judged(stored(load_ms=1000.0), a_run())
    assert decided.verdict == "passed"
    assert "load" not in words(decided)
    assert decided.warnings == ("the run does not tell, and is not judged by: load",)


def test_a_scenarios_own_tolerance_widens_times_alone():
    expected = stored(
        e2e_ms=1000.0,
        steps_ms={1: 100.0},
        memory_mb={"load_peak_vram_mb": 50_000.0},
        timing_tolerance=1.0,
    )
    run = a_run(2000.0, steps_ms=[1.0, 200.0], memory_mb={"load_peak_vram_mb": 50_501.0})
    found = words(judged(expected, run))
    assert found == {"end-to-end": "passed", "step 1": "passed", "load peak vram": "regressed"}
    narrower = replace(expected, timing_tolerance=0.01)
    assert words(judged(narrower, a_run(1250.0)))["end-to-end"] == "passed"


def test_memory__reserved_is_only_told_where_allocated_is_stored():
    stored_mb = {"runtime_peak_vram_mb": 30_000.0, "runtime_peak_allocated_mb": 20_000.0}
    grown = a_run(memory_mb=dict.fromkeys(stored_mb, 60_000.0))
    found = words(judged(stored(memory_mb=stored_mb), grown))
    assert found["runtime peak vram"] == "passed"
    assert found["runtime peak allocated"] == "regressed"
    alone = stored(memory_mb={"runtime_peak_vram_mb": 30_000.0})
    assert words(judged(alone, grown))["runtime peak vram"] == "regressed"


@pytest.mark.parametrize(
    ("key", "limit"),
    [
        ("load_peak_vram_mb", 1128.0),
        ("runtime_peak_allocated_mb", 1128.0),
        ("load_peak_host_anon_mb", 1256.0),
    ],
)
def test_memory__has_its_pads(key, limit):
    expected = stored(memory_mb={key: 1000.0})
    assert judged(expected, a_run(memory_mb={key: limit})).verdict == "passed"
    assert judged(expected, a_run(memory_mb={key: limit + 1.0})).verdict == "regressed"


def test_a_scenario_that_guards_nothing_decides_nothing():
    assert judged(stored(e2e_ms=None), a_run()).verdict == "inconclusive"


def test_end_to_end_of_zero_is_told_above_what_passes():
    expected = Expected(scenario="s", e2e_ms=None, stages_ms={"DenoisingStage": 100.0})
    decided = judged(expected, a_run(stages_ms={"DenoisingStage": 100.0}))
    assert decided.verdict == "passed"
    assert decided.warnings == ("the baseline holds 0 for end-to-end: nothing guards it",)


def test_a_stage_that_takes_no_time_has_its_pad():
    decided = judged(stored(stages_ms={"SetUp": 0.0}), a_run(stages_ms={"SetUp": 121.0}))
    assert decided.verdict == "regressed"
    assert decided.metrics[1].ratio is None


def test_run__is_the_median_of_its_requests():
    reports = [a_report(total, steps=[total / 10] * 2, load_ms=7.0) for total in (900, 1000, 2000)]
    run = run_of(reports)
    assert (run.e2e_ms, run.stages_ms["DenoisingStage"], run.load_ms) == (1000.0, 800.0, 7.0)
    assert run.steps_ms == [100.0, 100.0]
    assert run.average_step_ms == run.median_step_ms == 100.0


def test_run__reads_the_peaks_by_the_baselines_own_keys():
    moments = {
        "load_peak": {"peak_reserved_mb": 4096.0, "peak_allocated_mb": 3900.0},
        "runtime_peak": {"peak_reserved_mb": 3072.0, "peak_host_anon_mb": 512.0},
        "after_DenoisingStage": {"peak_reserved_mb": 1.0},
    }
    report = a_report().model_copy(update={"memory_checkpoints": moments})
    assert run_of([report]).memory_mb == {
        "load_peak_vram_mb": 4096.0,
        "load_peak_allocated_mb": 3900.0,
        "runtime_peak_vram_mb": 3072.0,
        "runtime_peak_host_anon_mb": 512.0,
    }


@given(st.floats(0.01, 1e6), st.floats(0.01, 1e6))
def test_a_run_is_within_its_own_limits_and_slower_is_never_better(total, more):
    run = run_of([a_report(total, load_ms=total, peak_memory_mb=total)])
    expected = expected_of(run, "x")
    assert judged(expected, run).verdict == "passed"
    slower = run_of([a_report(total + more)])
    far_slower = run_of([a_report(total + 2 * more)])
    first, second = (judged(expected, one) for one in (slower, far_slower))
    blocked = {name for name, word in words(first).items() if word == "regressed"}
    assert blocked <= {name for name, word in words(second).items() if word == "regressed"}
    assert all(row.ratio is None or math.isfinite(row.ratio) for row in second.metrics)
