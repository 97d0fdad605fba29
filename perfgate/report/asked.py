"""Rows of an answer on a terminal; may not print but on the console given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perfgate.report.escape import plain
from perfgate.report.words import count

MOST_ROWS = 200
"""More than anyone reads; as JSON they are all there."""
_CELL_CHARS = 200


def render_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], console: Console) -> None:
    """Print a table, numbers to the right, and how many rows there are."""
    table = Table(box=box.SIMPLE_HEAD)
    for number, name in enumerate(columns):
        numbers = all(isinstance(row[number], int | float | None) for row in rows)
        title = Text(plain(name, limit=_CELL_CHARS))
        justify: Literal["left", "right"] = "right" if numbers and rows else "left"
        table.add_column(title, justify=justify, overflow="fold")
    for row in rows[:MOST_ROWS]:
        table.add_row(*(Text(_cell(value)) for value in row))
    console.print(table)
    told = count(len(rows), "row", "rows")
    if len(rows) > MOST_ROWS:
        told += f", the first {MOST_ROWS} of them shown: --json has them all"
    console.print(Text(told))


def _cell(value: Any) -> str:  # noqa: ANN401 - any of JSON's
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.10g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return plain(text, limit=_CELL_CHARS)
