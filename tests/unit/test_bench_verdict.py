"""How `make bench-verdict` draws, counts and tells; the figures themselves are simulated there."""

import math

import numpy as np
import pytest

from benchmarks.verdict import families_reporting, families_tuning
from benchmarks.verdict.figures import AUTO, EVEN, GRID, PAIRED, SPRT, Size, Tally, measure
from benchmarks.verdict.noise import Family, draw, generator
from benchmarks.verdict.ours import paired
from benchmarks.verdict.peers import PEERS, sprt
from benchmarks.verdict.suites import judge_suites
from benchmarks.verdict.table import Results, falls, goals_of
from benchmarks.verdict.trial import (
    PAIRED_BASES,
    PAIRED_HEADS,
    SCREENED_BASES,
    SCREENED_HEADS,
    draw_trials,
)

QUIET = Family(name="quiet", launch=0.001, step=0.0)
TINY = Size(even=4, slow=2, peers=2, bootstrap=1, suites=1)


def some_trials(family=QUIET, trials=6):
    return draw_trials(family, generator(family, seed=1, part=0), trials)


def test_pairs_are_launched_in_turns_after_a_burn_in_of_head():
    assert [*PAIRED_BASES[:4]] == [1, 4, 5, 8]
    assert [*PAIRED_HEADS[:4]] == [2, 3, 6, 7]
    assert [*SCREENED_BASES[:3]] == [2, 4, 5]
    assert [*SCREENED_HEADS[:3]] == [1, 3, 6]


def test_tuning_and_reporting_share_neither_seed_nor_any_family_but_the_defining_ones():
    assert families_tuning.SEED != families_reporting.SEED
    shared = {*families_tuning.FAMILIES} & {*families_reporting.FAMILIES}
    assert {family.name for family in shared} == {"low", "mid", "high"}


def test_the_same_seed__draws_the_same_launches():
    assert np.array_equal(some_trials().past, some_trials().past)
    other = draw_trials(QUIET, generator(QUIET, seed=1, part=1), 6)
    assert not np.array_equal(some_trials().past, other.past)


def test_launches__spread_as_the_family_says():
    family = Family(name="wide", launch=0.02, step=0.0, job=0.0, head_factor=2.0)
    jobs = draw(family, np.random.default_rng(2), jobs=4000, launches=2)
    times = jobs.times(np.array([False, True]))
    assert times.std(axis=0) == pytest.approx([0.02, 0.04], rel=0.05)


def test_a_machine_that_has_changed__has_its_past_from_before():
    before = Family(name="before", launch=0.01, step=0.0)
    trials = some_trials(Family(name="now", launch=0.04, step=0.0, past=before), trials=2000)
    base, head = trials.pairs(screened=False)
    assert (head - base).std() == pytest.approx(0.04 * math.sqrt(2), rel=0.05)
    assert trials.history.std() == pytest.approx(0.01 * math.sqrt(2), rel=0.05)
    assert np.ptp(trials.past, axis=2).std() < 0.01


def test_a_busy_machine__spreads_more_in_some_jobs_than_in_others():
    family = Family(name="busy", launch=0.01, step=0.0, job=0.0, busy=0.5)
    jobs = draw(family, np.random.default_rng(4), jobs=2000, launches=50)
    spreads = np.log(jobs.times(np.zeros(50, bool)).std(axis=1) / 0.01)
    assert spreads.mean() == pytest.approx(0.0, abs=0.05)
    assert spreads.std() == pytest.approx(0.5, rel=0.1)


def test_clocks__jump_as_often_as_the_family_says():
    family = Family(name="jumps", launch=0.0, step=0.0, jump=0.1, jump_share=0.3, jump_stays=0.5)
    times = draw(family, np.random.default_rng(3), jobs=2000, launches=6).times(np.zeros(6, bool))
    assert set(np.unique(times)) == {0.0, 0.1}
    assert (times > 0).mean() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("name", [family.name for family in families_reporting.FAMILIES])
