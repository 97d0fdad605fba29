"""Permissions to be slower on a terminal, the oldest first; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perfgate.report.escape import plain
from perfgate.report.words import NOTHING, change, count
from perfgate.verdict.acceptance import WARN_DAYS, Acceptance

_NAME_CHARS = 64


def render_debts(debts: Sequence[tuple[Acceptance, int, str | None]], console: Console) -> None:
    """A line for how many there are, and a block for each: what, how much, until when, why.

    A debt is the permission, the days left and the date of its reference, where that is known.
    """
    if not debts:
        console.print(Text("Nothing is slower by permission."))
        return
    over = sum(days < 0 for _, days, _ in debts)
    told = f"{count(len(debts), 'permission')} to be slower" + (f", {over} over" if over else "")
    console.print(Text(told, style="bold"))
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name in ("case", "metric", "machine"):
        table.add_column(name, overflow="fold")
    for name in ("since", "at most", "until", "left"):
        table.add_column(name, justify="right", no_wrap=True)
    for acceptance, days, since in debts:
        style = "bold red" if days < 0 else "yellow" if days <= WARN_DAYS else ""
        table.add_row(
            *(
                Text(plain(text, limit=_NAME_CHARS))
                for text in (acceptance.case, acceptance.metric, acceptance.hardware)
            ),
            since or NOTHING,
            change(acceptance.ceiling),
            acceptance.expires.isoformat(),
            Text("over" if days < 0 else count(days, "day"), style=style),
        )
    console.print(table)
    console.print()
    for acceptance, _, _ in debts:
        who = f"{acceptance.issue}, asked by {acceptance.asked_by}"
        told = f"{acceptance.case} · {acceptance.metric}: {acceptance.reason} ({who})"
        console.print(Text(plain(told, limit=1500)))
