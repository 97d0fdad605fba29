"""The sequential rule: its error rates on simulated noise, its symmetries, and bad input."""

import math
from itertools import pairwise
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.verdict.likelihood import noise_from
from perfgate.verdict.sequential import Policy, SequentialGate

TRIALS = 2000


def gaussian(rng, size):
    return rng.normal(0, 0.01, size)


def heavy_tails(rng, size):
    return 0.01 / math.sqrt(3) * rng.standard_t(3, size)


def two_clock_levels(rng, size):
    return rng.normal(0, 0.003, size) + 0.06 * (rng.random(size) < 0.3)


def outliers(rng, size):
    return rng.normal(0, 0.007, size) + rng.exponential(0.15, size) * (rng.random(size) < 0.05)


def run(noise, *, slowdown=0.0, history=10, trials=TRIALS, seed=20260101):
    """How often each state is reached, and the mean number of pairs."""
    rng = np.random.default_rng(seed)
    states, pairs = {"passed": 0, "regressed": 0, "inconclusive": 0}, 0
    for _ in range(trials):
        gate = SequentialGate(Policy(), noise(rng, history) - noise(rng, history))
        while gate.state == "continue":
            base, head = 1000 * np.exp(noise(rng, 2))
            gate.add(base, head * (1 + slowdown))
        states[gate.state] += 1
        pairs += gate.pairs
    return {state: count / trials for state, count in states.items()}, pairs / trials


@pytest.mark.parametrize("history", [0, 10])
@pytest.mark.parametrize("noise", [gaussian, heavy_tails, outliers])
def test_equal_sides__are_hardly_ever_blocked(noise, history):
    states, pairs = run(noise, history=history)
    assert states["regressed"] <= 0.01
    assert states["passed"] >= 0.95
    assert pairs <= 6


@pytest.mark.parametrize("history", [0, 10])
def test_equal_sides_with_clocks_that_jump_between_two_levels__are_seldom_blocked(history):
    states, _ = run(two_clock_levels, history=history)
    assert states["regressed"] <= 0.01


@pytest.mark.parametrize("history", [0, 10])
@pytest.mark.parametrize("slowdown", [0.05, 0.10])
def test_a_slowdown_beyond_the_margin__is_blocked(slowdown, history):
    states, pairs = run(gaussian, slowdown=slowdown, history=history)
    assert states["regressed"] >= 0.99
    assert pairs <= 6


def test_a_slowdown_of_the_margin__is_blocked_at_least_95_times_of_100():
    assert run(gaussian, slowdown=0.03)[0]["regressed"] >= 0.95


@pytest.mark.parametrize("history", [0, 10])
@pytest.mark.parametrize("noise", [gaussian, heavy_tails, outliers, two_clock_levels])
def test_thirty_per_cent__never_passes(noise, history):
    assert run(noise, slowdown=0.30, history=history)[0]["passed"] == 0


def test_without_history__a_slowdown_of_20_per_cent_decides_in_three_or_four_pairs():
    states, pairs = run(gaussian, slowdown=0.20, history=0)
    assert states["regressed"] == 1
    assert pairs <= 5


def test_a_large_slowdown__is_not_blocked_less_often_than_a_small_one():
    rates = [
        run(outliers, slowdown=slowdown, trials=400)[0]["regressed"]
        for slowdown in (0.0, 0.02, 0.04, 0.08, 0.16, 0.5, 1.0)
    ]
    assert all(more >= less - 0.03 for less, more in pairwise(rates))


def test_a_wild_pair__does_not_block_alone():
    gate = SequentialGate(Policy())
    for base, head in [(1000, 1000), (1000, 4000), (1000, 1001)]:
        evidence = gate.observe(base, head)
    assert evidence.state != "regressed"
    assert evidence.e_block < 3


def test_constant_times__pass_after_the_three_pairs_that_no_history_needs():
    gate = SequentialGate(Policy())
    assert [gate.observe(1000, 1000).state for _ in range(3)] == ["continue", "continue", "passed"]


