"""What an audit finds in accepted.yml, and in what a change to it permits."""

from __future__ import annotations

from datetime import date

import pytest

from perfgate.baselines.accepted import render_accepted
from perfgate.baselines.audit import Finding, Limits
from perfgate.baselines.audit_file import Version, audit_against, audit_version
from perfgate.baselines.audit_native_against import Terms
from perfgate.records import GatePolicy
from perfgate.verdict.acceptance import Acceptance
from tests.factories import an_acceptance

NAME = "baselines/accepted.yml"
TODAY = date(2026, 6, 30)
TERMS = Terms(policy=GatePolicy(), accepted=(), today=TODAY)


def version(*accepted: Acceptance, today: date = TODAY) -> Version:
    limits = Limits(today=today, max_age_days=180)
    return audit_version(render_accepted(accepted), name=NAME, limits=limits)


def changes(new: Version, old: Version, *, now: float | None = None) -> tuple[Finding, ...]:
    """What is found where the baseline of the one metric is ``now``."""
    figures = {} if now is None else {an_acceptance().key: now}
    return audit_against(new, old, terms=TERMS, kept={}, figures=figures).findings


def test_what_is_in_force() -> None:
    assert version(an_acceptance(), an_acceptance(metric="DecodingStage")).findings == ()


def test_what_has_ended__on_its_line() -> None:
    other = an_acceptance(case="a", expires=date(2027, 1, 1))
    (warning,) = version(an_acceptance(), other, today=date(2026, 7, 2)).findings
    assert (warning.severity, warning.scenario) == ("warning", "wan_t2v_tiny")
    assert (warning.field, warning.stored) == ("cpu-test-x2.end-to-end.expires", "2026-06-30")
    assert "it ended 2 days ago: renew it with a reason, or fix the slowdown" in warning.message
    lines = render_accepted((an_acceptance(), other)).splitlines()
    assert lines[warning.line - 1] == "- case: wan_t2v_tiny"


@pytest.mark.parametrize("text", ["version: 1\naccepted: [{case: x}]\n", "[", "version: 9\n"])
def test_what_a_gate_refuses(text: str) -> None:
    limits = Limits(today=TODAY, max_age_days=180)
    broken = audit_version(text, name=NAME, limits=limits)
    assert [one.severity for one in broken.findings] == ["error"]
    assert changes(version(an_acceptance()), broken) == ()


def test_a_new_permission_is_told() -> None:
    (warning,) = changes(version(an_acceptance()), version())
    assert (warning.severity, warning.stored) == ("warning", 1.15)
    assert warning.message.endswith("a new permission: up to 1.15 times 1000")


def test_one_that_is_paid_or_smaller_needs_no_word() -> None:
    assert changes(version(), version(an_acceptance()), now=1029.0) == ()
    smaller = an_acceptance(ceiling=1.1, expires=date(2026, 6, 30))
    assert changes(version(smaller), version(an_acceptance())) == ()


def test_one_that_is_gone_while_the_baseline_is_still_slower() -> None:
    (error,) = changes(version(), version(an_acceptance()), now=1100.0)
    assert (error.severity, error.field) == ("error", "cpu-test-x2.end-to-end")
    assert (error.stored, error.derived) == (1100.0, 1000.0)
    assert "the baseline is still +10.0 % since then" in error.message


def test_one_that_is_gone_and_nobody_knows() -> None:
    (warning,) = changes(version(), version(an_acceptance()))
    assert warning.severity == "warning"
    assert "no launches say whether it is as fast as before" in warning.message


def test_more_and_longer_is_told() -> None:
    more = an_acceptance(ceiling=1.5, expires=date(2027, 6, 30))
    found = changes(version(more), version(an_acceptance()))
    assert [(one.severity, one.field.rpartition(".")[2]) for one in found] == [
        ("warning", "ceiling"),
        ("warning", "expires"),
    ]


def test_a_reference_does_not_move() -> None:
    (error,) = changes(version(an_acceptance(reference=1100.0)), version(an_acceptance()))
    assert (error.severity, error.stored, error.derived) == ("error", 1100.0, 1000.0)
    assert "it is the figure from before the slowdown" in error.message
