"""What comes first, and which metric of a case speaks for it; may not format or decide."""

from __future__ import annotations

import math

from perfgate.records import SEVERITY, CaseDecision, Decision, MetricDecision, Verdict

END_TO_END = "end-to-end"
MEDIAN_STEP = "median step"

_WITHOUT_NUMBERS = frozenset({Verdict.FAILED, Verdict.MISSING, Verdict.INCOMPARABLE})
_MOVED = frozenset({Verdict.REGRESSED, Verdict.IMPROVED, Verdict.ACCEPTED})


def ordered_cases(decision: Decision) -> tuple[CaseDecision, ...]:
    """Worst verdict first, among equals the largest change first, then as in the suite."""

    def rank(case: CaseDecision) -> tuple[int, float]:
        sizes = (_size(metric) for metric in case.metrics if metric.verdict == case.verdict)
        return SEVERITY.index(case.verdict), -max(sizes, default=0.0)

    return tuple(sorted(decision.cases, key=rank))


def ordered_metrics(case: CaseDecision) -> tuple[MetricDecision, ...]:
    """What moved first, its culprit before all; then as measured; what is not judged last."""
    first = culprit(case)

    def rank(metric: MetricDecision) -> tuple[bool, int, bool, float]:
        severity = SEVERITY.index(metric.verdict) if metric.judged else 0
        return not metric.judged, severity, metric is not first, -_size(metric)

    return tuple(sorted(case.metrics, key=rank))


def culprit(case: CaseDecision) -> MetricDecision | None:
    """Where to look first: the stage that moved by most time, else the metric that moved most."""
    changed = [m for m in case.metrics if m.judged and m.verdict == case.verdict]
    total = next((m for m in changed if m.name == END_TO_END), None)
    if case.verdict not in _MOVED:
        return total
    stages = [m for m in changed if m.unit == "ms" and m.name not in (END_TO_END, MEDIAN_STEP)]
    if stages:
        return max(stages, key=lambda m: abs((m.head or 0.0) - (m.base or 0.0)))
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


def notable(case: CaseDecision) -> tuple[MetricDecision, ...]:
    """The metrics that a reader in a hurry needs, end-to-end always among them."""
    total = end_to_end(case)
    first = culprit(case)
    if case.verdict is Verdict.REGRESSED:
        shown = [m for m in moved(case) if m.verdict is not Verdict.INCONCLUSIVE]
    elif case.verdict is Verdict.INCONCLUSIVE and first is None:
        shown = list(moved(case))
    else:
        shown = [first] if first is not None else []
    if case.verdict is Verdict.MISSING:
        shown = [m for m in moved(case) if m.verdict is Verdict.MISSING]
    if total is not None and total not in shown:
        shown.append(total)
    return tuple(shown)


def plainly_unchanged(case: CaseDecision) -> bool:
    """Whether one row tells all: it passed, and no judged metric says anything else."""
    return case.verdict is Verdict.PASSED and not moved(case)


def incomplete(case: CaseDecision) -> bool:
    """Whether a case is missing only in part: measured, but for a metric that one side lacks."""
    total = end_to_end(case)
    return case.verdict is Verdict.MISSING and total is not None and total.ratio is not None


def has_numbers(case: CaseDecision) -> bool:
    """False for what is told by its reason alone, never by a number."""
    if case.verdict in _WITHOUT_NUMBERS and not incomplete(case):
        return False
    return bool(case.metrics)


def _size(metric: MetricDecision) -> float:
    """How far a metric moved; nothing for one that did not, so that its place stays."""
    ratio = metric.ratio
    if not metric.judged or metric.verdict not in _MOVED or ratio is None:
        return 0.0
    return abs(math.log(ratio)) if 0 < ratio < math.inf else 0.0
