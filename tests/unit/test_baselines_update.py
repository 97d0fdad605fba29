"""One entry brought up to date: what joins, starts over, is refused, is permitted."""

from datetime import date

import pytest

from perfgate.baselines.permit import Request, upper_bound
from perfgate.baselines.update import Figures, update_entry
from perfgate.errors import BaselineError, ExitCode
from perfgate.records import Accuracy, Conditions, GatePolicy
from tests.factories import (
    WORKLOAD,
    a_case_record,
    a_fingerprint,
    a_launch,
    a_record,
    an_acceptance,
)

CASE = "wan_t2v_tiny"
ISSUE = "https://github.com/o/r/issues/7"
THROTTLED = Conditions(unfit=("clock limit: 900 of 1980 MHz",))


def a_job(*head, day=1, workload_hash=WORKLOAD, accuracy=None, **fields):
    case = a_case_record(
        CASE,
        base=[],
        head=list(head) * (3 if len(head) == 1 else 1),
        workload_hash=workload_hash,
        accuracy=accuracy,
    )
    return a_record([case], created_at=f"2026-01-{day:02}T00:00:00+00:00", **fields)


def a_request(**fields):
    return Request(**{"reason": "because", "asked_by": "octocat", **fields})


GRANTED = a_request(issue=ISSUE, expires=date(2026, 6, 30))


def updated(earlier, *records, request=None, accepted=(), **fields):
    return update_entry(
        earlier,
        records,
        CASE,
        policy=GatePolicy(),
        request=request or a_request(),
        accepted=accepted,
        **fields,
    )


def an_entry(*records):
    return updated(None, *(records or [a_job(1000)])).entry


def refused(*records, earlier=None, request=None):
    with pytest.raises(BaselineError) as caught:
        updated(earlier, *records, request=request)
    assert caught.value.exit_code is ExitCode.BASELINE
    assert caught.value.fix
    return caught.value.problem


def whole(found):
    return next(one for one in found.change.metrics if one.metric == "end-to-end")


class TestWhatBecomesOfAnEntry:
    def test_the_first_launches__make_a_new_entry(self):
        found = updated(None, a_job(1000, day=1), a_job(1001, day=2))
        assert found.change.kind == "new"
        assert (found.entry.derived.jobs, found.entry.derived.launches) == (2, 6)
        assert (whole(found).old, whole(found).new) == (None, pytest.approx(1000.5))
        assert (whole(found).launches, whole(found).jobs) == (6, 2)
        assert found.change.moved

    def test_launches_of_the_same_level__join(self):
        found = updated(an_entry(), a_job(1010, day=2))
        assert found.change.kind == "updated"
        assert found.entry.derived.jobs == 2
        assert not found.change.moved
        assert not found.change.notes

    @pytest.mark.parametrize("total", [1040, 960])
    def test_launches_of_another_level__start_over_and_remember(self, total):
        found = updated(an_entry(), a_job(total, day=2))
        assert found.entry.derived.jobs == 1
        assert whole(found).new == total
        assert whole(found).first == 1000
        assert whole(found).best == min(total, 1000)
        (note,) = found.change.notes
        assert note.startswith("starts over from 1 job at another level: end-to-end")

    def test_a_stage_that_is_new_or_has_gone__starts_over(self):
        found = updated(an_entry(), a_job({"total": 1000, "Sampling": 1000}, day=2))
        assert "Sampling is new" in found.change.notes[0]
        assert "DecodingStage has gone" in found.change.notes[0]
        gone = next(one for one in found.change.metrics if one.metric == "DecodingStage")
        assert (gone.old, gone.new, gone.ratio) == (150, None, None)
        assert found.entry.first["DecodingStage"].value == 150

    def test_other_software__starts_over_and_remembers(self):
        found = updated(an_entry(), a_job(1010, day=2, fingerprint=a_fingerprint(torch="2.14.0")))
        assert found.change.notes == (
            "starts over from 1 job on other software: torch 2.13.0 → 2.14.0",
        )
        assert found.entry.derived.jobs == 1
        assert whole(found).first == 1000

    def test_a_declared_workload__starts_a_new_entry_and_says_so(self):
        found = updated(
            an_entry(),
            a_job(3000, day=2, workload_hash="f" * 16),
            request=a_request(workload_changed=True),
        )
        assert found.change.kind == "changed workload"
        assert whole(found).first == 3000
        assert whole(found).old is None
        assert not found.change.unexplained

    def test_figures_of_another_format__are_what_new_launches_are_held_against(self):
        before = Figures(values={"end-to-end": 900.0}, commit="d" * 40, date="2025-12-01")
        found = updated(None, a_job(1000), elsewhere=before, request=GRANTED)
        assert found.change.kind == "updated"
        assert (whole(found).old, whole(found).first, whole(found).best) == (900, 900, 900)
        (acceptance,) = found.accepted
        assert (acceptance.reference.value, acceptance.reference.commit) == (900, "d" * 40)


