"""The one sentence a reviewer reads about a case; words only, no verdict is made here."""

from __future__ import annotations

import math
from collections.abc import Sequence

from perfgate.records import MetricDecision, Verdict
from perfgate.verdict.attribution import sentence_fragment
from perfgate.verdict.judge import CaseJudge
from perfgate.verdict.metrics import END_TO_END, PEAK_MEMORY
from perfgate.verdict.sequential import Evidence
from perfgate.verdict.weighing import MDE_FACTOR
from perfgate.verdict.wording import change, count, from_to, percent


def paired_sentence(judge: CaseJudge, rows: Sequence[MetricDecision]) -> str:
    """Size, place, certainty, in that order; the worst metric leads."""
    whole = judge.evidence(END_TO_END)
    if whole is None:
        return ""
    parts = [leading_sentence(rows, certain=f"{count(whole.pairs, 'pair')}{_noise(whole)}")]
    if END_TO_END in judge.accused:
        parts.append(sentence_fragment(judge.attribution()))
    if judge.state in ("continue", "inconclusive") and not judge.accused:
        parts.append(_what_it_takes(judge, whole))
    return "; ".join(part for part in parts if part)


def leading_sentence(rows: Sequence[MetricDecision], *, certain: str) -> str:
    """The metric that moved most, then end-to-end, then what could not be compared."""
    total = next(row for row in rows if row.name == END_TO_END)
    leading = _leading(rows)
    if leading is None or leading.name == END_TO_END:
        parts = [f"{_change(total)}, {certain}"]
    else:
        parts = [f"{_row(leading)}; end-to-end {_change(total)}, {certain}"]
    missing = [row for row in rows if row.judged and row.verdict is Verdict.MISSING]
    parts.extend(f"{row.name}: {row.reason}" for row in missing)
    return "; ".join(parts)


def _leading(rows: Sequence[MetricDecision]) -> MetricDecision | None:
    """What to name first: of what got worse the stage that moved most, before end-to-end.

    What got better has to be named only where end-to-end does not show it.
    """
    judged = [row for row in rows if row.judged]
    moved = [row for row in judged if row.verdict is Verdict.REGRESSED]
    better = [row for row in judged if row.verdict is Verdict.IMPROVED]
    if not moved and all(row.name != END_TO_END for row in better):
        moved = better
    inner = [row for row in moved if row.name != END_TO_END]
    ranked = sorted(inner, key=lambda row: (row.unit == "ms", abs(_growth(row))), reverse=True)
    return next(iter([*ranked, *moved]), None)


def _growth(row: MetricDecision) -> float:
    return (row.head or 0.0) - (row.base or 0.0)


def _row(row: MetricDecision) -> str:
    if row.base is None or row.head is None:
        return row.name
    if row.name == PEAK_MEMORY:
        sizes = f"{row.base:.0f} → {row.head:.0f} MiB"
    else:
        sizes = from_to(row.base, row.head)
    return f"{row.name} {_change(row)}, {sizes}"


def _change(row: MetricDecision) -> str:
    if row.ratio is None:
        return "not compared"
    if row.low is None or row.high is None:
        return percent(row.ratio - 1.0)
    return change(row.ratio, row.low, row.high)


def _noise(evidence: Evidence) -> str:
    if evidence.noise is None:
        return ""
    # Rounded up, so that it holds.
    tenths = math.ceil(round(1000.0 * evidence.noise, 6))
    return f"; noise of this machine ±{tenths / 10.0:.1f} %"


def _what_it_takes(judge: CaseJudge, whole: Evidence) -> str:
    if whole.state == "passed":
        return f"undecided: {', '.join(judge.doubtful())}" if judge.doubtful() else ""
    # The rule widens its margin by stored noise alone; what was seen here may be worse than that.
    seen = math.expm1(MDE_FACTOR * (whole.noise or 0.0))
    least = f"this machine cannot decide below {100.0 * max(whole.decidable, seen):.1f} %"
    more = f"about {count(whole.more_pairs, 'more pair')}" if whole.more_pairs else ""
    if judge.state == "continue":
        return f"undecided, {more}" if more else f"undecided; {least}"
    return f"undecided; {more}; {least}" if more else f"undecided; {least}"
