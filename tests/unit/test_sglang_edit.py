"""Writing one scenario of an sglang file: every figure from one launch, and no other line."""

from __future__ import annotations

import json
from statistics import fmean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.baselines.entry import add_job
from perfgate.baselines.sglang import parse_sglang_baseline
from perfgate.baselines.sglang_edit import ScenarioFigures, figures_of, updated_scenario
from perfgate.errors import BaselineError
from perfgate.verdict.tolerance import Run
from tests.factories import a_case_record, a_launch, a_record, a_report

FILE = """{
    "metadata": {"hardware": "CI pool"},
    "scenarios": {
        "flux": {
            "stages_ms": {
                "DenoisingStage": 60.50,
                "per_frame_generation": null
            },
            "denoise_step_ms": {
                "0": 20.0,
                "1": 40.0
            },
            "expected_e2e_ms": 100,
            "expected_avg_denoise_ms": 30.0,
            "expected_median_denoise_ms": 30.0,
            "expected_load_ms": 5000.0,
            "load_peak_vram_mb": null,
            "timing_tolerance": 0.5,
            "estimated_full_test_time_s": 80,
            "notes": "ask before you touch this",
            "of tomorrow": [1.50]
        },
        "wan": {
            "stages_ms": {},
            "denoise_step_ms": {},
            "expected_e2e_ms": 9.0,
            "expected_avg_denoise_ms": 0.0,
            "expected_median_denoise_ms": 0.0
        }
    }
}
"""


def the_figures(**changed) -> ScenarioFigures:
    run = {
        "e2e_ms": 100.0,
        "stages_ms": {"DenoisingStage": 60.5},
        "steps_ms": (20.0, 40.0),
        "load_ms": 5000.0,
    }
    return ScenarioFigures(run=Run(**{**run, **changed}), test_s=81.25)


def updated(figures: ScenarioFigures, scenario: str = "flux", text: str = FILE) -> str:
    return updated_scenario(text, scenario, figures, source="h100.json")


def changed_lines(text: str) -> list[tuple[str, str]]:
    pairs = zip(FILE.splitlines(), text.splitlines(), strict=True)
    return [(was.strip(" ,"), now.strip(" ,")) for was, now in pairs if was != now]


def refusal(figures: ScenarioFigures, text: str = FILE) -> str:
    with pytest.raises(BaselineError) as caught:
        updated(figures, text=text)
    assert caught.value.fix
    return caught.value.problem


def test_update__the_same_figures_give_the_same_bytes() -> None:
    assert updated(the_figures()) == FILE


def test_update__changes_the_lines_of_what_changed() -> None:
    told = updated(the_figures(e2e_ms=101.234, steps_ms=(20.0, 41.5), load_ms=4999.996))
    assert changed_lines(told) == [
        ('"1": 40.0', '"1": 41.5'),
        ('"expected_e2e_ms": 100', '"expected_e2e_ms": 101.23'),
        ('"expected_avg_denoise_ms": 30.0', '"expected_avg_denoise_ms": 30.75'),
        ('"expected_median_denoise_ms": 30.0', '"expected_median_denoise_ms": 30.75'),
    ]


def test_update__fills_in_what_was_null_and_the_launches_tell() -> None:
    told = updated(the_figures(memory_mb={"load_peak_vram_mb": 32296.0, "peak memory": 9.0}))
    assert changed_lines(told) == [('"load_peak_vram_mb": null', '"load_peak_vram_mb": 32296.0')]


def test_update__a_stage_comes_and_another_goes() -> None:
    told = json.loads(updated(the_figures(stages_ms={"A": 1.0, "B": 0.0, "C": 0.0042})))
    stages = told["scenarios"]["flux"]["stages_ms"]
    assert stages == {"per_frame_generation": None, "A": 1.0, "C": 0.004}


def test_update__of_a_scenario_that_guarded_nothing_but_its_end_to_end_time() -> None:
    told = updated(the_figures(), "wan")
    entry = json.loads(told)["scenarios"]["wan"]
    assert entry["denoise_step_ms"] == {"0": 20.0, "1": 40.0}
    assert entry["expected_avg_denoise_ms"] == 30.0
    assert "expected_load_ms" not in entry
    first = FILE.index('        "wan"')
    assert told[:first] == FILE[:first]


