"""The rows of the tables, alike in every form, as text that is not yet escaped."""

from __future__ import annotations

from dataclasses import dataclass

from perfgate.records import CaseDecision, MetricDecision
from perfgate.report.order import (
    end_to_end,
    has_numbers,
    notable,
    ordered_metrics,
    plainly_unchanged,
)
from perfgate.report.words import (
    NOTHING,
    case_word,
    change_with_interval,
    figures,
    metric_mark,
    output_word,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A line of a table."""

    case: str
    metric: str
    base: str
    head: str
    change: str
    verdict: str


def metric_row(case: CaseDecision, metric: MetricDecision) -> Row:
    base, head, unit = figures(metric.base, metric.head, metric.unit)
    reason = f" ({metric.reason})" if metric.reason and not metric.judged else ""
    checked = f", {word}" if metric is end_to_end(case) and (word := output_word(case)) else ""
    return Row(
        case=case.id,
        metric=metric.name,
        base=base if base == NOTHING else f"{base} {unit}",
        head=head if head == NOTHING else f"{head} {unit}",
        change=change_with_interval(metric),
        verdict=metric_mark(metric) + reason + checked,
    )


def case_row(case: CaseDecision) -> Row:
    """A whole case in a row: its end-to-end time, or only its word."""
    metric = end_to_end(case)
    if metric is not None and has_numbers(case):
        return metric_row(case, metric)
    return Row(
        case=case.id,
        metric="",
        base=NOTHING,
        head=NOTHING,
        change=NOTHING,
        verdict=case_word(case),
    )


def notable_rows(case: CaseDecision) -> tuple[Row, ...]:
    """The rows of a case that a comment shows unfolded."""
    if not has_numbers(case) or plainly_unchanged(case):
        return ()
    return tuple(metric_row(case, metric) for metric in notable(case))


def all_rows(case: CaseDecision) -> tuple[Row, ...]:
    """Every metric of a case; a case without numbers is one row."""
    if not has_numbers(case):
        return (case_row(case),)
    return tuple(metric_row(case, metric) for metric in ordered_metrics(case))
