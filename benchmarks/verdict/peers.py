"""The rules that people use today, and the bound that none can beat, on the same trials.

Each is written from its own documentation or source, named at the function; scipy and numpy do
the statistics. A rule that knows no third verdict passes what it does not block.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from benchmarks.verdict.noise import Bools, Family, Floats, draw
from benchmarks.verdict.ours import Outcomes
from benchmarks.verdict.trial import Trials
from perfgate.verdict.sequential import Policy

LAUNCHES = 10
LEVEL = 0.01
REPEATS_LEVEL = 0.05
RESAMPLES = 400
RESAMPLING_SEED = 31
ATTEMPTS = 7

Peer = Callable[[Trials, float], Outcomes]


def tolerance(trials: Trials, slowdown: float) -> Outcomes:
    """One head run, more than 10 % over the value that an earlier job committed."""
    head = trials.head_run(1)[:, 0] + math.log1p(slowdown)
    return _fixed(head - trials.past[:, 0, 0] > math.log(1.10), launches=1)


def sglang(trials: Trials, slowdown: float) -> Outcomes:
    """sglang's diffusion tests: 25 % over a reference that is the slowest of five runs + 5 %.

    A failed test is retried six times and passes if any attempt does; launches are those made.
    """
    reference = trials.past[:, :5, 0].max(axis=1) + math.log(1.05)
    attempts = trials.head_run(ATTEMPTS) + math.log1p(slowdown)
    failed = attempts > (reference + math.log(1.25))[:, None]
    blocked = failed.all(axis=1)
    made = np.where(blocked, ATTEMPTS, np.argmin(failed, axis=1) + 1)
    return Outcomes(blocked=blocked, passed=~blocked, launches=made.astype(np.float64))


def last_value(trials: Trials, slowdown: float) -> Outcomes:
    """github-action-benchmark: alert beyond ``alert-threshold`` (200 %) of the last value."""
    head = trials.head_run(1)[:, 0] + math.log1p(slowdown)
    return _fixed(head - trials.past[:, 0, 0] > math.log(2.0), launches=1)


def bencher(trials: Trials, slowdown: float) -> Outcomes:
    """Bencher's ``t_test``: beyond the 0.99 quantile of t around up to 64 past values."""
    past = np.exp(trials.past[:, :, 0])
    head = np.exp(trials.head_run(1)[:, 0] + math.log1p(slowdown))
    reach = float(stats.t.ppf(0.99, past.shape[1] - 1)) * past.std(axis=1, ddof=1)
    return _fixed(head > past.mean(axis=1) + reach, launches=1)


def repeats(trials: Trials, slowdown: float) -> Outcomes:
    """Mann-Whitney on the repeats of one process a side, two-sided 5 % (google-benchmark's)."""
    base, head = trials.blocks(1)
    base, head = base[:, 0], head[:, 0] + math.log1p(slowdown)
    found = stats.mannwhitneyu(head, base, axis=1, method="exact")
    slower = np.median(head, axis=1) > np.median(base, axis=1)
    return _fixed((found.pvalue < REPEATS_LEVEL) & slower, launches=2)


def welch(trials: Trials, slowdown: float) -> Outcomes:
    """Welch's t on ten launches of base, then ten of head, one-sided 1 %."""
    base, head = _launch_values(trials, slowdown)
    found = stats.ttest_ind(head, base, axis=1, equal_var=False, alternative="greater")
    return _fixed(found.pvalue < LEVEL, launches=2 * LAUNCHES)


def mann_whitney(trials: Trials, slowdown: float) -> Outcomes:
    """Mann-Whitney on ten launches of base, then ten of head, one-sided 1 %."""
    base, head = _launch_values(trials, slowdown)
    found = stats.mannwhitneyu(head, base, axis=1, alternative="greater", method="exact")
    return _fixed(found.pvalue < LEVEL, launches=2 * LAUNCHES)


def bootstrap(trials: Trials, slowdown: float) -> Outcomes:
    """Kalibera and Jones' hierarchical bootstrap: resample launches, then steps inside each.

    Blocked where the 1 % quantile of the ratio of means lies above 1. scipy's bootstrap has no
    levels, so the resampling is numpy's.
    """
    rng = np.random.default_rng(RESAMPLING_SEED)
    base, head = (np.exp(side) for side in trials.blocks(LAUNCHES))
    low = np.empty(len(trials))
    for trial in range(len(trials)):
        ratios = _resampled_means(head[trial], rng) / _resampled_means(base[trial], rng)
        low[trial] = np.quantile(ratios, LEVEL)
    return _fixed(low * (1.0 + slowdown) > 1.0, launches=2 * LAUNCHES)


def _resampled_means(steps: Floats, rng: np.random.Generator) -> Floats:
    launches, count = steps.shape
    chosen = rng.integers(launches, size=(RESAMPLES, launches, 1))
    inside = rng.integers(count, size=(RESAMPLES, launches, count))
    return np.asarray(steps[chosen, inside].mean(axis=(1, 2)))


def _launch_values(trials: Trials, slowdown: float) -> tuple[Floats, Floats]:
    base, head = (np.median(side, axis=2) for side in trials.blocks(LAUNCHES))
    return base, head + math.log1p(slowdown)


def _fixed(blocked: Bools, *, launches: int) -> Outcomes:
    return Outcomes(
        blocked=blocked, passed=~blocked, launches=np.full(len(blocked), float(launches))
    )


PEERS: Mapping[str, Peer] = {
    "one run, 10 % tolerance": tolerance,
    "sglang: 25 %, retried six times": sglang,
    "github-action-benchmark: 200 % of the last value": last_value,
    "Bencher: t, 0.99, 64 past values": bencher,
    "Mann-Whitney on 20 repeats in one process, 5 %": repeats,
    "Welch, 10 + 10 blocked launches, 1 %": welch,
    "Mann-Whitney, 10 + 10 blocked launches, 1 %": mann_whitney,
    "hierarchical bootstrap, 10 + 10 blocked launches, 1 %": bootstrap,
}


def sprt(trials: Trials, slowdown: float, *, sigma: float) -> Outcomes:
    """Wald's test of 0 against the margin that knows the spread of a pair: the least launches.

    One burn-in and pairs, with the policy's two rates; what twelve pairs leave open stays open.
    """
    policy = Policy()
    theta = math.log1p(policy.margin)
    base, head = trials.pairs(screened=False)
    pair = head - base + math.log1p(slowdown)
    evidence = np.cumsum((theta * pair - theta**2 / 2.0) / sigma**2, axis=1)
    up = evidence >= math.log((1.0 - policy.miss) / policy.false_block)
    down = evidence <= math.log(policy.miss / (1.0 - policy.false_block))
    ended = up | down
    last = np.where(ended.any(axis=1), ended.argmax(axis=1), pair.shape[1] - 1)
    rows = np.arange(len(trials))
    return Outcomes(
        blocked=up[rows, last], passed=down[rows, last], launches=1.0 + 2.0 * (last + 1.0)
    )


def pair_sigma(family: Family, rng: np.random.Generator) -> float:
    """The standard deviation of a pair's difference, which only a simulation can know."""
    jobs = draw(family, rng, jobs=20_000, launches=2)
    times = jobs.times(np.array([False, True]))
    return float(np.std(times[:, 1] - times[:, 0]))
