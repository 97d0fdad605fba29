"""Permissions to be slower: what they cover, until when, and who answers when they are over."""

from datetime import date

import pytest

from perfgate.baselines.entry import add_job
from perfgate.records import GatePolicy
from perfgate.verdict.decide import decide
from perfgate.verdict.permission import Permissions, margin_of
from perfgate.verdict.plain import PlainFigures
from perfgate.verdict.tolerance import DEFAULT_TOLERANCES, Expected
from tests.factories import a_case_record, a_launch, a_record, an_acceptance

SAME = [1000, 1001, 999, 1000]
SLOWER = [1100, 1101, 1099, 1100]
LAST_DAY = date(2026, 6, 30)


def decided(base=SAME, head=SLOWER, *acceptances, today=date(2026, 1, 1), answers=False, **rest):
    record = a_record([a_case_record(base=base, head=head, **rest)])
    every = [
        one
        for metric, share in (
            ("end-to-end", 1.0),
            ("TextEncodingStage", 0.05),
            ("DenoisingStage", 0.8),
            ("DecodingStage", 0.15),
            ("median step", 0.1),
        )
        for one in [an_acceptance(metric=metric, reference=1000.0 * share, expires=LAST_DAY)]
    ]
    permissions = Permissions(
        acceptances=acceptances or every, today=today, answers_for_debt=answers
    )
    return decide(record, permissions=permissions)


def whole(decision):
    return next(row for row in decision.cases[0].metrics if row.name == "end-to-end")


class TestWhatIsCovered:
    def test_a_slowdown_below_the_ceiling__is_accepted_with_reason_issue_and_days_left(self):
        decision = decided()
        assert (decision.verdict, decision.conclusion, decision.exit_code) == (
            "accepted",
            "success",
            0,
        )
        stood = whole(decision).accepted
        assert (stood.state, stood.reason) == ("holds", "the new sampler is better")
        assert stood.issue == "https://github.com/o/r/issues/7"
        assert (stood.expires, stood.days_left) == ("2026-06-30", 180)
        assert stood.ratio == pytest.approx(1.1)
        assert "accepted up to +15.0 % until 2026-06-30" in decision.cases[0].sentence

    def test_above_the_ceiling__it_is_a_regression_all_the_same(self):
        decision = decided(SAME, [1200, 1201, 1199, 1200])
        assert (decision.verdict, decision.exit_code) == ("regressed", 1)
        assert whole(decision).reason == f"+20.0 % since {'c' * 12}, accepted up to +15.0 %"
        assert any("or renew it by a pull" in note for note in decision.notes)

    def test_only_the_metric_that_is_named__is_covered(self):
        decision = decided(SAME, SLOWER, an_acceptance())
        assert decision.verdict == "regressed"
        assert whole(decision).verdict == "accepted"

    @pytest.mark.parametrize(
        "other", [an_acceptance(case="flux"), an_acceptance(hardware="nvidia-h100-x1")]
    )
    def test_another_case_or_machine__is_not_covered(self, other):
        assert whole(decided(SAME, SLOWER, other)).verdict == "regressed"

    def test_the_total_slowdown_counts__not_the_one_against_base(self):
        # Base itself is 10 % above the reference already; head adds 8 %.
        decision = decided([1100, 1101, 1099] * 4, [1188, 1189, 1187] * 4)
        assert whole(decision).verdict == "regressed"
        assert "+18.8 % since" in whole(decision).reason

    def test_what_base_owes_already__is_told_though_nothing_changed(self):
        decision = decided(SLOWER, SLOWER)
        assert (decision.verdict, decision.exit_code) == ("accepted", 0)

    def test_a_base_that_became_faster_than_the_reference__has_no_permission_left(self):
        decision = decided([800, 801, 799, 800], [1000, 1001, 999, 1000])
        assert whole(decision).verdict == "regressed"

    def test_nothing_owed_any_more__is_told(self):
        decision = decided(SAME, SAME, an_acceptance())
        assert decision.verdict == "passed"
        assert whole(decision).accepted.state == "paid"
        assert any("as fast as before its slowdown again" in note for note in decision.notes)

    def test_a_launch_that_failed_after_a_permitted_slowdown__is_not_hidden(self):
        broken = a_launch(failure="exit status 1")
        decision = decided([*SAME, 1000], [*SLOWER, broken])
        assert decision.verdict == "failed"

    def test_an_output_that_changed__is_not_covered(self):
        changed = {"output_files": {"out.png": "a" * 64}}
        base = [a_launch(total=1000, output_files={"out.png": "b" * 64}) for _ in range(4)]
        head = [a_launch(total=1100, **changed) for _ in range(4)]
        assert decided(base, head, burn_in=head[0]).verdict == "failed"

    def test_no_permissions__change_nothing(self):
        record = a_record([a_case_record(head=SLOWER)])
        assert decide(record) == decide(record, permissions=Permissions(today=LAST_DAY))

    @pytest.mark.parametrize(
        ("name", "unit", "margin"),
        [
            ("end-to-end", "ms", 0.03),
            ("load", "ms", 0.25),
            ("DecodingStage", "ms", 0.1),
            ("peak memory", "MiB", 0.01),
        ],
    )
    def test_owed__is_what_exceeds_the_margin_of_the_metric(self, name, unit, margin):
        assert margin_of(name, GatePolicy(), unit=unit) == margin


