"""What was accepted before, and how far figures have crept since: folds and lines; decides nothing.

Titles of folds are made of checked dates, numbers and names, for they are never escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from perfgate.records import Accepted, CaseDecision, Decision, MetricDecision, Verdict
from perfgate.report.escape import escape_markdown
from perfgate.report.order import end_to_end, ordered_cases, ordered_metrics
from perfgate.report.page import Fold
from perfgate.report.state import safe_url
from perfgate.report.tables import cells_table
from perfgate.report.words import NOTHING, change, count, figures, known

CREEP = 0.01
"""A change since the first baseline that is worth a word."""
_MOST_NAMED = 3
_NAME_CHARS = 64
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NUMBERED = re.compile(r"/(?:issues|pull)/(\d{1,9})$")


def accepted_fold(decision: Decision, *, room: int) -> Fold | None:
    """The metrics that are slower by permission, with the reason, the issue and the days left."""
    found = list(_accepted(decision))
    if not found:
        return None
    cells = [
        (
            escape_markdown(case.id, limit=_NAME_CHARS),
            escape_markdown(metric.name, limit=_NAME_CHARS),
            change(stood.ratio),
            change(stood.ceiling),
            _until(stood),
            escape_markdown(stood.reason),
            _issue(stood),
        )
        for case, metric, stood in found
    ]
    headers = ("case", "metric", "since then", "at most", "until", "reason", "issue")
    aligned = ("left", "left", "right", "right", "left", "left", "left")
    table = cells_table(headers, cells, aligned=aligned, room=room)
    return Fold(title=_accepted_title(found), body=table.text, left_out=table.left_out)


def accepted_lines(decision: Decision) -> list[str]:
    """The same in a line each, not escaped."""
    return [
        f"Accepted until {_until(stood)}: {case.id} · {metric.name} {change(stood.ratio)} since "
        f"{stood.commit[:12]}, at most {change(stood.ceiling)}: {stood.reason} ({stood.issue})"
        for case, metric, stood in _accepted(decision)
    ]


def creep_fold(decision: Decision, *, room: int) -> Fold | None:
    """Every metric beside its first and its best accepted figure, where a case has moved."""
    crept = _crept(decision)
    if not crept:
        return None
    cells = []
    for case in ordered_cases(decision):
        name = case.id
        for metric in ordered_metrics(case):
            if metric.judged and metric.first is not None and known(metric.head):
                cells.append(_creep_cells(name, metric))
                name = ""
    headers = ("case", "metric", "first", "best", "this PR", "since first", "since best", "to base")
    aligned = ("left", "left", *("right",) * 6)
    table = cells_table(headers, cells, aligned=aligned, room=room)
    return Fold(title=_creep_title(crept), body=table.text, left_out=table.left_out)


def creep_line(decision: Decision) -> str:
    """The fold's title as a line, naming every case; empty where none has moved."""
    crept = _crept(decision)
    told = [f"{case.id} {change(ratio)}" for case, ratio in crept]
    return f"Since the first baseline: {', '.join(told)}" if told else ""


def _accepted(decision: Decision) -> Iterator[tuple[CaseDecision, MetricDecision, Accepted]]:
    for case in ordered_cases(decision):
        for metric in ordered_metrics(case):
            if metric.accepted is not None and metric.verdict is Verdict.ACCEPTED:
                yield case, metric, metric.accepted


def _accepted_title(found: list[tuple[CaseDecision, MetricDecision, Accepted]]) -> str:
    soonest = min((stood for *_, stood in found), key=lambda stood: stood.days_left)
    alike = len({stood.expires for *_, stood in found}) == 1
    title = f"{count(len(found), 'regression')} accepted{'' if alike else ', the first'} until "
    title += _until(soonest)
    numbers = {f"#{match[1]}" for *_, one in found if (match := _NUMBERED.search(one.issue))}
    return f"{title}: {', '.join(sorted(numbers))}" if 0 < len(numbers) <= _MOST_NAMED else title


def _until(stood: Accepted) -> str:
    try:
        day = date.fromisoformat(stood.expires).isoformat()
    except ValueError:
        day = "an unknown day"
    left = "its last day" if stood.days_left == 0 else f"{count(stood.days_left, 'day')} left"
    return f"{day} ({left})"


def _issue(stood: Accepted) -> str:
    """A link that says the issue's number, where the address can stand in markdown."""
    url, match = safe_url(stood.issue), _NUMBERED.search(stood.issue)
    if not url:
        return escape_markdown(stood.issue)
    return f"[#{match[1]}]({url})" if match else f"[issue]({url})"


def _crept(decision: Decision) -> list[tuple[CaseDecision, float]]:
    """The cases whose end-to-end time is not that of the first baseline, the slowest first."""
    found = []
    for case in decision.cases:
        total = end_to_end(case)
        ratio = _over(total.head, total.first) if total is not None else None
        if ratio is not None and abs(ratio - 1.0) >= CREEP:
            found.append((case, ratio))
    return sorted(found, key=lambda one: -one[1])


def _creep_title(crept: list[tuple[CaseDecision, float]]) -> str:
    named = [
        f"{case.id} {change(ratio)}"
        for case, ratio in crept[:_MOST_NAMED]
        if _SAFE_NAME.fullmatch(case.id)
    ]
    rest = len(crept) - len(named)
    more = [count(rest, "more case" if named else "case")] if rest else []
    return f"Since the first baseline: {', '.join([*named, *more])}"


def _creep_cells(case: str, metric: MetricDecision) -> tuple[str, ...]:
    first, head, unit = figures(metric.first, metric.head, metric.unit)
    best, _, of_best = figures(metric.best, None, metric.unit)
    return (
        escape_markdown(case, limit=_NAME_CHARS),
        escape_markdown(metric.name, limit=_NAME_CHARS),
        _with_unit(first, unit),
        _with_unit(best, of_best),
        _with_unit(head, unit),
        change(_over(metric.head, metric.first)),
        change(_over(metric.head, metric.best)),
        change(metric.ratio),
    )


def _over(one: float | None, other: float | None) -> float | None:
    if one is None or other is None or not (known(one) and known(other)) or other <= 0.0:
        return None
    return one / other


def _with_unit(figure: str, unit: str) -> str:
    return figure if figure == NOTHING else f"{figure} {unit}"
