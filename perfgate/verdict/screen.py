"""The screen of strategy ``auto``: may pass a case on two head launches, never block it.

The faster of the burn-in and the first head launch stands beside the same figure of each stored
job. What does not pass is no worse for it: those two launches become the burn-in and the first
head launch of the pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from perfgate.records import Launch
from perfgate.verdict.baseline import Prediction, StoredJob, StoredJobs, predict
from perfgate.verdict.hierarchy import Hierarchy
from perfgate.verdict.judge import SCREEN_SHARE_OF_MISS, memory_grew
from perfgate.verdict.metrics import PEAK_MEMORY, MetricPlan, is_usable, launch_metrics
from perfgate.verdict.output import OutputCheck, check_outputs

SCREEN_JOBS = 10


@dataclass(frozen=True, kw_only=True)
class Screen:
    """What the screen saw of each judged metric and of the output, and whether all of it passes."""

    passed: bool
    jobs: int
    predictions: dict[str, Prediction]
    output: OutputCheck


def screen_applies(
    stored: StoredJobs | None, *, workload_hash: str, must_match: dict[str, str]
) -> bool:
    """Whether a baseline may pass a case at all: enough jobs, the same work, the same machine."""
    if stored is None or len(_usable(stored)) < SCREEN_JOBS:
        return False
    return not stored.why_incomparable(workload_hash=workload_hash, must_match=must_match)


def screen(
    stored: StoredJobs, *, burn_in: Launch, first: Launch, hierarchy: Hierarchy, case_id: str
) -> Screen:
    """Look at two head launches of a case to which the screen applies."""
    jobs = _usable(stored)
    output = check_outputs(stored.produced(), [first], burn_in=burn_in)
    no = Screen(passed=False, jobs=len(jobs), predictions={}, output=output)
    if not is_usable(burn_in) or not is_usable(first) or output.state == "changed":
        return no
    new = StoredJob(burn_in=launch_metrics(burn_in), launches=(launch_metrics(first),))
    plans = hierarchy.plans.get(case_id, {})
    judged = [plan for plan in plans.values() if plan.kind in ("primary", "secondary")]
    predictions = {}
    for plan in judged:
        value = _faster(new, plan.name)
        past = [faster for job in jobs if (faster := _faster(job, plan.name)) is not None]
        found = None if value is None else predict([[one] for one in past], [value])
        if found is None or len(past) < SCREEN_JOBS:
            return no
        predictions[plan.name] = found
    memory = stored.median(PEAK_MEMORY)
    known = {} if memory is None else {PEAK_MEMORY: memory}
    grew = hierarchy.on_device and memory_grew(known, new.launches[0])
    fast_enough = all(_passes(predictions[plan.name], plan, hierarchy) for plan in judged)
    return Screen(
        passed=bool(judged) and fast_enough and not grew and not _lost(jobs, new, hierarchy),
        jobs=len(jobs),
        predictions=predictions,
        output=output,
    )


def _passes(prediction: Prediction, plan: MetricPlan, hierarchy: Hierarchy) -> bool:
    miss = hierarchy.policy.miss * SCREEN_SHARE_OF_MISS
    return prediction.within(margin=plan.margin, miss=miss)


def _usable(stored: StoredJobs) -> list[StoredJob]:
    return [job for job in stored.jobs if job.burn_in is not None and job.launches]


def _faster(job: StoredJob, name: str) -> float | None:
    """The logarithm of the smaller of a job's first two launches."""
    burn_in = job.burn_in or {}
    if name not in burn_in or name not in job.launches[0]:
        return None
    return math.log(min(burn_in[name], job.launches[0][name]))


def _lost(jobs: list[StoredJob], new: StoredJob, hierarchy: Hierarchy) -> bool:
    """Whether a metric that every stored job has is absent now: pairs must look at that."""
    floor = hierarchy.policy.stage_floor_ms
    return any(
        all(job.launches[0].get(name, 0.0) >= floor for job in jobs)
        for name in jobs[0].launches[0]
        if name not in new.launches[0]
    )