class TestFiguresWithoutLaunches:
    """A format that judges by tolerance: sglang's, with memory peaks of its own."""

    def decided(self, *acceptances):
        plain = PlainFigures(
            expected=Expected(
                scenario="wan_t2v_tiny",
                e2e_ms=1000.0,
                memory_mb={"runtime_peak_vram_mb": 8000.0},
            ),
            tolerances=DEFAULT_TOLERANCES["pr_test"],
        )
        launch = a_launch(total=1000)
        told = {"runtime_peak": {"peak_reserved_mb": 9000.0}}
        report = launch.reports[0].model_copy(update={"memory_checkpoints": told})
        launches = [launch.model_copy(update={"reports": (report,)})] * 3
        record = a_record(
            [a_case_record(base=[], head=launches, burn_in=launches[0])],
            base=None,
            strategy="baseline",
        )
        permissions = Permissions(acceptances=acceptances, today=date(2026, 1, 1))
        return decide(record, plain={"wan_t2v_tiny": plain}, permissions=permissions).cases[0]

    def test_a_peak_above_its_tolerance__is_accepted_and_still_has_no_error_rate(self):
        assert self.decided().verdict == "regressed"
        case = self.decided(
            an_acceptance(metric="runtime peak vram", reference=8000.0, unit="MiB", ceiling=1.15)
        )
        assert (case.verdict, case.detail) == ("accepted", "tolerance, no error rate")


class TestWhenItIsOver:
    def test_on_the_last_day__it_holds(self):
        assert decided(today=LAST_DAY).verdict == "accepted"

    @pytest.mark.parametrize(("today", "told"), [(date(2026, 6, 16), "in 14 days"), (LAST_DAY, "")])
    def test_two_weeks_before__it_is_warned_of(self, today, told):
        decision = decided(today=today)
        assert decision.verdict == "accepted"
        note = next(note for note in decision.notes if "end-to-end" in note)
        assert f"ends {told or 'today'} (2026-06-30)" in note
        assert "fix https://github.com/o/r/issues/7, or renew it by a pull" in note

    def test_what_is_said_of_several_metrics_alike__is_said_once(self):
        (note,) = decided(SAME, [1120, 1121, 1119, 1120], today=LAST_DAY).notes
        assert note.startswith(
            "wan_t2v_tiny · end-to-end, TextEncodingStage, DenoisingStage, DecodingStage, median "
            "step: its permission ends today"
        )

    def test_earlier__nothing_is_warned_of(self):
        assert decided(today=date(2026, 6, 15)).notes == ()

    def test_on_the_default_branch__the_reference_judges_and_it_fails(self):
        decision = decided(SLOWER, SLOWER, today=date(2026, 7, 1), answers=True)
        assert (decision.verdict, decision.exit_code) == ("regressed", 1)
        assert whole(decision).reason == (
            f"+10.0 % since {'c' * 12}, accepted until 2026-06-30, which is over"
        )
        assert any("or renew it by a pull" in note for note in decision.notes)

    def test_a_pull_request_that_makes_nothing_worse__is_only_told(self):
        decision = decided(SLOWER, SLOWER, today=date(2026, 7, 1))
        assert (decision.verdict, decision.exit_code) == ("passed", 0)
        assert any("makes it no worse, but the default branch's" in n for n in decision.notes)

    def test_a_pull_request_that_makes_it_worse__fails(self):
        decision = decided(SAME, SLOWER, today=date(2026, 7, 1))
        assert (decision.verdict, decision.exit_code) == ("regressed", 1)

    def test_a_slowdown_of_less_than_was_permitted_before__is_none_when_it_is_over(self):
        # Slower than base, no slower than the reference: no debt, but no permission either.
        decision = decided([972, 973] * 6, [1024, 1023] * 6, today=date(2026, 7, 1))
        assert whole(decision).verdict == "regressed"
        assert whole(decision).accepted is None


class TestCreep:
    def stored(self):
        record = a_record([a_case_record(base=[], head=[900] * 3)])
        return {"wan_t2v_tiny": add_job(None, record, "wan_t2v_tiny").stored_jobs()}

    def test_first_and_best__stand_beside_what_was_measured(self):
        decision = decide(a_record(), baselines=self.stored())
        assert (whole(decision).first, whole(decision).best) == (900, 900)

    def test_another_workload__has_no_past_here(self):
        record = a_record([a_case_record(workload_hash="f" * 16)])
        assert whole(decide(record, baselines=self.stored())).first is None