def test_constant_times_and_a_quiet_history__pass_after_two_pairs():
    gate = SequentialGate(Policy(), [0.0] * 10)
    assert [gate.observe(1000, 1000).state for _ in range(2)] == ["continue", "passed"]


def test_constant_times_that_grew_by_5_per_cent__are_blocked():
    gate = SequentialGate(Policy())
    states = [gate.observe(1000, 1050).state for _ in range(5)]
    assert states[-1] == "regressed"


def test_one_pair__decides_nothing():
    evidence = SequentialGate(Policy()).observe(1000, 3000)
    assert evidence.state == "continue"
    assert evidence.noise is None


def test_the_last_pair__ends_undecided_and_tells_what_this_machine_decides():
    gate = SequentialGate(Policy(max_pairs=3), [0.10, -0.10, 0.08, -0.12, 0.11] * 2)
    for base, head in [(1000, 1100), (1100, 1000), (1000, 1090)]:
        evidence = gate.observe(base, head)
    assert evidence.state == "inconclusive"
    assert evidence.decidable > 0.10


def test_a_noisy_history__widens_what_is_decidable():
    quiet = SequentialGate(Policy(), [0.002, -0.002] * 5)
    noisy = SequentialGate(Policy(), [0.04, -0.04] * 5)
    assert quiet.decidable == pytest.approx(0.03)
    assert noisy.decidable > 0.044


def test_jumps_of_the_clocks__are_told_from_the_usual_noise():
    usual = [0.002 * math.sin(k) for k in range(1, 10)]
    noise = noise_from([*usual, 0.06, -0.05])
    assert noise.jumps.tolist() == pytest.approx([-0.06, -0.05, 0.05, 0.06])
    assert noise.jump_share == pytest.approx(2.5 / 12)
    assert noise.spread == pytest.approx(noise_from([*usual, usual[0]]).spread, rel=0.1)


def test_steady_noise__has_no_jumps():
    rng = np.random.default_rng(11)
    assert sum(len(noise_from(rng.normal(0, 0.01, 60)).jumps) > 0 for _ in range(200)) <= 2


def test_two_pairs__never_block_however_slow():
    gate = SequentialGate(Policy(), [0.001, -0.001] * 5)
    states = [gate.observe(1000, 1000 * (2 + 0.001 * pair)).state for pair in range(4)]
    assert states[:2] == ["continue", "continue"]
    assert states[-1] == "regressed"


def test_two_pairs_that_disagree__do_not_pass():
    gate = SequentialGate(Policy(), [0.007 * math.sin(k) for k in range(12)])
    states = [gate.observe(base, 1300).state for base in (1450, 1303, *[1000] * 8)]
    assert states[1] == "continue"
    assert states[-1] == "regressed"


def first_block(scatter):
    gate = SequentialGate(Policy(), [0.01 * math.sin(k) for k in range(12)])
    turns = (1, -1, 0, 1, -1, 0, 1, -1, 0, 1, -1, 0)
    states = [gate.observe(1000, 1050 * math.exp(scatter * turn)).state for turn in turns]
    return states.index("regressed") + 1


def test_pairs_that_scatter__accuse_later_than_pairs_that_agree():
    assert first_block(0.0) <= first_block(0.01) < first_block(0.02) < first_block(0.03)


def test_a_machine_noisier_than_its_history__blocks_few_equal_sides():
    rng = np.random.default_rng(20261121)
    blocked = 0
    for _ in range(600):
        gate = SequentialGate(Policy(), rng.normal(0, 0.012, 12).tolist())
        while gate.state == "continue":
            gate.add(1000, 1000 * math.exp(rng.normal(0, 0.036)))
        blocked += gate.state == "regressed"
    # Without that doubt the rule blocks 34 of them.
    assert blocked <= 12


def test_the_sign_test__blocks_at_the_last_pair_what_the_mixture_could_not():
    # Eleven of twelve pairs slower, each by another amount: signs are sure, sizes are not.
    gate = SequentialGate(Policy(false_block=0.01, max_pairs=12), [0.0, 0.3] * 10)
    for slower in [-0.2, 0.4, 0.36, 0.5, 0.45, 0.41, 0.35, 0.6, 0.7, 0.38, 0.42, 0.55]:
        gate.add(1000, 1000 * math.exp(slower))
    assert gate.blocks()
    assert not gate.blocks(block_at=1e9)