def test_every_family__draws_finite_times(name):
    family = next(one for one in families_reporting.FAMILIES if one.name == name)
    trials = some_trials(family, trials=3)
    assert np.isfinite(trials.head_run(3)).all()
    assert np.isfinite(trials.past).all()
    assert np.isfinite(trials.history).all()


@pytest.mark.parametrize("rule", PEERS)
def test_every_peer__says_one_word_of_each_trial(rule):
    even, tripled = (PEERS[rule](some_trials(), slowdown) for slowdown in (0.0, 2.0))
    assert (even.blocked ^ even.passed).all()
    assert tripled.blocked.all()
    assert (even.launches >= 1).all()


def test_peers_with_a_tolerance__hold_it():
    def blocks(rule, slowdown):
        return PEERS[rule](some_trials(), slowdown).blocked.any()

    assert not blocks("one run, 10 % tolerance", 0.08)
    assert blocks("one run, 10 % tolerance", 0.12)
    assert not blocks("sglang: 25 %, retried six times", 0.29)
    assert blocks("sglang: 25 %, retried six times", 0.34)
    assert not blocks("github-action-benchmark: 200 % of the last value", 0.95)
    assert blocks("github-action-benchmark: 200 % of the last value", 1.05)


def test_sglang__makes_seven_attempts_before_it_blocks_and_one_where_the_first_passes():
    rule = PEERS["sglang: 25 %, retried six times"]
    assert set(rule(some_trials(), 0.5).launches) == {7.0}
    assert set(rule(some_trials(), 0.0).launches) == {1.0}


def test_the_sprt__keeps_its_two_rates():
    family = Family(name="mid", launch=0.01, step=0.0)
    trials = some_trials(family, trials=3000)
    even, slow = (sprt(trials, slowdown, sigma=0.01 * math.sqrt(2)) for slowdown in (0.0, 0.03))
    assert even.blocked.mean() <= 0.01
    assert slow.passed.mean() <= 0.05
    assert even.launches.mean() < slow.launches.mean()


def test_our_rule__counts_the_burn_in():
    assert set(paired(some_trials(), 0.0).launches) == {5.0}


def a_tally(blocked, trials=1000):
    return Tally(trials=trials, blocked=blocked, passed=0, launches=trials)


def results_of(rates):
    figures = {
        ("one", PAIRED, slowdown): a_tally(blocked)
        for slowdown, blocked in zip(GRID, rates, strict=True)
    }
    return Results(
        families=["one"],
        changed=[],
        gaussian="one",
        real="one",
        figures=figures,
        suites=None,
        observation_ms=1,
    )


def test_power_that_falls__is_named_and_noise_is_not():
    rising = [0, *range(500, 500 + len(GRID) - 1)]
    assert falls(results_of(rising), PAIRED, "one") == []
    rising[5] = 470
    assert falls(results_of(rising), PAIRED, "one") == []
    rising[5] = 300
    assert falls(results_of(rising), PAIRED, "one") == ["falls from +4 % to +5 %"]


@pytest.mark.slow
def test_a_run__has_every_rule_and_says_of_each_goal_whether_it_is_met():
    mid = Family(name="mid", launch=0.01)
    grown = Family(name="grown", launch=0.02, past=mid)
    figures = measure([mid, grown], seed=1, size=TINY)
    assert {rule for _, rule, _ in figures} >= {PAIRED, AUTO, SPRT, *PEERS}
    assert figures["mid", PAIRED, EVEN].trials == 4
    suites = judge_suites(mid, seed=1, suites=2)
    assert suites.suites == 2
    results = Results(
        families=["mid", "grown"],
        changed=["grown"],
        gaussian="mid",
        real="mid",
        figures=figures,
        suites=suites,
        observation_ms=3.0,
    )
    found = {(goal.figure, goal.rule): goal for goal in goals_of(results)}
    assert found["false blocks, worst family", PAIRED].found.endswith("in mid")
    changed = found["false blocks, worst family of those that changed since", PAIRED]
    assert changed.found.endswith("in grown")
    assert not found["one observation, 200 stored differences", PAIRED].met
