"""accepted.yml: the same bytes for the same permissions, and no slip in it goes unseen."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.baselines.accepted import (
    parse_accepted,
    render_accepted,
)
from perfgate.errors import BaselineError, ExitCode
from perfgate.verdict.acceptance import Acceptance, Reference
from tests.factories import an_acceptance

SOURCE = "baselines/accepted.yml"

visible = st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cn", "Zl", "Zp"])
names = st.text(visible, min_size=1, max_size=30)
acceptances = st.builds(
    Acceptance,
    case=names,
    metric=names,
    hardware=names,
    reference=st.builds(
        Reference,
        value=st.floats(1e-6, 1e9),
        unit=st.sampled_from(["ms", "MiB"]),
        commit=st.text("0123456789abcdef", min_size=7, max_size=64),
    ),
    ceiling=st.floats(1.0, 1000.0, exclude_min=True),
    reason=st.text(visible, min_size=3, max_size=200),
    issue=st.just("https://github.com/o/r/issues/1"),
    expires=st.dates(),
    asked_by=names,
)
files = st.lists(acceptances, max_size=6, unique_by=lambda one: one.key)


def refused(text):
    with pytest.raises(BaselineError) as caught:
        parse_accepted(text, source=SOURCE)
    assert caught.value.exit_code is ExitCode.BASELINE
    assert SOURCE in caught.value.problem
    assert caught.value.fix
    return caught.value.problem


@given(files)
def test_a_file__is_read_back_as_it_was_and_written_with_the_same_bytes(accepted):
    text = render_accepted(accepted)
    assert sorted(parse_accepted(text, source=SOURCE), key=lambda one: one.key) == sorted(
        accepted, key=lambda one: one.key
    )
    assert render_accepted(reversed(accepted)) == text


def test_a_file__reads_like_the_request_it_was():
    assert render_accepted([an_acceptance()]).splitlines()[2:] == [
        "version: 1",
        "accepted:",
        "- case: wan_t2v_tiny",
        "  metric: end-to-end",
        "  hardware: cpu-test-x2",
        "  reference:",
        "    value: 1000.0",
        "    unit: ms",
        f"    commit: {'c' * 40}",
        "  ceiling: 1.15",
        "  reason: the new sampler is better",
        "  issue: https://github.com/o/r/issues/7",
        "  expires: 2026-06-30",
        "  asked_by: octocat",
    ]


def test_one_update_for_two_metrics__writes_what_another_would():
    until = date(2026, 6, 30)
    text = render_accepted([an_acceptance(metric=name, expires=until) for name in ("a", "b")])
    assert text.count("  expires: 2026-06-30\n") == 2
    assert render_accepted(parse_accepted(text, source=SOURCE)) == text


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\u2060"])
def test_what_a_reviewer_cannot_see__is_no_reason(hidden):
    with pytest.raises(ValueError, match="reason"):
        an_acceptance(reason=f"fine {hidden}until 2026")


def test_an_empty_file__grants_nothing():
    assert parse_accepted(render_accepted([]), source=SOURCE) == ()


def edited(old, new):
    text = render_accepted([an_acceptance(), an_acceptance(metric="DecodingStage")])
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no mapping"),
        ("- 1", "holds no mapping"),
        ("accepted: [", "is not valid YAML"),
        ("version: 2\naccepted: []", "version"),
        ("version: 1\ngrants: []", "grants"),
        (edited("  ceiling: 1.15", "  ceiling: 1.15\n  ceiling: 9"), "'ceiling' stands twice"),
        (edited("  ceiling: 1.15", "  ceiling: 0.9"), "accepted.0.ceiling"),
        (edited("  ceiling: 1.15", "  ceiling: .inf"), "accepted.0.ceiling"),
        (edited("  ceiling: 1.15", "  cieling: 1.15"), "accepted.0.ceiling"),
        (edited("    value: 1000.0", "    value: 0.0"), "accepted.0.reference.value"),
        (edited("https://github.com/o/r/issues/7", "later"), "accepted.0.issue"),
        (edited("https://", "javascript:https://"), "accepted.0.issue"),
        (edited("reason: the new", 'reason: "the\\nnew"  # '), "accepted.0.reason"),
        (edited("2026-06-30", "someday"), "accepted.0.expires"),
        (edited("metric: end-to-end", "metric: DecodingStage"), "is accepted twice"),
        ("# " + "x" * 1_000_001, "is larger than"),
        ("[" * 100_000, "is not valid YAML"),
    ],
)
def test_a_file_with_a_slip_in_it__is_refused(text, told):
    assert told in refused(text)


def test_the_last_day_counts():
    acceptance = an_acceptance(expires=date(2026, 6, 30))
    assert acceptance.days_left(date(2026, 6, 30)) == 0
    assert acceptance.days_left(date(2026, 7, 1)) == -1
    assert acceptance.ratio(1100.0) == pytest.approx(1.1)
