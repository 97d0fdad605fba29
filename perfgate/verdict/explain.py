"""The evidence behind a verdict, pair by pair: replays a record through its judge; no verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perfgate.records import CaseRecord, Decision, MetricDecision, Origin, Record, Verdict
from perfgate.verdict.conditions import pairs_of
from perfgate.verdict.hierarchy import Hierarchy, hierarchy_of
from perfgate.verdict.judge import DOUBT, CaseJudge
from perfgate.verdict.metrics import MetricPlan, failure_of, launch_metrics


@dataclass(frozen=True, kw_only=True)
class PairEvidence:
    """One pair of a metric, and what all pairs up to it say.

    ``pair`` counts from 1 and is the record's; ``e_block`` and ``e_pass`` are the evidence for
    "slower by the margin" and for "not slower".
    """

    pair: int
    base: float
    head: float
    e_block: float
    e_pass: float


@dataclass(frozen=True, kw_only=True)
class MetricEvidence:
    """A judged metric with its pairs and its thresholds.

    ``margin`` is the smallest slowdown that is judged, as a fraction. ``pass_at`` is None for a
    metric that passes with end-to-end as long as its ``e_block`` stays below ``doubt_at``.
    """

    name: str
    unit: Literal["ms", "MiB"]
    verdict: Verdict
    margin: float
    block_at: float
    pass_at: float | None
    doubt_at: float | None
    pairs: tuple[PairEvidence, ...]


@dataclass(frozen=True, kw_only=True)
class CaseEvidence:
    """The judged metrics of one case; none where no pair was judged."""

    id: str
    verdict: Verdict
    sentence: str
    metrics: tuple[MetricEvidence, ...]
    left_out: int = 0


def evidence_of(
    record: Record,
    decision: Decision,
    *,
    most_metrics: int,
) -> tuple[CaseEvidence, ...]:
    """Every case of a paired record, with its ``most_metrics`` first metrics in the table's order.

    ``decision`` is the one of this record.
    """
    hierarchy = hierarchy_of(record)
    decided = {case.id: case for case in decision.cases}
    found = []
    for case in record.cases:
        told = decided[case.id]
        judged = [row for row in told.metrics if row.judged and row.unit == "ms"]
        worst = sorted(judged, key=lambda row: row.verdict is Verdict.PASSED)
        metrics = _metrics(case, record, hierarchy, worst[:most_metrics])
        found.append(
            CaseEvidence(
                id=case.id,
                verdict=told.verdict,
                sentence=told.sentence,
                metrics=metrics,
                left_out=max(len(judged) - most_metrics, 0) if metrics else 0,
            )
        )
    return tuple(found)


def _metrics(
    case: CaseRecord,
    record: Record,
    hierarchy: Hierarchy,
    rows: Sequence[MetricDecision],
) -> tuple[MetricEvidence, ...]:
    if case.origin is not Origin.JUDGED:
        return ()
    judge = CaseJudge(
        case_id=case.id,
        policy=record.policy,
        hierarchy=hierarchy,
        history=case.history,
        allow=case.allow,
    )
    seen: dict[str, list[PairEvidence]] = {row.name: [] for row in rows}
    for base, head in pairs_of(case.launches):
        judge.observe(base, head)
        if failure_of(base) is not None or failure_of(head) is not None:
            continue
        values = launch_metrics(base), launch_metrics(head)
        for name, pairs in seen.items():
            if all(name in side for side in values) and (now := judge.evidence(name)) is not None:
                pairs.append(
                    PairEvidence(
                        pair=(base.pair or 0) + 1,
                        base=values[0][name],
                        head=values[1][name],
                        e_block=now.e_block,
                        e_pass=now.e_pass,
                    )
                )
    return tuple(
        _metric(row, judge, hierarchy, tuple(seen[row.name])) for row in rows if seen[row.name]
    )


def _metric(
    row: MetricDecision, judge: CaseJudge, hierarchy: Hierarchy, pairs: tuple[PairEvidence, ...]
) -> MetricEvidence:
    plan: MetricPlan = judge.plan(row.name)
    primary = plan.kind == "primary"
    gate = judge.gate(row.name)
    rule = hierarchy.rule(plan)
    level = rule.false_block
    if not primary and judge.end_to_end_is_blocked:
        level = hierarchy.level_after_block(judge.case_id)
    return MetricEvidence(
        name=row.name,
        unit=row.unit,
        verdict=row.verdict,
        margin=gate.decidable if gate is not None else math.nan,
        block_at=1.0 / level,
        pass_at=rule.pass_at if primary else None,
        doubt_at=None if primary else DOUBT,
        pairs=pairs,
    )
