"""The evidence behind one case's verdict as markdown, bounded; values in, text out."""

from __future__ import annotations

from perfgate.records import CaseDecision
from perfgate.report.escape import escape_markdown
from perfgate.report.explain import PAIR_HEADERS, pair_cells, thresholds
from perfgate.report.rows import all_rows
from perfgate.report.sentences import told
from perfgate.report.tables import cells_table, rows_table
from perfgate.report.words import count, metric_verdict
from perfgate.verdict.explain import CaseEvidence, MetricEvidence

MOST_METRICS = 2
_MOST_PAIRS = 8
_TABLE_BYTES = 1_000
_PAIRS_BYTES = 700


def evidence_text(case: CaseDecision, evidence: CaseEvidence | None) -> str:
    """The case's sentence, its figures, and what the last pairs of its worst metrics said."""
    parts = [escape_markdown(str(told(case)), limit=500)]
    table = rows_table(all_rows(case), room=_TABLE_BYTES)
    if table.text:
        parts.append(table.text)
    if table.left_out:
        parts.append(f"_{count(table.left_out, 'row')} left out for length._")
    metrics = evidence.metrics[:MOST_METRICS] if evidence is not None else ()
    parts += [_pairs(metric) for metric in metrics]
    if not metrics and case.launches:
        parts.append("No pair of it was judged: the table is all there is.")
    return "\n\n".join(parts)


def _pairs(metric: MetricEvidence) -> str:
    shown = metric.pairs[-_MOST_PAIRS:]
    cells = [pair_cells(pair, metric) for pair in shown]
    table = cells_table(
        PAIR_HEADERS, cells, aligned=("right",) * len(PAIR_HEADERS), room=_PAIRS_BYTES
    )
    before = len(metric.pairs) - len(shown)
    cut = f" The {count(before, 'pair')} before are left out." if before else ""
    title = f"**{escape_markdown(metric.name, limit=64)}**"
    verdict = metric_verdict(metric.verdict, metric.unit)
    return f"{title}: {verdict} · {thresholds(metric)}.{cut}\n\n{table.text}"
