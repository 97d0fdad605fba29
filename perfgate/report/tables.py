"""Rows as GitHub markdown tables that keep to a size; may not choose or order rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tabulate import tabulate

from perfgate.report.escape import escape_markdown
from perfgate.report.rows import Row

_HEADERS = ("case", "metric", "base", "this PR", "change", "verdict")
_ALIGNED = ("left", "left", "right", "right", "right", "left")
# No row of a table is shorter than this, which bounds what is laid out before it is cut.
_SHORTEST_ROW = 30
_NAME_CHARS = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Markdown, and how many rows found no room in it."""

    text: str
    left_out: int = 0


def size(text: str) -> int:
    """Bytes in UTF-8: never fewer than characters, so that either limit is kept."""
    return len(text.encode())


def rows_table(rows: Sequence[Row], *, room: int, head_name: str = "this PR") -> Table:
    """Rows as a table; a case is named in its first row only."""
    kept = rows[: max(0, room // _SHORTEST_ROW)]
    cells = []
    last = None
    for row in kept:
        name = "" if row.case == last else escape_markdown(row.case, limit=_NAME_CHARS)
        last = row.case
        metric = escape_markdown(row.metric, limit=_NAME_CHARS)
        verdict = escape_markdown(row.verdict, limit=_NAME_CHARS)
        cells.append((name, metric, row.base, row.head, row.change, verdict))
    headers = [head_name if header == "this PR" else header for header in _HEADERS]
    table = cells_table(headers, cells, aligned=_ALIGNED, room=room)
    return Table(text=table.text, left_out=len(rows) - len(kept) + table.left_out)


def cells_table(
    headers: Sequence[str], cells: Sequence[Sequence[str]], *, aligned: Sequence[str], room: int
) -> Table:
    """Cells that are markdown already, as the table that holds most of them within ``room``."""
    shown = len(cells)
    while shown > 0:
        # tabulate's `github` has no alignment in its second line; `pipe` is the same with it.
        text = tabulate(
            cells[:shown],
            headers=headers,
            tablefmt="pipe",
            colalign=aligned,
            disable_numparse=True,
        )
        if size(text) <= room:
            return Table(text=text, left_out=len(cells) - shown)
        shown = min(shown - 1, shown * room // size(text))
    return Table(text="", left_out=len(cells))
