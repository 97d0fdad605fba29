"""Why cases got slower, on a terminal; may not print but on the console given.

Text from outside never reaches rich's markup.
"""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perfgate.records.explained import ExplainedCase, Explanation
from perfgate.report.escape import plain
from perfgate.report.explanation import HEADERS, nothing_of, summary_of, told_row, work_of
from perfgate.report.sentences import short
from perfgate.report.words import count

_MOST_SHOWN = 15
_MOST_NOTES = 5


def render_explanation(explanation: Explanation, console: Console) -> None:
    """Print a table for each case."""
    trees = f"base {short(explanation.base.commit)} · head {short(explanation.head.commit)}"
    console.print(Text(trees, style="dim"))
    for case in explanation.cases:
        console.print()
        _print_case(case, console)


def _print_case(case: ExplainedCase, console: Console) -> None:
    console.print(Text(plain(case.id, limit=64), style="bold"))
    if case.problem:
        console.print(Text(f"Not explained: {plain(case.problem, limit=900)}"))
    else:
        console.print(Text(summary_of(case)))
        _print_rows(case, console)
        for line in work_of(case):
            console.print(Text(line))
    for note in case.notes[:_MOST_NOTES]:
        console.print(Text(f"Note: {plain(note, limit=400)}"))
    if len(case.notes) > _MOST_NOTES:
        console.print(Text(f"And {count(len(case.notes) - _MOST_NOTES, 'more note')}."))


def _print_rows(case: ExplainedCase, console: Console) -> None:
    if not case.rows:
        console.print(Text(nothing_of(case)))
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for header in HEADERS:
        numbers = header in ("calls", "time", "change")
        table.add_column(header, justify="right" if numbers else "left", overflow="fold")
    for row in case.rows[:_MOST_SHOWN]:
        told = told_row(row)
        cells = (told.what, told.where, told.calls, told.time, told.change)
        table.add_row(*(Text(plain(cell, limit=240)) for cell in cells))
    console.print(table)
    more = len(case.rows) - _MOST_SHOWN + case.rows_left_out
    if more > 0:
        console.print(Text(f"And {count(more, 'more row')}; --json has those of the file."))
    if case.hidden:
        console.print(Text(f"{count(case.hidden, 'time')} moved by less than three deviations."))
