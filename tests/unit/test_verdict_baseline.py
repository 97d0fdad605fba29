"""The baseline rule and the screen: their error rates on simulated jobs, and their arithmetic."""

import math

import numpy as np
import pytest

from perfgate.records import GatePolicy
from perfgate.verdict.against_baseline import launches_wanted
from perfgate.verdict.baseline import Prediction, StoredJob, StoredJobs, jobs_needed, predict
from perfgate.verdict.hierarchy import plan_hierarchy
from perfgate.verdict.screen import screen, screen_applies
from tests.factories import a_launch

LEVEL, MARGIN, MISS = 0.008, 0.03, 0.05
TRIALS = 4000


def job(rng, *, launches, between=0.005, within=0.005, slowdown=0.0):
    level = rng.normal(0, between) + math.log1p(slowdown)
    return list(level + rng.normal(0, within, launches))


def rates(*, jobs, launches=3, here=3, slowdown=0.0, seed=11, **noise):
    rng = np.random.default_rng(seed)
    blocked = passed = 0
    for _ in range(TRIALS):
        stored = [job(rng, launches=launches, **noise) for _ in range(jobs)]
        found = predict(stored, job(rng, launches=here, slowdown=slowdown, **noise))
        blocked += found.slower(level=LEVEL, margin=MARGIN)
        passed += found.within(margin=MARGIN, miss=MISS)
    return blocked / TRIALS, passed / TRIALS


@pytest.mark.parametrize("jobs", [3, 5, 12])
@pytest.mark.parametrize("noise", [{}, {"between": 0.03}, {"between": 0.0, "within": 0.02}])
def test_an_unchanged_job__is_blocked_no_more_often_than_published(jobs, noise):
    assert rates(jobs=jobs, **noise)[0] <= LEVEL + 0.004


def test_a_bad_launch_in_a_job__does_not_speak_for_it():
    stored = [[0.001 * job, 0.001, 0.0] for job in range(8)]
    found = predict(stored, [0.002, 0.0, 0.30])
    assert found.change < MARGIN
    assert not found.slower(level=LEVEL, margin=MARGIN)


def test_clocks_that_jump__accuse_nobody():
    # Four of thirty stored launches were on the slow level; two of the new job's three are.
    stored = [[0.0, 0.001, 0.08 if job % 3 == 0 else 0.002] for job in range(10)]
    jumped = predict(stored, [0.08, 0.081, 0.001])
    assert jumped.change > MARGIN
    assert not jumped.slower(level=LEVEL, margin=MARGIN)
    assert predict(stored, [0.082, 0.083, 0.084]).slower(level=LEVEL, margin=MARGIN)


def test_fewer_launches_than_the_stored_jobs_had__block_no_more_often():
    noise = {"between": 0.001, "within": 0.03}
    assert rates(jobs=8, launches=9, here=1, **noise)[0] <= LEVEL + 0.004


def test_a_slowdown_of_the_margin__passes_no_more_often_than_published():
    assert rates(jobs=12, slowdown=MARGIN)[1] <= MISS + 0.01


def test_twelve_quiet_jobs__decide_a_slowdown_of_5_per_cent():
    assert rates(jobs=12, slowdown=0.05)[0] >= 0.95
    assert rates(jobs=12)[1] >= 0.95


def test_a_prediction__is_the_one_of_the_textbook():
    found = predict([[0.0], [0.02], [-0.02], [0.04], [-0.04]], [0.05])
    assert found.spread == pytest.approx(math.sqrt(0.001))
    assert found.error == pytest.approx(math.sqrt(0.001 * 1.2))
    ratio, low, high = found.interval()
    assert ratio == pytest.approx(math.exp(0.05))
    assert math.log(high / low) / 2 == pytest.approx(2.776445 * found.error, rel=1e-6)


def test_one_job__predicts_nothing():
    assert predict([[0.0, 0.1]], [0.0]) is None
    assert predict([[0.0], [0.1]], []) is None


def test_jobs_that_agree_to_the_last_digit__still_leave_the_smallest_spread():
    assert predict([[0.0]] * 5, [0.0]).spread > 0


def test_jobs_needed__grow_with_the_spread_until_none_suffice():
    needed = [
        jobs_needed(spread, margin=MARGIN, level=LEVEL, miss=MISS)
        for spread in (0.002, 0.004, 0.006, 0.03)
    ]
    assert needed == [*sorted(needed[:3]), None]
    error = 0.006 * math.sqrt(1 + 1 / needed[2])
    enough = Prediction(jobs=needed[2], change=0, spread=0.006, error=error)
    assert enough.decidable(level=LEVEL, miss=MISS) <= MARGIN