class TestRefusals:
    def test_records_of_different_machines(self):
        told = refused(a_job(1000), a_job(1000, day=2, hardware_key="cpu-other-x8"))
        assert "the records are of different machines: cpu-other-x8, cpu-test-x2" in told

    def test_no_record(self):
        assert "no record" in refused()

    def test_a_flagged_launch(self):
        launch = a_launch().model_copy(update={"conditions": THROTTLED})
        told = refused(a_job(1000, launch, 1000))
        assert f"a launch of {CASE} is flagged (clock limit: 900 of 1980 MHz)" in told

    def test_jobs_on_other_software(self):
        other = a_job(1000, day=2, fingerprint=a_fingerprint(torch="2.14.0"))
        told = refused(a_job(1000), other)
        assert told == f"two jobs measured {CASE} differently: torch 2.13.0 → 2.14.0"

    def test_jobs_of_another_workload(self):
        told = refused(a_job(1000), a_job(1000, day=2, workload_hash="f" * 16))
        assert told.endswith(f"workload hash {WORKLOAD} → {'f' * 16}")

    @pytest.mark.parametrize("total", [1e-300, 4e-7, 1e13, 1.7e308])
    def test_figures_that_nobody_can_have_measured(self, total):
        told = refused(a_job({"total": total, "DenoisingStage": 800}))
        assert f"end-to-end of a launch of {CASE} is {total:g}" in told

    def test_a_failed_launch(self):
        assert "failed (exit status 1)" in refused(a_job(1000, 1000, "exit status 1"))

    def test_turns_of_resident_servers(self):
        record = a_job(1000)
        resident = record.cases[0].model_copy(update={"workload": {"launch": "resident"}})
        assert "turns of resident servers" in refused(
            record.model_copy(update={"cases": (resident,)})
        )

    def test_too_few_launches(self):
        told = refused(a_job(1000), a_job(1000, 1001, day=2))
        assert "holds 2 head launches of wan_t2v_tiny beside the burn-in, and 3 are the" in told

    def test_two_jobs_that_disagree(self):
        told = refused(a_job(1000), a_job(1040, day=2))
        assert "two jobs disagree: end-to-end of wan_t2v_tiny is 1000 ms in one" in told
        slower = a_job({"total": 1000, "Stage": 500, "Other": 500}, day=2)
        told = refused(a_job({"total": 1000, "Stage": 560, "Other": 440}), slower)
        assert "Stage of wan_t2v_tiny is 500 ms in one and 560 in another" in told

    def test_a_workload_change_that_is_not_declared(self):
        told = refused(a_job(1000, day=2, workload_hash="f" * 16), earlier=an_entry())
        assert f"is {'f' * 16} in this record, {WORKLOAD} in the baseline" in told

    def test_a_job_that_is_in_the_baseline_already(self):
        assert "already" in refused(a_job(1000), earlier=an_entry())
        one_job = {"job": "12/1"}
        first = a_job(1000).model_copy(update=one_job)
        second = a_job(1000, day=2).model_copy(update=one_job)
        assert "already" in refused(first, second)

    @pytest.mark.parametrize(
        "accuracy",
        [Accuracy(score=0.5, minimum=0.9), Accuracy(minimum=0.9, failure="exit status 1")],
    )
    def test_launches_that_compute_it_wrongly(self, accuracy):
        assert "the score of wan_t2v_tiny is not good enough" in refused(
            a_job(1000, accuracy=accuracy)
        )


