"""How `make bench-bisect` draws, searches and tells; the figures themselves are simulated there."""

from __future__ import annotations

import pytest

from benchmarks.bisect.simulated import (
    COMMITS,
    GATES,
    NO_HISTORY,
    OURS,
    SIZES,
    SLOWDOWN,
    Machine,
    Tally,
    fixed,
    gates,
    machines,
    ours,
    rules,
    tallies,
)
from benchmarks.bisect.table import family_table, fixed_name, least_size, size_table
from benchmarks.verdict import families_tuning
from benchmarks.verdict.noise import Family, generator
from perfgate.verdict.bisection import Range

QUIET = Family(name="quiet", launch=0.001, step=0.0)
REAL = next(family for family in families_tuning.FAMILIES if family.name == "mid-real")


def some_machines(family: Family = QUIET, tries: int = 6) -> list[Machine]:
    return machines(family, generator(family, seed=1, part=0), tries=tries)


def test_the_culprit_and_all_after_it_are_slower():
    machine = some_machines()[0]
    machine.culprit = 10
    before, after = machine.pair(Range(before=9, after=10), 0)
    assert after / before == pytest.approx(1 + SLOWDOWN, abs=0.01)
    before, after = machine.pair(Range(before=0, after=9), 1)
    assert after / before == pytest.approx(1.0, abs=0.01)
    assert machine.launches == 4


def test_culprits_are_drawn_among_the_commits():
    culprits = {machine.culprit for machine in some_machines(tries=200)}
    assert min(culprits) == 1
    assert max(culprits) == COMMITS
    assert len(culprits) > 25


@pytest.mark.parametrize("name", [OURS, NO_HISTORY, GATES, fixed_name(1), fixed_name(3)])
def test_on_a_quiet_machine_every_search_finds(name):
    for machine in some_machines():
        assert rules()[name](machine).end == "found"


def test_a_fixed_size_takes_its_launches():
    assert fixed(some_machines()[0], pairs=4).launches == 1 + 2 * 4 * 6


def test_a_gate_a_step_takes_a_burn_in_each():
    tried = gates(some_machines()[0])
    assert tried.launches % 2 == 5 % 2
    assert tried.launches >= 5 * (1 + 2 * 2)


def test_the_goal_by_sampling__on_the_noise_that_may_be_tuned_on():
    drawn = machines(REAL, generator(REAL, seed=families_tuning.SEED, part=7), tries=60)
    found = [ours(machine).end for machine in drawn].count("found")
    assert found >= 57


def test_tallies_add_up_over_parts_and_processes():
    found = tallies([QUIET], seed=2, tries=23, only=[OURS, fixed_name(1)])
    assert {name for _, name in found} == {OURS, fixed_name(1)}
    assert {tally.tries for tally in found.values()} == {23}
    assert found["quiet", fixed_name(1)].mean_launches == 13


def a_tally(found: int, tries: int = 100, launches: float = 20.0) -> Tally:
    ends = {"found": found, "wrong": tries - found}
    return Tally(ends=ends, launches=int(launches * tries))


def test_the_least_size_is_the_first_that_finds_often_enough():
    shares = {1: 60, 2: 94, 3: 95}
    found = {
        ("mid", fixed_name(size)): a_tally(shares.get(size, 99), launches=1 + 12 * size)
        for size in SIZES
    }
    assert least_size("mid", found) == 3
    never = {key: a_tally(94) for key in found}
    assert least_size("mid", never) is None


def test_the_tables_have_a_row_for_each_noise_and_each_search():
    found = {("mid", name): a_tally(97) for name in rules()}
    row = family_table(["mid"], found).splitlines()[-1]
    assert row.startswith("| mid | 97.0 % (91.5 to 99.4) | 3 | 0 | 20.0 |")
    table = size_table(["mid"], found)
    assert f"| {OURS} | 97.0 % (mid) | 1 of 1 |" in table
    assert table.count("\n") == 1 + 3 + len(SIZES)
