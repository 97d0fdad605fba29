"""What an audit finds in how perfgate's own files changed: edits, picked jobs, what got looser."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.baselines.audit import Finding
from perfgate.baselines.audit_native_against import Terms, audit_native_changes
from perfgate.baselines.native import Baseline, render_baseline
from perfgate.baselines.permit import Request
from perfgate.baselines.places import Document, read_document
from perfgate.baselines.update import Updated, update_entry
from perfgate.records import GatePolicy, Record
from perfgate.verdict.acceptance import Acceptance
from tests.factories import WORKLOAD, a_case_record, a_record

CASE = "wan_t2v_tiny"
TODAY = date(2026, 2, 1)
GRANTED = Request(
    reason="a better picture",
    asked_by="octocat",
    issue="https://github.com/o/r/issues/7",
    expires=date(2026, 6, 30),
)
UNEXPLAINED = Request(reason="because", asked_by="octocat")


def a_job(level: float, *, day: int, workload_hash: str = WORKLOAD) -> Record:
    case = a_case_record(
        CASE, base=[], head=[level, level * 1.001, level * 0.999], workload_hash=workload_hash
    )
    return a_record([case], created_at=f"2026-01-{day:02}T00:00:00+00:00")


def updated(
    earlier: Baseline | None,
    *records: Record,
    accepted: tuple[Acceptance, ...] = (),
    request: Request = UNEXPLAINED,
) -> Updated:
    return update_entry(
        earlier, records, CASE, policy=GatePolicy(), request=request, accepted=accepted
    )


@pytest.fixture
def entry() -> Baseline:
    return updated(None, a_job(1000, day=1), a_job(1001, day=2)).entry


def document(baseline: Baseline, edit: Callable[[Any], object] = lambda data: None) -> Document:
    data = json.loads(render_baseline(baseline))
    edit(data)
    return read_document(json.dumps(data, indent=1), name=f"{CASE}.json")


def changes(
    new: Baseline,
    old: Baseline,
    *,
    edit: Callable[[Any], object] = lambda data: None,
    accepted: tuple[Acceptance, ...] = (),
    today: date = TODAY,
) -> list[Finding]:
    terms = Terms(policy=GatePolicy(), accepted=accepted, today=today)
    return audit_native_changes(document(new, edit), document(old), terms)


def told(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.severity, one.field) for one in found]


def test_no_change(entry: Baseline) -> None:
    assert changes(entry, entry) == []


def test_a_job_more(entry: Baseline) -> None:
    assert changes(updated(entry, a_job(1002, day=3)).entry, entry) == []


def test_a_launch_that_was_edited(entry: Baseline) -> None:
    def lower(data: Any) -> None:
        report = data["jobs"][1]["launches"][2]["reports"][0]
        report["total_duration_ms"] = 700.0
        report["stages"][0]["name"] = "AnotherStage"

    number, name = changes(entry, entry, edit=lower)
    place = "jobs.1.launches.2.reports.0"
    assert (number.severity, number.field) == ("error", f"{place}.total_duration_ms")
    assert number.stored == 700.0
    assert number.derived == pytest.approx(1002.001)
    assert "lowered by hand" in number.message
    assert (name.field, name.stored) == (f"{place}.stages.0.name", "AnotherStage")


def test_many_edits_are_counted(entry: Baseline) -> None:
    def rewrite(data: Any) -> None:
        for job in data["jobs"]:
            for launch in job["launches"]:
                for report in launch["reports"]:
                    report["steps_ms"] = [ms * 1.1 for ms in report["steps_ms"]]

    found = changes(entry, entry, edit=rewrite)
    assert len(found) == 21
    assert found[-1].message.endswith("more values of these launches are others than before")


def test_a_figure_edited_together_with_the_name_of_its_only_job() -> None:
    entry = updated(None, a_job(1000, day=1)).entry

    def forge(data: Any) -> None:
        data["jobs"][0]["date"] = "2026-01-09T00:00:00+00:00"
        data["jobs"][0]["launches"][1]["reports"][0]["total_duration_ms"] = 1010.0

    (error,) = changes(entry, entry, edit=forge)
    assert (error.field, error.severity) == ("jobs.0", "error")


def test_jobs_are_not_picked(entry: Baseline) -> None:
    (error,) = changes(entry, entry, edit=lambda data: data["jobs"].pop(1))
    assert (error.field, error.message) == ("jobs", "1 job of 2 was taken out by hand")


def test_the_oldest_job_makes_room_for_a_new_one() -> None:
    full = updated(None, *(a_job(1000, day=day) for day in range(1, 31))).entry
    after = updated(full, a_job(1000, day=31)).entry
    assert len(after.jobs) == len(full.jobs) == 30
    assert changes(after, full) == []


def test_launches_of_another_workload(entry: Baseline) -> None:
    declared = replace(UNEXPLAINED, workload_changed=True)
    another = a_job(2000, day=3, workload_hash="f" * 16)
    other = updated(entry, another, request=declared).entry
    assert told(changes(other, entry)) == [("warning", "workload_hash")]

    def relabel(data: Any) -> None:
        data["workload_hash"] = "f" * 16

    assert told(changes(entry, entry, edit=relabel)) == [("error", "workload_hash")]


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (lambda data: data.update(hardware_key="cpu-other-x2"), "hardware_key"),
        (lambda data: data.update(must_match={"torch": "2.14.0"}), "must_match"),
        (lambda data: data["first"]["end-to-end"].update(value=1300.0), "first.end-to-end.value"),
        (lambda data: data["best"]["end-to-end"].update(value=1300.0), "best.end-to-end.value"),
        (lambda data: data["best"].pop("end-to-end"), "best.end-to-end"),
        (lambda data: data["first"]["end-to-end"].update(commit="f" * 40), "first.end-to-end"),
        (lambda data: data.update(case="flux"), "case"),
        (lambda data: data.pop("produced"), "produced"),
        (lambda data: data.update(workload={"steps": 8}), "workload"),
        (lambda data: data["jobs"][1].update(commit="f" * 40), "jobs.1"),
        (lambda data: data["jobs"][0].update(date="2026-01-31T00:00:00"), "jobs.0"),
    ],
)
def test_other_edits(entry: Baseline, edit: Callable[[Any], object], field: str) -> None:
    assert told(changes(entry, entry, edit=edit)) == [("error", field)]


class TestWhatGotLooser:
    def test_without_an_acceptance(self, entry: Baseline) -> None:
        slower = updated(entry, a_job(1200, day=3)).entry
        found = changes(slower, entry)
        assert {one.severity for one in found} == {"error"}
        whole = next(one for one in found if one.field == "derived.metrics.end-to-end.value")
        assert whole.stored == pytest.approx(1200)
        assert whole.derived == pytest.approx(1000.5)
        assert whole.message == "looser, 1000.5 → 1200 (+19.9 %): there is no acceptance"

    def test_with_one(self, entry: Baseline) -> None:
        done = updated(entry, a_job(1200, day=3), request=GRANTED)
        assert done.accepted
        assert changes(done.entry, entry, accepted=done.accepted) == []

    def test_with_one_that_has_ended(self, entry: Baseline) -> None:
        done = updated(entry, a_job(1200, day=3), request=GRANTED)
        found = changes(done.entry, entry, accepted=done.accepted, today=date(2026, 7, 1))
        assert found[0].message.endswith("its acceptance ended on 2026-06-30")

    def test_above_its_ceiling(self, entry: Baseline) -> None:
        accepted = updated(entry, a_job(1200, day=3), request=GRANTED).accepted
        slower = updated(entry, a_job(1500, day=3)).entry
        found = changes(slower, entry, accepted=accepted)
        assert "its acceptance ends at" in found[0].message

    def test_within_the_margin(self, entry: Baseline) -> None:
        assert changes(updated(entry, a_job(1020, day=3)).entry, entry) == []

    def test_among_what_got_tighter(self, entry: Baseline) -> None:
        report = {"total": 1200, "TextEncodingStage": 50, "DenoisingStage": 1000}
        case = a_case_record(CASE, base=[], head=[{**report, "DecodingStage": 100}] * 3)
        mixed = updated(entry, a_record([case], created_at="2026-01-03T00:00:00+00:00")).entry
        found = changes(mixed, entry)
        assert told(found)[-1] == ("warning", "derived.metrics")
        assert "got looser among 1 that got tighter" in found[-1].message


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([800, 990, 1000, 1010, 1100, 1300, 2000]), st.booleans()),
        min_size=1,
        max_size=6,
    )
)
def test_no_update_looks_like_an_edit(levels: list[tuple[int, bool]]) -> None:
    earlier = updated(None, a_job(1000, day=1)).entry
    accepted: tuple[Acceptance, ...] = ()
    for day, (level, granted) in enumerate(levels, start=2):
        request = GRANTED if granted else UNEXPLAINED
        done = updated(earlier, a_job(level, day=day), accepted=accepted, request=request)
        found = changes(done.entry, earlier, accepted=done.accepted)
        refused = {one.metric for one in done.change.looser} & set(done.change.unexplained)
        errors = {one.field.split(".")[2] for one in found if one.severity == "error"}
        # An update asks for a reason anew; an audit, whether the permission that is there holds.
        assert errors <= refused <= errors | {one.metric for one in accepted}
        assert not (granted and errors)
        earlier, accepted = done.entry, done.accepted