def test_more_pairs__are_foretold_while_the_evidence_grows():
    rng = np.random.default_rng(7)
    gate = SequentialGate(Policy(false_block=0.0001))
    foretold = [gate.more_pairs_needed()]
    assert foretold == [3]
    while gate.state == "continue":
        evidence = gate.observe(1000, 1040 * math.exp(rng.normal(0, 0.01)))
        foretold.append(evidence.more_pairs)
    assert foretold[-1] == 0
    assert all(more is None or 1 <= more <= 99 for more in foretold[:-1])


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("side", ["base", "head"])
def test_a_time_that_is_none__is_refused_by_name(side, bad):
    times = {"base": 1000.0, "head": 1000.0, side: bad}
    with pytest.raises(ValueError, match=rf"{side} must be a positive number, not {bad!r}"):
        SequentialGate(Policy()).observe(**times)


def test_a_history_that_is_no_number__is_refused():
    with pytest.raises(ValueError, match="not a finite number: nan"):
        SequentialGate(Policy(), [0.01] * 10 + [math.nan])


@pytest.mark.parametrize(
    "wrong", [{"margin": 0.0}, {"false_block": -1.0}, {"miss": math.nan}, {"min_pairs": 13}]
)
def test_an_impossible_policy__is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Policy(**wrong)


PAIRS = st.lists(
    st.tuples(st.floats(1.0, 1e5), st.floats(-0.5, 0.5)).map(
        lambda pair: (pair[0], pair[0] * math.exp(pair[1]))
    ),
    min_size=1,
    max_size=6,
)
HISTORIES = st.sampled_from([(), tuple(0.01 * math.sin(k) for k in range(12))])


def evidence_of(pairs, history):
    gate = SequentialGate(Policy(), history)
    for base, head in pairs:
        evidence = gate.observe(base, head)
    return evidence


@settings(deadline=None, max_examples=60, derandomize=True)
@given(PAIRS, HISTORIES)
def test_swapping_the_sides__exchanges_slower_and_faster(pairs, history):
    one = evidence_of(pairs, history)
    other = evidence_of([(head, base) for base, head in pairs], history)
    assert math.log(other.e_improve) == pytest.approx(math.log(one.e_block), abs=1e-3)
    assert math.log(other.e_block) == pytest.approx(math.log(one.e_improve), abs=1e-3)
    assert other.ratio == pytest.approx(1 / one.ratio, rel=1e-6)
    assert other.low == pytest.approx(1 / one.high, rel=1e-6)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(PAIRS, HISTORIES, st.floats(0.001, 1000))
def test_scaling_both_sides__changes_nothing(pairs, history, scale):
    one = evidence_of(pairs, history)
    other = evidence_of([(base * scale, head * scale) for base, head in pairs], history)
    assert other.state == one.state
    assert math.log(other.e_block) == pytest.approx(math.log(one.e_block), abs=1e-4)
    assert other.ratio == pytest.approx(one.ratio, rel=1e-6)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(PAIRS, HISTORIES)
def test_the_interval__holds_the_estimate(pairs, history):
    evidence = evidence_of(pairs, history)
    assert 0 < evidence.low <= evidence.ratio <= evidence.high < math.inf


def test_the_interval__shrinks_with_pairs_and_mostly_holds_the_truth():
    rng = np.random.default_rng(3)
    held, widths = 0, []
    for _ in range(200):
        gate = SequentialGate(Policy(max_pairs=8))
        found = [gate.observe(1000, 1050 * math.exp(rng.normal(0, 0.01))) for _ in range(8)]
        held += found[-1].low <= 1.05 <= found[-1].high
        widths.append([evidence.high - evidence.low for evidence in found])
    typical = [median(column) for column in zip(*widths, strict=True)]
    assert typical == sorted(typical, reverse=True)
    assert held / 200 >= 0.93
