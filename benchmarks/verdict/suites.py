"""Whole suites of sixty metrics through the hierarchy and the case judge, none of them changed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np

from benchmarks.verdict.noise import Family, Floats, draw, generator
from benchmarks.verdict.trial import HISTORY, MOST_PAIRS, PAIRED_BASES, PAIRED_HEADS
from perfgate.records import GatePolicy, Launch, Report, Side, Stage
from perfgate.verdict.hierarchy import plan_hierarchy
from perfgate.verdict.judge import CaseJudge, CaseState

CASES, STAGES = 6, 8
METRICS = CASES * (STAGES + 2)
"""Of each case end-to-end, its stages and the median step."""

_STAGE_MS, _STEPS = 100.0, 8
_STAGE_SPREAD = 0.007
_WHEN = "2026-01-01T00:00:00+00:00"
_PARTS = 2_000_000  # so that no trial of a single metric has the same random numbers


@dataclass(frozen=True, kw_only=True)
class Suites:
    """How many suites had a metric blocked, and in how many every case passed."""

    suites: int
    blocked: int
    passed: int
    launches: int


def judge_suites(family: Family, *, seed: int, suites: int) -> Suites:
    """Gate ``suites`` unchanged suites whose launches vary as ``family`` says."""
    work = partial(_judge_suite, family, seed)
    with get_context("fork").Pool(2) as pool:
        ends = pool.map(work, range(suites), chunksize=max(suites // 20, 1))
    return Suites(
        suites=suites,
        blocked=sum(any(state == "regressed" for state in states) for states, _ in ends),
        passed=sum(all(state == "passed" for state in states) for states, _ in ends),
        launches=sum(launches for _, launches in ends),
    )


def _judge_suite(family: Family, seed: int, suite: int) -> tuple[list[CaseState], int]:
    """The state of every case, each measured to its own end, and all launches."""
    rng = generator(family, seed=seed, part=_PARTS + suite)
    policy = GatePolicy()
    times = {f"case-{case}": _stage_times(family, rng) for case in range(CASES)}
    hierarchy = plan_hierarchy(
        policy=policy,
        burn_ins={name: _launch(Side.HEAD, None, rows[0]) for name, rows in times.items()},
        on_device=False,
    )
    states: list[CaseState] = []
    launches = 0
    for name, rows in times.items():
        earlier = np.log(_stage_times(family, rng).sum(axis=1))
        history = earlier[PAIRED_HEADS[:HISTORY]] - earlier[PAIRED_BASES[:HISTORY]]
        judge = CaseJudge(
            case_id=name, policy=policy, hierarchy=hierarchy, history=history.tolist()
        )
        while judge.state == "continue":
            pair = len(judge.pairs)
            judge.observe(
                _launch(Side.BASE, pair, rows[PAIRED_BASES[pair]]),
                _launch(Side.HEAD, pair, rows[PAIRED_HEADS[pair]]),
            )
        states.append(judge.state)
        launches += 1 + 2 * len(judge.pairs)
    return states, launches


def _stage_times(family: Family, rng: np.random.Generator) -> Floats:
    """Milliseconds of one case's launches by stages: what the launch met, and the stage's own."""
    jobs = draw(family, rng, jobs=1, launches=1 + 2 * MOST_PAIRS)
    whole = jobs.times(np.zeros(1 + 2 * MOST_PAIRS, dtype=np.bool_))[0]
    own = rng.normal(0.0, _STAGE_SPREAD, (len(whole), STAGES))
    return np.asarray(_STAGE_MS * np.exp(whole[:, None] + own))


def _launch(side: Side, pair: int | None, stages_ms: Floats) -> Launch:
    total_ms = math.fsum(stages_ms)
    report = Report(
        total_duration_ms=total_ms,
        stages=tuple(
            Stage(name=f"Stage{number}", duration_ms=float(ms))
            for number, ms in enumerate(stages_ms)
        ),
        steps_ms=(float(stages_ms[0]) / _STEPS,) * _STEPS,
    )
    return Launch(
        side=side,
        pair=pair,
        order=0,
        started_at=_WHEN,
        duration_s=total_ms / 1e3,
        reports=(report,),
        failure=None,
        log_tail="",
        output_files={},
    )