def stored(values):
    return StoredJobs(
        workload_hash="w",
        must_match={},
        jobs=tuple(
            StoredJob(launches=({"end-to-end": one},), burn_in={"end-to-end": other})
            for one, other in values
        ),
    )


def test_launches_wanted__are_as_many_as_the_stored_jobs_had():
    assert launches_wanted(None) == 3
    assert launches_wanted(stored([(1000, 1000)] * 4)) == 1


def head(pair, total):
    return a_launch("head", pair, total=total, steps=[], Stage=1)


def screened(jobs, burn_in, first):
    burn_in, first = head(None, burn_in), head(0, first)
    hierarchy = plan_hierarchy(policy=GatePolicy(), burn_ins={"wan": burn_in}, on_device=False)
    return screen(stored(jobs), burn_in=burn_in, first=first, hierarchy=hierarchy, case_id="wan")


def test_the_screen__hardly_ever_passes_a_slowdown_of_the_margin():
    rng = np.random.default_rng(2)
    passed = {0.0: 0, 0.03: 0}
    for slowdown in passed:
        for _ in range(1000):
            jobs = np.exp(rng.normal(0, 0.005, (10, 2))) * 1000
            one, other = np.exp(rng.normal(0, 0.005, 2)) * 1000 * (1 + slowdown)
            passed[slowdown] += screened(jobs.tolist(), float(one), float(other)).passed
    assert passed[0.03] / 1000 <= 0.02
    assert passed[0.0] / 1000 >= 0.9


def test_the_screen__takes_the_faster_of_two_launches():
    jobs = [(1000 + k, 1000 - k) for k in range(12)]
    assert screened(jobs, 1300, 1000).passed
    assert not screened(jobs, 1300, 1300).passed


def test_the_screen__never_looks_at_failed_launches():
    failed = a_launch("head", 0, failure="exit status 1")
    hierarchy = plan_hierarchy(
        policy=GatePolicy(), burn_ins={"wan": head(None, 1000)}, on_device=False
    )
    seen = screen(
        stored([(1000, 1000)] * 12),
        burn_in=head(None, 1000),
        first=failed,
        hierarchy=hierarchy,
        case_id="wan",
    )
    assert not seen.passed


def test_the_screen__needs_every_judged_metric_in_every_stored_job():
    burn_in, first = (a_launch("head", pair, total=1000, Stage=500) for pair in (None, 0))
    hierarchy = plan_hierarchy(policy=GatePolicy(), burn_ins={"wan": burn_in}, on_device=False)
    only_total = stored([(1000, 1000)] * 12)
    seen = screen(only_total, burn_in=burn_in, first=first, hierarchy=hierarchy, case_id="wan")
    assert not seen.passed


def test_the_screen__leaves_a_lost_stage_to_the_pairs():
    values = {"end-to-end": 1000.0, "LostStage": 300.0}
    jobs = StoredJobs(
        workload_hash="w",
        must_match={},
        jobs=(StoredJob(launches=(values,), burn_in=values),) * 12,
    )
    burn_in, first = head(None, 1000), head(0, 1000)
    hierarchy = plan_hierarchy(policy=GatePolicy(), burn_ins={"wan": burn_in}, on_device=False)
    seen = screen(jobs, burn_in=burn_in, first=first, hierarchy=hierarchy, case_id="wan")
    assert not seen.passed


def test_the_screen__applies_to_ten_jobs_of_the_same_work_and_machine():
    enough = stored([(1000, 1000)] * 10)
    assert screen_applies(enough, workload_hash="w", must_match={})
    assert not screen_applies(stored([(1, 1)] * 9), workload_hash="w", must_match={})
    assert not screen_applies(enough, workload_hash="x", must_match={})
    assert not screen_applies(enough, workload_hash="w", must_match={"driver": "580"})
    assert not screen_applies(None, workload_hash="w", must_match={})


def test_what_differs__is_told_of_both_sides_and_an_absent_switch_is_not_set():
    stored = StoredJobs(
        workload_hash="w", must_match={"env.NCCL_P2P_DISABLE": "1", "driver": "570"}, jobs=()
    )
    why = stored.why_incomparable(workload_hash="w", must_match={"cuda": "12.8"})
    assert why == (
        "the baseline is of another machine: cuda unknown → 12.8, driver 570 → unknown, "
        "env.NCCL_P2P_DISABLE 1 → not set"
    )