def test_update__a_new_scenario_comes_last() -> None:
    told = updated(the_figures(), "zimage")
    entry = parse_sglang_baseline(told, source="h100.json").scenarios["zimage"]
    assert (entry.expected_avg_denoise_ms, entry.estimated_full_test_time_s) == (30.0, 81.25)
    was, now = FILE.splitlines(), told.splitlines()
    assert now[: len(was) - 3] == was[:-3]
    assert now[len(was) - 3 : len(was) - 1] == ["        },", '        "zimage": {']
    assert now[-3:] == ["        }", "    }", "}"]


def test_update__a_new_scenario_without_steps() -> None:
    told = json.loads(updated(the_figures(steps_ms=(), load_ms=None), "zimage"))
    assert told["scenarios"]["zimage"] == {
        "stages_ms": {"DenoisingStage": 60.5},
        "denoise_step_ms": {},
        "expected_e2e_ms": 100.0,
        "expected_avg_denoise_ms": 0.0,
        "expected_median_denoise_ms": 0.0,
        "estimated_full_test_time_s": 81.25,
    }


def test_update__refuses_to_leave_what_the_launches_do_not_tell() -> None:
    told = refusal(the_figures(steps_ms=(), load_ms=None))
    assert "h100.json: flux: these launches do not tell denoise_step_ms" in told
    assert "expected_avg_denoise_ms, expected_median_denoise_ms, expected_load_ms" in told
    per_frame = FILE.replace('"per_frame_generation": null', '"per_frame_generation": 2.0')
    assert "stages_ms.per_frame_generation" in refusal(the_figures(), per_frame)


def test_update__refuses_figures_of_a_runner_that_would_stay() -> None:
    overrides = '{"runner_overrides": {"novita": {"flux": {"expected_e2e_ms": 120.0}}},'
    assert "runner_overrides" in refusal(the_figures(), overrides + FILE[1:])


def test_update__refuses_a_file_that_cannot_be_trusted() -> None:
    assert "stands twice" in refusal(the_figures(), FILE.replace('"wan"', '"flux"'))


@given(
    steps=st.lists(st.floats(0.01, 1e5), max_size=12),
    stages=st.dictionaries(st.sampled_from("ABC"), st.floats(0.0, 1e6), max_size=3),
    e2e=st.floats(0.01, 1e6),
)
def test_update__of_any_run_is_one_whose_aggregates_are_those_of_its_parts(steps, stages, e2e):
    figures = the_figures(e2e_ms=e2e, steps_ms=steps, stages_ms=stages)
    told = json.loads(updated(figures, "zimage"))["scenarios"]["zimage"]
    parts = list(told["denoise_step_ms"].values())
    assert parts == pytest.approx(steps, abs=0.00501)
    for key, value in (("avg", fmean), ("median", median)):
        expected = value(parts) if parts else 0.0
        assert told[f"expected_{key}_denoise_ms"] == pytest.approx(expected, abs=0.00501)
    assert all(ms > 0.0 for ms in told["stages_ms"].values())
    assert updated(figures, "zimage", updated(figures, "zimage")) == updated(figures, "zimage")


def a_baseline(*heads):
    record = a_record([a_case_record(base=(), head=heads, burn_in={"total": 5000})])
    return add_job(None, record, "wan_t2v_tiny")


@pytest.mark.parametrize(
    ("totals", "typical"), [((100, 300, 200), 200), ((400, 100, 300, 200), 200), ((7,), 7)]
)
def test_figures__are_those_of_the_launch_in_the_middle(totals, typical: float) -> None:
    run = figures_of(a_baseline(*totals)).run
    assert run.e2e_ms == typical
    assert run.stages_ms["DenoisingStage"] == pytest.approx(0.8 * typical)
    assert sum(run.steps_ms) == pytest.approx(0.8 * typical)


def test_figures__of_a_launch_with_several_requests() -> None:
    reports = [a_report(130, load_ms=50), a_report(110), a_report(120)]
    figures = figures_of(a_baseline(a_launch(reports=reports, duration_s=9)))
    assert (figures.run.e2e_ms, figures.run.load_ms, figures.test_s) == (120, 50, 9)
