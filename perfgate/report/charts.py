"""A picture of each case as a Vega-Lite description: what was measured, how sure it became.

Record and decision in, values out: draws no pixel and decides nothing. The interval after each
pair is the judge's own, run again over the recorded pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perfgate.records import (
    CaseDecision,
    CaseRecord,
    Decision,
    Launch,
    MetricDecision,
    Origin,
    Record,
    Side,
    Verdict,
)
from perfgate.report.escape import one_line, xml_text
from perfgate.report.order import END_TO_END, culprit, end_to_end, ordered_cases
from perfgate.report.panels import Change, Kind, Point, Spec, change_panel, page, times_panel
from perfgate.report.pictures import chart_name
from perfgate.report.sentences import short
from perfgate.report.words import case_word, change_with_interval, count, known
from perfgate.verdict.conditions import pairs_of
from perfgate.verdict.hierarchy import hierarchy_of
from perfgate.verdict.judge import CaseJudge
from perfgate.verdict.metrics import failure_of, is_usable, launch_metrics, unfit_of

MAX_CHARTS = 100
MAX_LAUNCHES = 200
"""A gate stops at a few dozen; of a record from elsewhere that holds more, the first are drawn."""
_MAX_NAME_CHARS, _MAX_LINE_CHARS = 60, 120


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseChart:
    """The picture of one case: ``name`` is safe as a file's, ``spec`` is Vega-Lite."""

    case_id: str
    name: str
    spec: Spec


def charts(record: Record, decision: Decision) -> Iterator[CaseChart]:
    """The pictures of at most ``MAX_CHARTS`` cases that were launched, the worst first."""
    hierarchy = hierarchy_of(record)
    measured = {case.id: case for case in record.cases if case.launches}
    decided = [case for case in ordered_cases(decision) if case.id in measured]
    for told in decided[:MAX_CHARTS]:
        judge = CaseJudge(
            case_id=told.id,
            policy=record.policy,
            hierarchy=hierarchy,
            history=measured[told.id].history,
            allow=measured[told.id].allow,
        )
        spec = _picture(measured[told.id], told, judge, subtitle=_subtitle(told, decision))
        yield CaseChart(case_id=told.id, name=chart_name(told.id), spec=spec)


def _picture(
    case: CaseRecord, told: CaseDecision, judge: CaseJudge, *, subtitle: Sequence[str]
) -> Spec:
    launches = sorted(case.launches, key=lambda launch: launch.order)[:MAX_LAUNCHES]
    metrics = {metric.name: metric for metric in _shown(told)}
    paired = any(launch.side is Side.BASE for launch in launches)
    # Where the decision holds no ratio (another workload, say), a picture must not show one.
    compared = [name for name, metric in metrics.items() if paired and metric.ratio is not None]
    grown = _replayed(launches, judge, compared) if case.origin is Origin.JUDGED else {}
    panels: list[Spec] = []
    for name in metrics or [END_TO_END]:
        changes = grown.get(name, ())
        margin = judge.plan(name).margin if changes else judge.hierarchy.policy.margin
        panels.append(
            times_panel(
                _clean(name),
                _points(launches, name),
                launches=len(launches),
                margin=margin,
                baseline_ms=metrics[name].base if name in metrics and not paired else None,
                legend=not panels,
            )
        )
        if changes:
            panels.append(
                change_panel(_clean(name), changes, launches=len(launches), margin=margin)
            )
    return page(_clean(case.id), subtitle, panels)


def _shown(told: CaseDecision) -> list[MetricDecision]:
    """End-to-end, and the stage that a regression is blamed on."""
    blamed = culprit(told) if told.verdict is Verdict.REGRESSED else None
    shown = [metric for metric in (end_to_end(told), blamed) if metric and metric.unit == "ms"]
    return shown[:1] if shown[:1] == shown[1:] else shown


def _replayed(
    launches: Sequence[Launch], judge: CaseJudge, names: Sequence[str]
) -> dict[str, list[Change]]:
    """What the judge knew of each metric after each pair that it measured."""
    place = {(launch.pair, launch.side): order for order, launch in enumerate(launches, start=1)}
    grown: dict[str, list[Change]] = {name: [] for name in names}
    for base, head in pairs_of(launches):
        judge.observe(base, head)
        for name, changes in grown.items():
            seen = judge.evidence(name)
            if seen is None or seen.pairs == len(changes):
                continue
            changes.append(
                Change(
                    order=max(place[one.pair, one.side] for one in (base, head)),
                    ratio=seen.ratio,
                    low=seen.low,
                    high=seen.high,
                    decidable=seen.decidable,
                )
            )
    return grown


def _points(launches: Sequence[Launch], name: str) -> list[Point]:
    """Every launch of a case in the order in which it ran, as far as it had the metric."""
    paired = any(launch.side is Side.BASE for launch in launches)
    judged = {base.pair for base, head in pairs_of(launches) if is_usable(base) and is_usable(head)}
    points = []
    for order, launch in enumerate(launches, start=1):
        alone = paired and launch.pair is not None and launch.pair not in judged
        failed = failure_of(launch) is not None
        value = None if failed else launch_metrics(launch).get(name)
        if failed or known(value):
            kind = _kind(launch, alone=alone)
            points.append(Point(order=order, value_ms=value, kind=kind, pair=launch.pair))
    return points


def _kind(launch: Launch, *, alone: bool) -> Kind:
    """What a launch counted for; ``alone`` is one whose pair was not measured whole."""
    base = launch.side is Side.BASE
    if failure_of(launch) is not None:
        return "base, failed" if base else "head, failed"
    if alone or unfit_of(launch) is not None:
        return "base, not judged" if base else "head, not judged"
    if launch.pair is None:
        return "burn-in"
    return "base" if base else "head"


def _subtitle(told: CaseDecision, decision: Decision) -> list[str]:
    """What was decided, and of what: the picture may be seen without its report."""
    moved = [
        f"{metric.name} {change_with_interval(metric)}"
        for metric in _shown(told)
        if metric.ratio is not None
    ]
    pairs = [count(told.pairs, "pair")] if told.pairs else []
    sides = [
        f"{side} {short(tree.commit)}"
        for side, tree in (("base", decision.base), ("head", decision.head))
        if tree is not None
    ]
    lines = [
        "; ".join([case_word(told), *moved[:1], *pairs]),
        *moved[1:],
        "; ".join([decision.hardware_key, ", ".join(sides)]),
    ]
    return [_clean(line, limit=_MAX_LINE_CHARS) for line in lines]


def _clean(text: str, *, limit: int = _MAX_NAME_CHARS) -> str:
    """A name from outside as one line that any XML document may hold."""
    return xml_text(one_line(text, limit=limit))
