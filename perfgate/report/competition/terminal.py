"""A comparison of frameworks on a terminal; may not print but on the console given."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perfgate.records.results import Results
from perfgate.report.competition.markdown import fields_shown, header_of, is_text, measured_where
from perfgate.report.competition.rows import Row, failures, headline, rows_of, winners
from perfgate.report.escape import plain

_NAME_CHARS = 64
_STYLES = {"good": "bold green", "bad": "bold yellow"}


def render_terminal(results: Results, console: Console) -> None:
    """Print the headline, the table, who wins, what failed and the notes."""
    console.print(Text(plain(headline(results)), style="bold"))
    rows = rows_of(results)
    if rows:
        console.print(_table(rows))
    for one in winners(results):
        console.print(Text(f"{plain(one.subject)}: {plain(one.text, limit=400)}"))
    for one in failures(results):
        line = Text(plain(one.subject), style=_STYLES["bad"])
        console.print(line.append(f" {plain(one.text, limit=600)}", style="not bold default"))
    for note in results.notes:
        console.print(Text(f"Note: {plain(note, limit=400)}"))
    console.print(Text(plain(measured_where(results)), style="dim"))


def _table(rows: Sequence[Row]) -> Table:
    fields = fields_shown(rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for name in fields:
        text = is_text(name)
        table.add_column(
            header_of(name),
            justify="left" if text else "right",
            no_wrap=not text,
            overflow="fold",
        )
    for _, found in groupby(rows, key=lambda row: row.case):
        for index, row in enumerate(found):
            style = _STYLES["good"] if row.good else _STYLES["bad"] if row.bad else ""
            cells = [Text(plain(getattr(row, name), limit=_NAME_CHARS)) for name in fields]
            cells[0] = Text("") if index else Text(plain(row.case, limit=_NAME_CHARS), style="bold")
            cells[1].stylize(style)
            cells[-1].stylize(style)
            table.add_row(*cells)
    return table
