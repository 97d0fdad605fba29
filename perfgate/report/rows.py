"""What stands where: the order of cases and metrics, and the rows every form shows alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

from perfgate.records import SEVERITY, CaseDecision, Decision, MetricDecision, Verdict
from perfgate.report.words import (
    NOTHING,
    case_word,
    change_with_interval,
    figures,
    metric_mark,
)

END_TO_END = "end-to-end"
MEDIAN_STEP = "median step"

WITHOUT_NUMBERS = frozenset({Verdict.FAILED, Verdict.MISSING, Verdict.INCOMPARABLE})
"""Verdicts that are told by their reason, never by a number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of a table as text, not yet escaped."""

    case: str
    metric: str
    base: str
    head: str
    change: str
    verdict: str


def ordered_cases(decision: Decision) -> tuple[CaseDecision, ...]:
    """Worst verdict first, among equals the largest change first."""
    return tuple(
        sorted(
            decision.cases,
            key=lambda case: (
                SEVERITY.index(case.verdict),
                -max((_size(m) for m in case.metrics if m.verdict == case.verdict), default=0.0)
                if case.verdict is not Verdict.PASSED
                else 0.0,
            ),
        )
    )


def ordered_metrics(case: CaseDecision) -> tuple[MetricDecision, ...]:
    """What moved first, its culprit before all; then as measured; what is not judged last."""
    first = culprit(case)

    def rank(metric: MetricDecision) -> tuple[bool, int, bool, float]:
        changed = metric.judged and metric.verdict is not Verdict.PASSED
        return (
            not metric.judged,
            SEVERITY.index(metric.verdict) if metric.judged else 0,
            metric is not first,
            -_size(metric) if changed else 0.0,
        )

    return tuple(sorted(case.metrics, key=rank))


def culprit(case: CaseDecision) -> MetricDecision | None:
    """Where to look first: the stage that moved by most time, else the metric that moved most."""
    changed = [m for m in case.metrics if m.judged and m.verdict == case.verdict]
    if case.verdict not in (Verdict.REGRESSED, Verdict.IMPROVED, Verdict.INCONCLUSIVE):
        return None
    stages = [m for m in changed if m.unit == "ms" and m.name not in (END_TO_END, MEDIAN_STEP)]
    if stages:
        return max(stages, key=lambda m: abs((m.head or 0.0) - (m.base or 0.0)))
    total = next((m for m in changed if m.name == END_TO_END), None)
    return total or max(changed, key=_size, default=None)


def end_to_end(case: CaseDecision) -> MetricDecision | None:
    return next((metric for metric in case.metrics if metric.name == END_TO_END), None)


def moved(case: CaseDecision) -> tuple[MetricDecision, ...]:
    """The judged metrics that are not plainly unchanged, in order."""
    return tuple(
        metric
        for metric in ordered_metrics(case)
        if metric.judged and metric.verdict is not Verdict.PASSED
    )


def plainly_unchanged(case: CaseDecision) -> bool:
    """Whether one row tells all: it passed, and no judged metric says anything else."""
    return case.verdict is Verdict.PASSED and not moved(case)


def metric_row(case: CaseDecision, metric: MetricDecision) -> Row:
    base, head, unit = figures(metric.base, metric.head, metric.unit)
    reason = f" ({metric.reason})" if metric.reason and not metric.judged else ""
    return Row(
        case=case.id,
        metric=metric.name,
        base=base if base == NOTHING else f"{base} {unit}",
        head=head if head == NOTHING else f"{head} {unit}",
        change=change_with_interval(metric),
        verdict=metric_mark(metric) + reason,
    )


def case_row(case: CaseDecision) -> Row:
    """A whole case in a row: its end-to-end time, or only its word."""
    metric = end_to_end(case)
    if case.verdict in WITHOUT_NUMBERS or metric is None:
        word = case_word(case)
        return Row(
            case=case.id, metric="", base=NOTHING, head=NOTHING, change=NOTHING, verdict=word
        )
    return metric_row(case, metric)


def notable_rows(case: CaseDecision) -> tuple[Row, ...]:
    """The rows of a case that a comment shows unfolded: what moved, and end-to-end beside it."""
    if case.verdict in WITHOUT_NUMBERS or plainly_unchanged(case):
        return ()
    if case.verdict is Verdict.NEW:
        return (case_row(case),)
    shown = list(moved(case))
    total = end_to_end(case)
    if total is not None and total not in shown:
        shown.append(total)
    return tuple(metric_row(case, metric) for metric in shown)


def all_rows(case: CaseDecision) -> tuple[Row, ...]:
    """Every metric of a case; a case without numbers is one row."""
    if case.verdict in WITHOUT_NUMBERS or not case.metrics:
        return (case_row(case),)
    return tuple(metric_row(case, metric) for metric in ordered_metrics(case))


def _size(metric: MetricDecision) -> float:
    ratio = metric.ratio
    return abs(math.log(ratio)) if ratio is not None and 0 < ratio < math.inf else 0.0
