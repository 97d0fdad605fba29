"""Base's suite judges head: what is measured, what is only told."""

from __future__ import annotations

import pytest

from perfgate.app.measuring.selection import Change, Selection, select
from perfgate.errors import ConfigurationError
from perfgate.records import Origin
from perfgate.suite import Suite, parse_suite


def a_suite(*cases: str, gate: str = "{margin: 3%}", more: str = "") -> Suite:
    listed = "".join(f"  - {{backend: command, {case}}}\n" for case in cases)
    return parse_suite(f"version: 1\n{more}gate: {gate}\ncases:\n{listed}", source="perfgate.yml")


def a_change(event: str = "pull_request", labels: str = "", paths: str = "") -> Change:
    return Change(event=event, labels=labels.split(), paths=paths.split())


def origins(selection: Selection) -> dict[str, Origin]:
    return {one.case.id: one.origin for one in selection.chosen}


WAN, FLUX = "id: wan, command: wan.sh", "id: flux, command: flux.sh"


def test_the_same_suite_on_both_sides_is_judged_without_a_note() -> None:
    selection = select(a_suite(WAN, FLUX), a_suite(WAN, FLUX), change=a_change())
    assert origins(selection) == {"wan": Origin.JUDGED, "flux": Origin.JUDGED}
    assert selection.notes == ()


def test_policy_comes_from_base_and_the_change_is_told() -> None:
    selection = select(a_suite(WAN), a_suite(WAN, gate="{margin: 50%}"), change=a_change())
    assert selection.policy.margin == pytest.approx(0.03)
    (note,) = selection.notes
    assert "changes its own gate, without effect here" in note
    assert "gate.margin 0.03 → 0.5" in note


def test_a_case_cannot_be_removed_by_the_change_it_judges() -> None:
    selection = select(a_suite(WAN, FLUX), a_suite(FLUX), change=a_change())
    assert origins(selection)["wan"] is Origin.JUDGED
    assert "case wan removed (judged all the same)" in selection.notes[0]


def test_a_changed_workload_is_no_longer_comparable() -> None:
    quicker = "id: wan, command: wan.sh --steps 1"
    selection = select(a_suite(WAN), a_suite(quicker), change=a_change())
    assert origins(selection) == {"wan": Origin.WORKLOAD_CHANGED}


def test_a_permission_written_by_the_change_has_no_effect() -> None:
    allowed = WAN + ", allow: {output: new sampler}"
    selection = select(a_suite(WAN), a_suite(allowed), change=a_change())
    assert selection.chosen[0].case.allow.reasons() == {}
    assert "case wan: allow changed" in selection.notes[0]


def test_only_new_cases_come_from_head() -> None:
    selection = select(a_suite(WAN), a_suite(WAN, FLUX), change=a_change())
    assert origins(selection) == {"wan": Origin.JUDGED, "flux": Origin.NEW}


def test_a_base_without_a_suite_makes_every_case_new() -> None:
    selection = select(None, a_suite(WAN), change=a_change())
    assert origins(selection) == {"wan": Origin.NEW}
    assert selection.notes == ("base has no suite: every case is new",)


PATHS = WAN + ', when: {paths: ["python/**", "!python/docs/**"]}'


@pytest.mark.parametrize(
    ("paths", "chosen"),
    [
        ("python/a/b.py", True),
        ("python/x.py README.md", True),
        ("README.md", False),
        ("python/docs/a.md", False),
        ("", False),
    ],
)
def test_when__paths(paths: str, chosen: bool) -> None:
    suite = a_suite(PATHS, FLUX)
    assert ("wan" in origins(select(suite, suite, change=a_change(paths=paths)))) is chosen


def test_when__labels_and_events() -> None:
    suite = a_suite(WAN + ", when: {labels: [perf], events: [pull_request]}", FLUX)
    assert "wan" in origins(select(suite, suite, change=a_change(labels="perf docs")))
    left_out = select(suite, suite, change=a_change(labels="docs"))
    assert left_out.notes == ("not selected: wan: no label of perf",)
    scheduled = select(suite, suite, change=a_change("schedule", labels="perf"))
    assert scheduled.notes == ("not selected: wan: not for the event schedule",)


def test_when__on_a_laptop_only_paths_count() -> None:
    suite = a_suite(WAN + ", when: {labels: [perf], events: [schedule]}")
    assert "wan" in origins(select(suite, suite, change=a_change("local")))


def test_when__comes_from_base_too() -> None:
    hidden = WAN + ", when: {paths: [nothing]}"
    selection = select(a_suite(WAN), a_suite(hidden), change=a_change(paths="a.py"))
    assert origins(selection) == {"wan": Origin.JUDGED}


def test_only__overrides_when() -> None:
    suite = a_suite(PATHS, FLUX)
    assert list(origins(select(suite, suite, change=a_change(), only=["wan"]))) == ["wan"]


def test_only__an_unknown_case_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as caught:
        select(None, a_suite(WAN, FLUX), change=a_change(), only=["wam"])
    assert "no case is called wam" in str(caught.value)
    assert "wan, flux" in caught.value.fix