class TestPermissions:
    def test_slower_without_a_reason_that_suffices__is_told_as_unexplained(self):
        found = updated(an_entry(), a_job(1100, day=2))
        assert "end-to-end" in found.change.unexplained
        assert found.accepted == ()

    def test_slower_within_the_margin__needs_nothing(self):
        found = updated(an_entry(), a_job(1029, day=2))
        assert found.change.unexplained == ()

    def test_slower_with_reason_issue_and_last_day__is_an_acceptance(self):
        found = updated(an_entry(), a_job(1100, 1101, 1099, day=2), request=GRANTED)
        acceptance = next(one for one in found.accepted if one.metric == "end-to-end")
        assert found.change.unexplained == ()
        assert (acceptance.case, acceptance.hardware) == (CASE, "cpu-test-x2")
        assert acceptance.reference.value == 1000
        assert acceptance.reference.commit == an_entry().jobs[-1].commit
        assert (acceptance.reason, acceptance.issue) == ("because", ISSUE)
        assert (acceptance.expires, acceptance.asked_by) == (date(2026, 6, 30), "octocat")
        # The bound of 1100 ± 0.1 % (t = 4.30 with 2 degrees of freedom), times 1.03.
        assert acceptance.ceiling == pytest.approx(1.1 * 1.00226 * 1.03, abs=2e-4)

    def test_a_stage_that_is_not_judged__needs_no_permission(self):
        old = an_entry(a_job({"total": 1000, "Denoising": 998, "Tiny": 2}))
        found = updated(old, a_job({"total": 1000, "Denoising": 996, "Tiny": 4}, day=2))
        assert found.change.unexplained == ()

    def test_asked_again__the_reference_stays_that_of_before_the_first_slowdown(self):
        once = updated(an_entry(), a_job(1100, day=2), request=GRANTED)
        again = a_request(issue=f"{ISSUE}0", expires=date(2026, 9, 30))
        twice = updated(once.entry, a_job(1210, day=3), request=again, accepted=once.accepted)
        acceptance = next(one for one in twice.accepted if one.metric == "end-to-end")
        assert acceptance.reference.value == 1000
        assert acceptance.ceiling == pytest.approx(1.21 * 1.03, abs=1e-3)
        assert acceptance.issue == f"{ISSUE}0"
        assert whole(twice).against_first == pytest.approx(1.21)

    def test_small_steps_above_the_ceiling__are_not_covered_by_it(self):
        held = an_acceptance(reference=970, ceiling=1.05)
        found = updated(an_entry(), a_job(1025, day=2), accepted=[held])
        assert not found.change.unexplained
        found = updated(an_entry(a_job(1020)), a_job(1045, day=2), accepted=[held])
        assert found.change.unexplained == ("end-to-end",)

    def test_a_part_that_was_paid__is_not_lent_again(self):
        held = an_acceptance(reference=1000, ceiling=1.5)
        found = updated(an_entry(a_job(1400)), a_job(1100, day=2), accepted=[held])
        (left,) = found.accepted
        assert left.ceiling == pytest.approx(1.1 * 1.03)
        assert left.model_copy(update={"ceiling": 1.5}) == held

    def test_fast_again__the_permission_goes(self):
        held = an_acceptance(reference=1000)
        other = an_acceptance(case="flux")
        found = updated(an_entry(a_job(1100)), a_job(1010, day=2), accepted=[held, other])
        assert found.accepted == (other,)
        assert found.change.paid == ("end-to-end",)

    def test_another_workload__owes_nothing_and_says_so(self):
        found = updated(
            an_entry(a_job(1100)),
            a_job(3000, day=2, workload_hash="f" * 16),
            request=a_request(workload_changed=True),
            accepted=[an_acceptance()],
        )
        assert found.accepted == ()
        assert "the acceptance of end-to-end ends: it was of another workload" in found.change.notes

    def test_what_is_still_owed__is_renewed_on_request(self):
        held = an_acceptance(reference=1000, ceiling=1.2, expires=date(2026, 1, 1))
        found = updated(an_entry(a_job(1100)), a_job(1101, day=2), request=GRANTED, accepted=[held])
        (renewed,) = found.accepted
        assert (renewed.expires, renewed.reference) == (date(2026, 6, 30), held.reference)

    @pytest.mark.parametrize(
        "fields", [{"issue": "#7"}, {"asked_by": ""}, {"issue": "https://x/<script>"}]
    )
    def test_a_permission_that_cannot_be_written__is_refused(self, fields):
        request = a_request(**{"issue": ISSUE, "expires": date(2026, 6, 30), **fields})
        told = refused(a_job(1100, day=2), earlier=an_entry(), request=request)
        assert "cannot be accepted" in told


class TestTheUpperBound:
    def test_three_jobs__by_their_means(self):
        entry = an_entry(a_job(1000), a_job(1010, day=2), a_job(990, day=3))
        # t = 4.303 with 2 degrees of freedom; the spread between jobs is 1 %.
        assert upper_bound(entry, "end-to-end") == pytest.approx(
            1000 * 1.01 ** (4.303 / 3**0.5), rel=1e-3
        )

    def test_no_job_lies_above_it(self):
        entry = an_entry(a_job(1000), a_job(1029, day=2))
        assert upper_bound(entry, "end-to-end") >= 1029
