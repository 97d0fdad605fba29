"""Judges one case by the baseline rule, at the error rates of the pairs' hierarchy; no effect."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from perfgate.records import Launch, MetricDecision, Verdict
from perfgate.verdict.baseline import MIN_JOBS, Prediction, StoredJobs, jobs_needed, predict
from perfgate.verdict.hierarchy import Hierarchy
from perfgate.verdict.judge import memory_grew
from perfgate.verdict.metrics import (
    END_TO_END,
    PEAK_MEMORY,
    MetricPlan,
    is_usable,
    launch_metrics,
    ordered_names,
)
from perfgate.verdict.rows import MEMORY_REASON
from perfgate.verdict.wording import count

USUAL_LAUNCHES = 3


def launches_wanted(stored: StoredJobs | None) -> int:
    """How many head launches a job under strategy ``baseline`` takes: as many as the stored had."""
    if stored is None or not stored.jobs:
        return USUAL_LAUNCHES
    return max(round(median(len(job.launches) for job in stored.jobs)), 1)


@dataclass(frozen=True, kw_only=True)
class JobJudge:
    """One case of this job beside the stored jobs: every metric's prediction, and its word."""

    stored: StoredJobs
    launches: Sequence[Mapping[str, float]]
    hierarchy: Hierarchy
    case_id: str

    def rows(self) -> tuple[MetricDecision, ...]:
        usual = [job.launches[0] for job in self.stored.jobs if job.launches]
        return tuple(self._row(name) for name in ordered_names([*self.launches, *usual]))

    def plan(self, name: str) -> MetricPlan:
        planned = self.hierarchy.plans.get(self.case_id, {}).get(name)
        if planned is not None:
            return planned
        value, total = self.stored.median(name), self.stored.median(END_TO_END)
        return self.hierarchy.plan_of(name, value=value or 0.0, total=total or 1.0)

    def prediction(self, name: str) -> Prediction | None:
        new = [math.log(launch[name]) for launch in self.launches if name in launch]
        return predict(self.stored.metric(name), new)

    def blocked(self) -> bool:
        """Whether end-to-end is slower at the primary level."""
        return self._slower(END_TO_END, self.hierarchy.primary_level)

    def _slower(self, name: str, level: float) -> bool:
        found = self.prediction(name)
        if found is None or found.jobs < MIN_JOBS:
            return False
        return found.slower(level=level, margin=self.plan(name).margin)

    def level(self, name: str) -> float:
        if self.plan(name).kind == "primary":
            return self.hierarchy.primary_level
        if self.blocked():
            return self.hierarchy.level_after_block(self.case_id)
        return self.hierarchy.secondary_level

    def _row(self, name: str) -> MetricDecision:
        plan, found = self.plan(name), self.prediction(name)
        base, head = self.stored.median(name), self._median(name)
        verdict, reason = self._word(plan, found)
        ratio, low, high = found.interval() if found is not None else (None, None, None)
        if name == PEAK_MEMORY:
            ratio, low, high = (head / base if base and head else None), None, None
        return MetricDecision(
            name=name,
            unit=plan.unit,
            base=base,
            head=head,
            ratio=ratio,
            low=low,
            high=high,
            verdict=verdict,
            judged=plan.judged and verdict is not Verdict.NEW,
            reason=reason,
        )

    def _median(self, name: str) -> float | None:
        values = [launch[name] for launch in self.launches if name in launch]
        return median(values) if values else None

    def _word(self, plan: MetricPlan, found: Prediction | None) -> tuple[Verdict, str]:
        base, head = self.stored.median(plan.name), self._median(plan.name)
        if base is None:
            return Verdict.NEW, "not in the baseline"
        if head is None:
            return Verdict.MISSING, "not measured"
        if not plan.judged:
            return Verdict.PASSED, plan.why_not_judged
        if plan.kind == "memory":
            grew = memory_grew({PEAK_MEMORY: base}, {PEAK_MEMORY: head})
            return (Verdict.REGRESSED, MEMORY_REASON) if grew else (Verdict.PASSED, "")
        if found is None or found.jobs < MIN_JOBS:
            return Verdict.INCONCLUSIVE, too_few(len(self.stored.metric(plan.name)))
        return self._tested_word(plan, found)

    def _tested_word(self, plan: MetricPlan, found: Prediction) -> tuple[Verdict, str]:
        level, miss = self.level(plan.name), self.hierarchy.policy.miss
        if found.slower(level=level, margin=plan.margin):
            return Verdict.REGRESSED, ""
        if found.within(margin=plan.margin, miss=miss):
            return (Verdict.IMPROVED if found.faster(level=level) else Verdict.PASSED), ""
        # A stage needs no proof of innocence, as with pairs: only a visible growth leaves a doubt.
        if plan.kind == "secondary" and math.expm1(found.change) < plan.margin:
            return Verdict.PASSED, f"below {100 * plan.margin:g} % here, though not surely"
        return Verdict.INCONCLUSIVE, self._what_it_takes(plan, found)

    def _what_it_takes(self, plan: MetricPlan, found: Prediction) -> str:
        level, miss = self.level(plan.name), self.hierarchy.policy.miss
        held = f"the baseline holds {count(found.jobs, 'job')}"
        needed = jobs_needed(found.spread, margin=plan.margin, level=level, miss=miss)
        if needed is not None and needed > found.jobs:
            return f"{held}, needs about {needed}"
        decidable = found.decidable(level=level, miss=miss)
        return f"{held}, which cannot decide below {100 * max(decidable, plan.margin):.1f} %"


def too_few(jobs: int) -> str:
    """What is said where no spread between jobs can be known."""
    return f"the baseline holds {count(jobs, 'job')}, needs {MIN_JOBS} or more"


def measured(launches: Sequence[Launch]) -> list[dict[str, float]]:
    """The metrics of launches that are judged: every usable one but the burn-in."""
    return [
        launch_metrics(launch)
        for launch in launches
        if launch.pair is not None and is_usable(launch)
    ]
