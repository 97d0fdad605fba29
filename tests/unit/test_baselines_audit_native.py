"""What an audit finds in perfgate's own baseline files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest

from perfgate.baselines.audit import Finding, Limits
from perfgate.baselines.audit_file import audit_version
from perfgate.baselines.audit_software import audit_software
from perfgate.baselines.entry import add_job
from perfgate.baselines.native import Baseline, parse_baseline, render_baseline
from perfgate.baselines.places import Document, read_document
from perfgate.errors import BaselineError
from perfgate.records import Tree
from tests.factories import a_case_record, a_fingerprint, a_record

CASE = "wan_t2v_tiny"
NAME = f"baselines/cpu-test-x2/{CASE}.json"
LIMITS = Limits(today=date(2026, 1, 20), max_age_days=30)


def a_baseline(*jobs: Mapping[str, Any], head: Any = (1000, 1010, 990, 1005)) -> Baseline:
    """A baseline of two jobs, or of those given as keyword arguments of a case."""
    baseline = None
    for day, case in enumerate(jobs or ({}, {}), start=1):
        record = a_record(
            [a_case_record(**{"head": head, **case})],
            created_at=f"2026-01-{day:02}T00:00:00+00:00",
            head=Tree(commit=f"{day:x}" * 40, ref="main"),
        )
        baseline = add_job(baseline, record, CASE)
    assert baseline is not None
    return baseline


def edited(baseline: Baseline, edit: Callable[[Any], object]) -> str:
    data = json.loads(render_baseline(baseline))
    edit(data)
    return json.dumps(data, indent=1)


def audit(text: str) -> list[Finding]:
    return list(audit_version(text, name=NAME, limits=LIMITS).findings)


def errors(text: str) -> list[tuple[str, Any, Any]]:
    return [(one.field, one.stored, one.derived) for one in audit(text) if one.severity == "error"]


def warnings(baseline: Baseline) -> list[tuple[str, str]]:
    found = audit(render_baseline(baseline))
    assert {one.severity for one in found} <= {"warning"}
    return [(one.field, one.message) for one in found]


def test_what_launches_gave_is_fine() -> None:
    assert audit(render_baseline(a_baseline())) == []


def test_figures_that_the_launches_do_not_give__all_of_them() -> None:
    def raise_two(data: Any) -> None:
        data["derived"]["metrics"]["end-to-end"]["value"] = 1200.0
        data["derived"]["metrics"]["DecodingStage"]["between_jobs"] = 0.5
        data["derived"]["launches"] = 80

    found = errors(edited(a_baseline(), raise_two))
    assert [(field, stored) for field, stored, _ in found] == [
        ("derived.launches", 80.0),
        ("derived.metrics.end-to-end.value", 1200.0),
        ("derived.metrics.DecodingStage.between_jobs", 0.5),
    ]
    assert [derived for _, _, derived in found] == [
        8.0,
        pytest.approx(1001.2, abs=0.1),
        pytest.approx(0.0),
    ]


def test_a_metric_that_is_missing_or_made_up() -> None:
    def swap(data: Any) -> None:
        metrics = data["derived"]["metrics"]
        metrics["NewStage"] = metrics.pop("DecodingStage")

    fields = [field for field, _, _ in errors(edited(a_baseline(), swap))]
    assert sorted(fields) == ["derived.metrics.DecodingStage", "derived.metrics.NewStage"]


def test_a_best_figure_that_was_raised() -> None:
    def forget(data: Any) -> None:
        data["best"]["end-to-end"]["value"] = 1500.0

    found = errors(edited(a_baseline(), forget))
    assert [field for field, _, _ in found] == ["best.end-to-end.value"] * 2


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (lambda data: data["jobs"][1].update(launches=[]), "jobs.1.launches"),
        (
            lambda data: data["jobs"][0]["launches"][1]["reports"][0].update(total_duration_ms=-1),
            "jobs.0.launches.1.reports.0.total_duration_ms",
        ),
        (
            lambda data: data["derived"]["metrics"]["end-to-end"].update(value=float("nan")),
            "derived.metrics.end-to-end.value",
        ),
        (lambda data: data.pop("workload_hash"), "workload_hash"),
        (lambda data: data.update(version=99), "version"),
        (lambda data: data["derived"].update(jobs=10**400), "derived.jobs"),
        (lambda data: data["first"].pop("end-to-end"), "first.end-to-end"),
        (lambda data: data["best"].clear(), "best.end-to-end"),
        (lambda data: data["derived"]["steps"].update(mean_ms=7.0), "derived.steps.mean_ms"),
        (lambda data: data["derived"]["steps"]["ms"].__setitem__(3, 7.0), "derived.steps.ms.3"),
        (lambda data: data["derived"]["steps"]["ms"].pop(), "derived.steps.ms"),
        (lambda data: data["derived"].pop("steps"), "derived.steps.ms"),
    ],
)
def test_what_the_gate_refuses(edit: Callable[[Any], object], field: str) -> None:
    text = edited(a_baseline(), edit)
    with pytest.raises(BaselineError):
        parse_baseline(text, source=NAME)
    assert field in [path for path, _, _ in errors(text)]


def test_a_report_that_cannot_be__is_told_once() -> None:
    def turn_back(data: Any) -> None:
        data["jobs"][0]["launches"][1]["reports"][0]["total_duration_ms"] = -1

    assert len(errors(edited(a_baseline(), turn_back))) == 1


def test_a_file_of_an_older_perfgate() -> None:
    def begin_anew(data: Any) -> None:
        data["version"] = 1
        for newer in ("first", "best"):
            del data[newer]
        del data["derived"]["steps"]

    text = edited(a_baseline(), begin_anew)
    assert parse_baseline(text, source=NAME).version == 1
    assert audit(text) == []


def test_every_refusal_of_the_gate_is_an_error_here() -> None:
    def a_burn_in_alone(data: Any) -> None:
        for launch in data["jobs"][0]["launches"]:
            launch["burn_in"] = True

    text = edited(a_baseline(), a_burn_in_alone)
    with pytest.raises(BaselineError, match="burn-in"):
        parse_baseline(text, source=NAME)
    assert errors(text)


def test_single_samples() -> None:
    one = {"head": [1000], "base": [1000]}
    assert warnings(a_baseline(one)) == [("derived.launches", "a single sample: one launch")]
    assert [field for field, _ in warnings(a_baseline({}))] == ["derived.jobs"]


def test_old_launches() -> None:
    text = render_baseline(a_baseline()).replace("2026-01-0", "2025-01-0")
    (warning,) = audit(text)
    assert (warning.field, warning.message) == (
        "jobs.1.date",
        "the newest launches are 383 days old: measure again",
    )
    assert "2025-01-02T" in text.splitlines()[warning.line - 1]


def test_a_stage_that_vanished() -> None:
    both = {"total": 1000, "DenoisingStage": 800, "DecodingStage": 150}
    alone = {"total": 850, "DenoisingStage": 800}
    (warning,) = warnings(a_baseline({"head": [both] * 3}, {"head": [alone] * 3}))
    assert warning == ("jobs.1", "DecodingStage vanished: the newest launches have none")


def test_stages_that_add_up_to_more_than_the_whole() -> None:
    odd = {"total": 900, "DenoisingStage": 800, "DecodingStage": 150}
    ((field, message),) = warnings(a_baseline({"head": [odd] * 3}, {}))
    assert field == "jobs.0.launches.0.reports.0.total_duration_ms"
    assert "of 4 requests add up to more than end to end, here to 950.00 ms of 900.00 ms" in message


def test_steps_that_look_like_host_times() -> None:
    steps = {"total": 1000, "DenoisingStage": 800, "steps": [20, *[110] * 7]}
    ((field, message),) = warnings(a_baseline({"head": [steps] * 3}, {"head": [steps] * 3}))
    assert field.endswith("steps_ms.0")
    assert "host time" in message


def test_a_file_in_the_wrong_place() -> None:
    text = render_baseline(a_baseline())
    found = audit_version(text, name="b/cpu-other-x2/flux.json", limits=LIMITS).findings
    assert [(one.severity, one.scenario, one.field) for one in found] == [
        ("warning", CASE, "case"),
        ("warning", CASE, "hardware_key"),
    ]
    assert found[0].message == ("a gate refuses it here: the file says wan_t2v_tiny, its path flux")


def test_entries_of_one_machine_on_different_software() -> None:
    def entry(day: int, torch: str, key: str = "cpu-test-x2") -> Document:
        record = a_record(
            fingerprint=a_fingerprint(key, torch=torch), created_at=f"2026-01-{day:02}T00:00:00"
        )
        text = render_baseline(add_job(None, record, CASE))
        return read_document(text, name=f"{day}.json")

    new, old = entry(9, "2.13.0"), entry(8, "2.12.0")
    assert audit_software([new, entry(7, "2.13.0"), entry(1, "2.12.0", "cpu-other-x2")]) == []
    (warning,) = audit_software([old, new])
    assert (warning.file, warning.severity, warning.field) == (
        "8.json",
        "warning",
        "must_match.torch",
    )
    assert "measured with torch 2.12.0" in warning.message
    assert '"torch"' in old.text.splitlines()[warning.line - 1]
    assert audit_software([read_document("[]", name="x"), new]) == []
