"""Turns what a judge found into the table's rows, one verdict word a metric; judges no case."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from statistics import median

from perfgate.records import Launch, MetricDecision, Verdict
from perfgate.verdict.judge import MEMORY_MIB, CaseJudge, memory_grew
from perfgate.verdict.metrics import (
    PEAK_MEMORY,
    MetricPlan,
    is_usable,
    launch_metrics,
    ordered_names,
)
from perfgate.verdict.wording import count

MEMORY_REASON = f"more than 1 % and {MEMORY_MIB:g} MiB above base"


def pair_rows(judge: CaseJudge) -> tuple[MetricDecision, ...]:
    """A row for every metric that either side of the pairs had."""
    doubtful = frozenset(judge.doubtful())
    return tuple(_pair_row(judge, name, doubtful=doubtful) for name in judge.names)


def _pair_row(judge: CaseJudge, name: str, *, doubtful: AbstractSet[str]) -> MetricDecision:
    base, head = (side.get(name) for side in judge.medians())
    plan = judge.plan(name)
    evidence = judge.evidence(name)
    verdict, reason = _word(judge, plan, doubtful=doubtful)
    ratio = evidence.ratio if evidence is not None else None
    if name == PEAK_MEMORY and base is not None and head is not None:
        ratio = head / base
    return MetricDecision(
        name=name,
        unit=plan.unit,
        base=base,
        head=head,
        ratio=ratio,
        low=evidence.low if evidence is not None else None,
        high=evidence.high if evidence is not None else None,
        verdict=verdict,
        # What base does not have cannot be held against head: end-to-end judges its time.
        judged=plan.judged and verdict is not Verdict.NEW,
        reason=reason,
    )


def _word(judge: CaseJudge, plan: MetricPlan, *, doubtful: AbstractSet[str]) -> tuple[Verdict, str]:
    base, head = judge.medians()
    if plan.name not in base:
        return Verdict.NEW, "only head has it"
    if plan.name not in head:
        return Verdict.MISSING, "not measured on head"
    if not plan.judged:
        return Verdict.PASSED, plan.why_not_judged
    if plan.name in judge.accused:
        return Verdict.REGRESSED, MEMORY_REASON if plan.kind == "memory" else ""
    if plan.kind == "memory":
        return (Verdict.IMPROVED if memory_grew(head, base) else Verdict.PASSED), ""
    return _tested_word(judge, plan, doubtful=doubtful)


def _tested_word(
    judge: CaseJudge, plan: MetricPlan, *, doubtful: AbstractSet[str]
) -> tuple[Verdict, str]:
    gate = judge.gate(plan.name)
    if gate is None:
        return Verdict.INCONCLUSIVE, "never measured on both sides of a pair"
    if plan.name in doubtful:
        return Verdict.INCONCLUSIVE, "some evidence against it, too little to block"
    decided = judge.state == "passed" or judge.accuses_only_the_permitted
    nothing_against_it = decided and plan.kind == "secondary"
    if gate.passes() or nothing_against_it:
        return (Verdict.IMPROVED if gate.improves() else Verdict.PASSED), ""
    more = gate.more_pairs_needed()
    return Verdict.INCONCLUSIVE, "" if more is None else f"about {count(more, 'more pair')}"


def not_the_same_work(rows: Sequence[MetricDecision]) -> tuple[MetricDecision, ...]:
    """The rows of a case whose output changed: nothing in them counts as an improvement."""
    why = {"verdict": Verdict.PASSED, "reason": "faster, but not the same work"}
    return tuple(
        row.model_copy(update=why) if row.verdict is Verdict.IMPROVED else row for row in rows
    )


def head_rows(launches: Sequence[Launch], verdict: Verdict) -> tuple[MetricDecision, ...]:
    """Rows of a case that has nothing to be compared with: medians of head, no ratio."""
    measured = [launch_metrics(launch) for launch in launches if is_usable(launch)]
    return tuple(
        MetricDecision(
            name=name,
            unit="MiB" if name == PEAK_MEMORY else "ms",
            base=None,
            head=median([metrics[name] for metrics in measured if name in metrics]),
            verdict=verdict,
            judged=False,
        )
        for name in ordered_names(measured)
    )
