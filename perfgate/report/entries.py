"""Baseline entries on a terminal: what an update changed, and what is stored; decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perfgate.baselines.change import CaseChange, MetricChange
from perfgate.report.escape import plain
from perfgate.report.words import NOTHING, change, count, figures

_NAME_CHARS = 64


def render_changes(changes: Sequence[CaseChange], console: Console) -> None:
    """A table for every entry, then what it needs, was permitted, or has paid."""
    for one in changes:
        console.print(Text(f"{plain(one.case)} · {one.hardware_key}: {one.kind}", style="bold"))
        for note in one.notes:
            console.print(Text(f"  {plain(note)}"))
        console.print(_table(one.metrics))
        for accepted in one.acceptances:
            told = (
                f"accepted: {accepted.metric} until {accepted.expires}, up to "
                f"{change(accepted.ceiling)} of {accepted.reference.value:.6g} "
                f"{accepted.reference.unit}, {accepted.issue}"
            )
            console.print(Text(f"  {plain(told, limit=700)}"))
        for metric in one.paid:
            console.print(Text(f"  no longer slower, its acceptance goes: {plain(metric)}"))
        console.print()


def render_entry(title: str, metrics: Sequence[MetricChange], console: Console) -> None:
    """A stored entry: its title, and every metric with the first and the best figure."""
    console.print(Text(plain(title), style="bold"))
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("metric", overflow="fold", min_width=14)
    for name in ("figure", "first", "since first", "best", "since best", "variation"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in metrics:
        figure, first, unit = figures(one.new, one.first, one.unit)
        best, _, of_best = figures(one.best, None, one.unit)
        table.add_row(
            Text(plain(one.metric, limit=_NAME_CHARS)),
            _with_unit(figure, unit),
            _with_unit(first, unit),
            change(one.against_first),
            _with_unit(best, of_best),
            change(one.against_best),
            _variation(one),
            style="" if one.margin is not None else "dim",
        )
    console.print(table)
    console.print()


def _variation(one: MetricChange) -> str:
    return NOTHING if one.variation is None else f"±{100.0 * one.variation:.1f} %"


def _table(metrics: Sequence[MetricChange]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("metric", overflow="fold", min_width=14)
    for name in ("old", "new", "change", "since first", "since best", "launches", "variation"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in metrics:
        old, new, unit = figures(one.old, one.new, one.unit)
        style = "bold red" if one.looser else "green" if one.tighter else ""
        table.add_row(
            Text(plain(one.metric, limit=_NAME_CHARS)),
            _with_unit(old, unit),
            _with_unit(new, unit),
            Text(change(one.ratio), style=style),
            change(one.against_first),
            change(one.against_best),
            f"{one.launches} in {count(one.jobs, 'job')}",
            _variation(one),
            style="" if one.margin is not None else "dim",
        )
    return table


def _with_unit(figure: str, unit: str) -> str:
    return figure if figure == NOTHING else f"{figure} {unit}"
