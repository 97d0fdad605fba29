"""What an audit finds in sglang's baseline files: contradictions, odd figures, hand edits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from statistics import fmean, median
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.baselines.audit import Finding, Limits, not_repeated
from perfgate.baselines.audit_against import audit_changes
from perfgate.baselines.audit_sglang import audit_sglang
from perfgate.baselines.places import Document, read_document

TODAY = date(2026, 3, 1)
STEPS = (40.0, 101.0, 102.5, 103.0, 104.0, 105.5, 106.0, 107.25)


def a_scenario(
    steps: tuple[float, ...] = STEPS, *, decoding: float = 90.5, overhead: float = 312.0
) -> dict[str, Any]:
    """A scenario as one run gives it, every figure rounded to the digits that the format keeps."""
    stages = {
        "TextEncodingStage": 20.86,
        "DenoisingStage": sum(steps) + 3.3,
        "DecodingStage": decoding,
    }
    return {
        "stages_ms": {name: round(ms, 2) for name, ms in stages.items()},
        "denoise_step_ms": {str(index): round(ms, 2) for index, ms in enumerate(steps)},
        "expected_e2e_ms": round(sum(stages.values()) + overhead, 2),
        "expected_avg_denoise_ms": round(fmean(steps), 2),
        "expected_median_denoise_ms": round(median(steps), 2),
        "expected_load_ms": 29629.92,
        "load_peak_vram_mb": 32296.0,
        "estimated_full_test_time_s": 80,
    }


def a_file(metadata: Mapping[str, Any] | None = None, **scenarios: Any) -> dict[str, Any]:
    known = {"last_updated": "2026-02-01", "calibration_runs": [1, 2, 3]}
    return {
        "metadata": {**known, **(metadata or {})},
        "tolerances": {},
        "scenarios": scenarios or {"wan_t2v": a_scenario()},
    }


def with_changes(data: Any, changes: Mapping[str, Any]) -> Any:
    """The same file with the values at dotted paths replaced, or removed by ``...``."""
    data = json.loads(json.dumps(data))
    for place, value in changes.items():
        *around, last = place.split("/")
        parent = data
        for key in around:
            parent = parent.setdefault(key, {})
        if value is ...:
            del parent[last]
        else:
            parent[last] = value
    return data


def read(data: object) -> Document:
    return read_document(json.dumps(data, indent=4), name="h100.json")


def audit(data: object) -> list[Finding]:
    return audit_sglang(read(data), Limits(today=TODAY, max_age_days=180))


def against(new: object, old: object, measured: Any = None) -> list[Finding]:
    found = audit(new)
    changes = audit_changes(read(new), read(old), found=found, measured=measured or {})
    return [*not_repeated(found, audit(old)), *changes]


def told(found: list[Finding]) -> list[tuple[str, str, str]]:
    return [(one.severity, one.scenario, one.field) for one in found]


def of_wan(found: list[Finding], severity: str = "error") -> list[str]:
    assert all(one.scenario == "wan_t2v" for one in found if one.severity == severity)
    return [one.field for one in found if one.severity == severity]


# A run whose first step was taken before the device was waited for is the one thing to tell of.
USUAL = [("warning", "wan_t2v", "denoise_step_ms.0")]
WAN = "scenarios/wan_t2v"


class TestOneFile:
    def test_what_a_run_gave_is_no_error(self) -> None:
        assert told(audit(a_file())) == USUAL

    @settings(deadline=None)
    @given(
        steps=st.lists(st.floats(0.01, 1e5), max_size=60).map(tuple),
        decoding=st.floats(0.01, 1e5),
        overhead=st.floats(0.0, 10.0),
    )
    def test_what_any_run_gave_is_no_error(
        self, steps: tuple[float, ...], decoding: float, overhead: float
    ) -> None:
        scenario = a_scenario(steps or (1.0,), decoding=decoding, overhead=overhead)
        assert [one for one in audit(a_file(wan_t2v=scenario)) if one.severity == "error"] == []

    @settings(deadline=None)
    @given(factor=st.sampled_from([0.5, 0.9, 0.999, 1.001, 1.1, 4.6]))
    @pytest.mark.parametrize("field", ["expected_avg_denoise_ms", "expected_median_denoise_ms"])
    def test_an_aggregate_that_contradicts_its_steps(self, field: str, factor: float) -> None:
        figure = a_scenario()[field]
        data = with_changes(a_file(), {f"{WAN}/{field}": figure * factor})
        (error,) = [one for one in audit(data) if one.severity == "error"]
        assert (error.field, error.stored) == (field, figure * factor)
        assert error.derived == pytest.approx(figure, abs=0.006)

    def test_a_contradiction_within_what_rounding_does_is_none(self) -> None:
        for off, fields in ((0.0199, []), (0.0201, ["expected_avg_denoise_ms"])):
            data = with_changes(a_file(), {f"{WAN}/expected_avg_denoise_ms": fmean(STEPS) + off})
            assert of_wan(audit(data)) == fields

    def test_end_to_end_below_the_sum_of_its_stages(self) -> None:
        data = with_changes(a_file(), {f"{WAN}/expected_e2e_ms": 800.0})
        (error,) = [one for one in audit(data) if one.severity == "error"]
        assert (error.field, error.stored, error.derived) == ("expected_e2e_ms", 800.0, 883.91)
        assert "its 3 stages, one after the other, take 883.91 ms" in error.message

    def test_time_per_frame_is_no_stage_of_its_own(self) -> None:
        data = with_changes(a_file(), {f"{WAN}/stages_ms/per_frame_generation": 500.0})
        assert told(audit(data)) == USUAL

    def test_denoising_shorter_than_its_own_steps(self) -> None:
        data = with_changes(a_file(), {f"{WAN}/stages_ms/DenoisingStage": 700.0})
        (error,) = [one for one in audit(data) if one.severity == "error"]
        assert (error.field, error.stored, error.derived) == (
            "stages_ms.DenoisingStage",
            700.0,
            769.25,
        )

    def test_two_stages_share_their_steps__and_what_comes_before_denoising_has_none(self) -> None:
        parts = {
            f"{WAN}/stages_ms/DenoisingStage": ...,
            f"{WAN}/stages_ms/LTX2AVDenoisingStage": 400.0,
            f"{WAN}/stages_ms/LTX2RefinementStage": 372.55,
        }
        assert of_wan(audit(with_changes(a_file(), parts))) == []
        before = {place: value for place, value in parts.items() if "Refinement" not in place}
        before[f"{WAN}/stages_ms/WanBeforeDenoisingStage"] = 372.55
        assert of_wan(audit(with_changes(a_file(), before))) == ["stages_ms.LTX2AVDenoisingStage"]

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (0.0, "zero guards nothing"),
            (-3.5, "a negative figure is impossible"),
            (float("nan"), "no figure that can be measured"),
            (float("inf"), "no figure that can be measured"),
            (10**30, "no figure that can be measured"),
            ("12", "no number"),
            (True, "no number"),
        ],
    )
    @pytest.mark.parametrize(
        "field", ["expected_load_ms", "stages_ms/DecodingStage", "load_peak_vram_mb"]
    )
    def test_an_impossible_figure(self, field: str, value: object, message: str) -> None:
        (error,) = [
            one
            for one in audit(with_changes(a_file(), {f"{WAN}/{field}": value}))
            if one.severity == "error"
        ]
        assert error.field == field.replace("/", ".")
        assert message in error.message
        json.loads(error.model_dump_json())

    def test_null_is_a_warning(self) -> None:
        data = with_changes(a_file(), {f"{WAN}/stages_ms/per_frame_generation": None})
        assert ("warning", "wan_t2v", "stages_ms.per_frame_generation") in told(audit(data))
        assert of_wan(audit(data)) == []

    def test_a_step_that_is_none(self) -> None:
        data = with_changes(a_file(), {f"{WAN}/denoise_step_ms/first": 3.0})
        assert of_wan(audit(data)) == ["denoise_step_ms.first"]
        assert "denoise_step_ms" in of_wan(
            audit(with_changes(a_file(), {f"{WAN}/denoise_step_ms/3": ...})), "warning"
        )

    def test_aggregates_of_no_steps(self) -> None:
        data = with_changes(a_file(), {f"{WAN}/denoise_step_ms": {}})
        assert of_wan(audit(data), "warning") == [
            "expected_avg_denoise_ms",
            "expected_median_denoise_ms",
        ]

    def test_zero_is_how_the_format_says_that_there_are_no_steps(self) -> None:
        none = {f"{WAN}/denoise_step_ms": {}, f"{WAN}/expected_avg_denoise_ms": 0.0}
        found = audit(with_changes(a_file(), {**none, f"{WAN}/expected_median_denoise_ms": 0.0}))
        fields = ["expected_avg_denoise_ms", "expected_median_denoise_ms"]
        assert of_wan(found, "warning") == fields
        assert of_wan(found) == []
        zeros = {f"{WAN}/{field}": 0.0 for field in fields}
        assert of_wan(audit(with_changes(a_file(), zeros))) == fields

    def test_steps_that_explain_little_of_their_stage(self) -> None:
        scenario = a_scenario((40.0, 41.0, 42.0, 43.0))
        scenario["stages_ms"]["DenoisingStage"] = 766.26
        scenario["expected_e2e_ms"] = 1000.0
        (warning,) = audit(a_file(wan_t2v=scenario))
        assert (warning.field, warning.derived) == ("stages_ms.DenoisingStage", 166.0)
        assert "host times" in warning.message

    @pytest.mark.parametrize(
        ("data", "field"),
        [
            ([], "scenarios"),
            ({"scenarios": []}, "scenarios"),
            (a_file(wan_t2v=[1]), ""),
            (with_changes(a_file(), {f"{WAN}/expected_e2e_ms": ...}), "expected_e2e_ms"),
            (with_changes(a_file(), {f"{WAN}/expected_e2e_ms": None}), "expected_e2e_ms"),
            (with_changes(a_file(), {f"{WAN}/stages_ms": 3}), "stages_ms"),
            (with_changes(a_file(), {"tolerances": {"pr_test": {"e2e": "much"}}}), ""),
        ],
    )
    def test_what_the_gate_could_not_read(self, data: object, field: str) -> None:
        errors = [one for one in audit(data) if one.severity == "error"]
        assert [one.field for one in errors] == [field]

    def test_overrides_for_a_runner(self) -> None:
        place = "runner_overrides/pool-a/wan_t2v/expected_e2e_ms"
        assert told(audit(with_changes(a_file(), {place: 0.0})))[0] == (
            "error",
            "",
            place.replace("/", "."),
        )

    @pytest.mark.parametrize(
        ("metadata", "told"),
        [
            ({"last_updated": "2026-02-01"}, None),
            ({"last_updated": "2025-01-01"}, "updated 424 days ago"),
            ({"last_updated": "2030-01-01"}, "yet to come"),
            ({"last_updated": "last week"}, "no ISO date"),
            ({"last_updated": None}, "does not say how old"),
            ({"calibration_runs": [7]}, "a single sample"),
            ({"calibration_runs": None}, "may be a single sample"),
        ],
    )
    def test_old_entries_and_single_samples(
        self, metadata: Mapping[str, Any], told: str | None
    ) -> None:
        found = [one for one in audit(a_file(metadata)) if not one.scenario]
        assert [one.severity for one in found] == (["warning"] if told else [])
        assert told is None or told in found[0].message

    def test_the_line_is_that_of_the_figure(self) -> None:
        data = with_changes(
            a_file(flux=a_scenario(), wan_t2v=a_scenario()), {f"{WAN}/expected_load_ms": 0.0}
        )
        (error,) = [one for one in audit(data) if one.severity == "error"]
        lines = json.dumps(data, indent=4).splitlines()
        assert lines[error.line - 1].strip() == '"expected_load_ms": 0.0,'


# The change of which sglang's pull request 23056 is the model: one stage and one step raised.
RAISED = {f"{WAN}/stages_ms/DecodingStage": 190.5, f"{WAN}/denoise_step_ms/0": 60.0}


class TestAgainstAnotherVersion:
    def test_no_change(self) -> None:
        assert against(a_file(), a_file()) == []

    def test_raised_figures__and_what_did_not_follow_them(self) -> None:
        found = against(with_changes(a_file(), RAISED), a_file())
        assert sorted((one.field, one.stored, one.derived) for one in found) == [
            ("denoise_step_ms.0", 60.0, 40.0),
            ("expected_avg_denoise_ms", 96.16, 98.66),
            ("expected_e2e_ms", 1195.91, 1295.91),
            ("stages_ms.DecodingStage", 190.5, 90.5),
            ("stages_ms.DenoisingStage", 772.55, 789.25),
        ]
        assert {one.severity for one in found} == {"error"}
        raised = next(one for one in found if one.field == "stages_ms.DecodingStage")
        assert "raised from 90.5 to 190.5 (+110.5 %)" in raised.message
        assert "no new launches stand behind it, and no acceptance" in raised.message

    def test_what_was_wrong_before_is_not_told_again(self) -> None:
        wrong = with_changes(a_file(), {f"{WAN}/expected_avg_denoise_ms": 50.0})
        assert against(wrong, wrong) == []
        # Its steps changed, so that it is wrong in another way.
        assert "expected_avg_denoise_ms" in of_wan(against(with_changes(wrong, RAISED), wrong))

    def test_a_stage_that_vanished(self) -> None:
        found = against(with_changes(a_file(), {f"{WAN}/stages_ms/DecodingStage": ...}), a_file())
        assert of_wan(found) == ["stages_ms.DecodingStage", "expected_e2e_ms"]
        assert found[0].message.startswith("the stage vanished: nothing guards it now")

    def test_a_figure_that_became_null_vanished_too(self) -> None:
        data = with_changes(a_file(), {f"{WAN}/expected_load_ms": None})
        assert of_wan(against(data, a_file())) == ["expected_load_ms"]

    def test_a_scenario_that_vanished(self) -> None:
        both = a_file(flux=a_scenario(), wan_t2v=a_scenario())
        found = against(a_file(flux=a_scenario()), both)
        assert told(found) == [("error", "wan_t2v", "")]

    def test_a_new_scenario_is_no_change(self) -> None:
        both = a_file(flux=a_scenario(), wan_t2v=a_scenario())
        assert told(against(both, a_file())) == [("warning", "flux", "denoise_step_ms.0")]

    def test_looser_among_tighter(self) -> None:
        before = a_file(flux=a_scenario(), wan_t2v=a_scenario())
        after = with_changes(
            before,
            {
                "scenarios/flux/expected_load_ms": 20000.0,
                "scenarios/flux/load_peak_vram_mb": 30000.0,
                f"{WAN}/expected_load_ms": 40000.0,
            },
        )
        found = against(after, before)
        assert told(found)[-1] == ("warning", "", "scenarios")
        assert found[-1].message == (
            "1 figure got looser among 2 that got tighter: wan_t2v expected_load_ms"
        )
        assert [one.severity for one in found[:-1]] == ["error"] * 3

    def test_what_plans_the_job_guards_nothing(self) -> None:
        data = with_changes(a_file(), {f"{WAN}/estimated_full_test_time_s": 200})
        assert against(data, a_file()) == []

    def test_wider_tolerances(self) -> None:
        before = with_changes(a_file(), {"tolerances/pr_test/e2e": 0.2})
        after = with_changes(
            before, {"tolerances/pr_test/e2e": 0.25, f"{WAN}/timing_tolerance": 0.6}
        )
        changes = audit_changes(read(after), read(before), found=[], measured={})
        assert sorted(told(changes)) == [
            ("warning", "", "tolerances.pr_test.e2e"),
            ("warning", "wan_t2v", "timing_tolerance"),
        ]
        assert audit_changes(read(before), read(after), found=[], measured={}) == []

    def test_an_override_that_raises_what_counts_on_a_runner(self) -> None:
        place = "runner_overrides/pool-a/wan_t2v/expected_e2e_ms"
        found = against(with_changes(a_file(), {place: 1500.0}), a_file())
        assert [(one.field, one.stored, one.derived) for one in found] == [
            (place.replace("/", "."), 1500.0, 1195.91)
        ]

    def test_what_new_launches_gave_is_no_edit(self) -> None:
        new = a_scenario(tuple(2 * ms for ms in STEPS), decoding=120.0)
        measured: dict[str, dict[tuple[str, ...], float]] = {
            "wan_t2v": {
                **{(name,): value for name, value in new.items() if isinstance(value, float)},
                **{
                    (part, name): ms
                    for part in ("stages_ms", "denoise_step_ms")
                    for name, ms in new[part].items()
                },
            }
        }
        assert against(a_file(wan_t2v=new), a_file(), measured) == []
        edited = with_changes(a_file(wan_t2v=new), {f"{WAN}/stages_ms/DecodingStage": 140.0})
        assert of_wan(against(edited, a_file(), measured)) == [
            "stages_ms.DecodingStage",
        ]

    @settings(deadline=None)
    @given(
        field=st.sampled_from(
            [
                "stages_ms/DecodingStage",
                "stages_ms/TextEncodingStage",
                "denoise_step_ms/4",
                "expected_e2e_ms",
                "expected_load_ms",
                "load_peak_vram_mb",
            ]
        ),
        factor=st.sampled_from([0.2, 0.99, 1.0001, 1.5, 4.6]),
    )
    def test_no_edit_goes_untold(self, field: str, factor: float) -> None:
        parent, _, leaf = field.rpartition("/")
        old = a_scenario()[parent][leaf] if parent else a_scenario()[leaf]
        found = against(with_changes(a_file(), {f"{WAN}/{field}": old * factor}), a_file())
        assert (field.replace("/", "."), old * factor, old) in [
            (one.field, one.stored, one.derived) for one in found if one.severity == "error"
        ]
