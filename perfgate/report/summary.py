"""The job summary: everything that was measured, as markdown; may not hold back a figure."""

from __future__ import annotations

from dataclasses import replace

from perfgate.records import Decision
from perfgate.report.conclusion import headline
from perfgate.report.order import ordered_cases
from perfgate.report.page import (
    Page,
    fitting,
    left_out,
    log_fold,
    measured_fold,
    opening,
    render,
    warnings_fold,
)
from perfgate.report.past import accepted_fold, creep_fold
from perfgate.report.pictures import MAX_PICTURES, Charts, charts_fold
from perfgate.report.rows import all_rows
from perfgate.report.tables import rows_table, size

# A step's summary above 1 MiB is not uploaded at all; the rest of the step may write there too.
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
MAX_SUMMARY_BYTES = 1024 * 1024
_ROOM_FOR_OTHERS = 64 * 1024
_MAX_SENTENCES = 200
_MAX_LOGS = 20


def render_summary(decision: Decision, *, charts: Charts | None = None, note: str = "") -> str:
    """The summary; only beyond 1 MiB are rows left out, the plainly unchanged ones first.

    ``note`` is what the job has to say beside its result.
    """
    charts = charts or Charts()
    page = opening(decision, max_sentences=_MAX_SENTENCES)
    page = replace(
        page, notes=(*([note] if note else ()), *page.notes, *charts.notes[:MAX_PICTURES])
    )
    logs = log_fold(decision, max_logs=_MAX_LOGS)
    pictures = charts_fold(charts)
    accepted = accepted_fold(decision, room=_ROOM_FOR_OTHERS // 4)
    crept = creep_fold(decision, room=_ROOM_FOR_OTHERS // 4)
    warned, measured = warnings_fold(decision), measured_fold(decision)
    parts = (pictures, logs, warned, accepted, crept, measured)
    folds = tuple(fold for fold in parts if fold)
    whole = replace(page, folds=folds, everything="decision.json has all of them")

    def text(page: Page) -> str:
        return render("summary.md.j2", headline=headline(decision), page=page)

    page = fitting(whole, text, room=MAX_SUMMARY_BYTES // 2)
    rows = [row for case in ordered_cases(decision) for row in all_rows(case)]
    table = rows_table(rows, room=MAX_SUMMARY_BYTES - _ROOM_FOR_OTHERS - size(text(page)))
    lacking = left_out(table.left_out, parts=page is not whole)
    return text(replace(page, table=table.text, left_out=lacking))
