"""What an update changed: looser, tighter, and how far from the first and the best figure."""

import pytest

from perfgate.baselines.change import CaseChange, MetricChange


def a_change(old=1000.0, new=1000.0, *, first=None, best=None, margin=0.03, **rest):
    known = [one for one in (old, new) if one is not None]
    return MetricChange(
        metric="end-to-end",
        unit=rest.pop("unit", "ms"),
        old=old,
        new=new,
        first=first or known[0],
        best=best or min(known),
        margin=margin,
        **rest,
    )


@pytest.mark.parametrize(
    ("change", "looser", "tighter"),
    [
        (a_change(1000, 1029), False, False),
        (a_change(1000, 1031), True, False),
        (a_change(1031, 1000), False, True),
        (a_change(1029, 1000), False, False),
        (a_change(1000, 2000, margin=None), False, False),
        (a_change(None, 2000), False, False),
        (a_change(1000, None), False, False),
        # Memory: more than 1 % and more than 128 MiB, as the gate judges it.
        (a_change(1000, 1100, unit="MiB", margin=0.01), False, False),
        (a_change(20_000, 20_150, unit="MiB", margin=0.01), False, False),
        (a_change(10_000, 10_150, unit="MiB", margin=0.01), True, False),
    ],
)
def test_only_what_lies_beyond_the_margin__is_looser_or_tighter(change, looser, tighter):
    assert (change.looser, change.tighter) == (looser, tighter)


def test_creep__ten_times_four_per_cent_is_seen_as_48():
    change = a_change(1000 * 1.04**9, 1000 * 1.04**10, first=1000, best=990)
    assert change.ratio == pytest.approx(1.04)
    assert change.against_first == pytest.approx(1.48, abs=0.001)
    assert change.against_best == pytest.approx(1.48 / 0.99, abs=0.001)


def test_a_case__has_moved_when_a_metric_has_or_when_it_is_another_entry():
    same, slower = a_change(), a_change(1000, 1100)
    entry = {"case": "wan", "hardware_key": "cpu-test-x2"}
    assert not CaseChange(**entry, kind="updated", metrics=(same,)).moved
    assert CaseChange(**entry, kind="updated", metrics=(same, slower)).moved
    assert CaseChange(**entry, kind="new", metrics=(same,)).moved
    assert CaseChange(**entry, kind="updated", metrics=(same, slower)).looser == (slower,)
