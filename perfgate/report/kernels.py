"""What ``perfgate kernels`` found, on a terminal; may not measure, judge or choose anything.

Names, reasons and findings come from kernel files and are escaped.
"""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perfgate.records.kernels import (
    KernelListing,
    KernelResults,
    KernelTable,
    ListedKernel,
    VariantTimes,
)
from perfgate.report.escape import plain
from perfgate.report.words import NOTHING, TIMES, count, figures
from perfgate.verdict.kernels import Figures, Ratio, bound_rate, figures_of

_NAME_CHARS = 64
_REASON_CHARS = 400
_MOST_WARNINGS = 5
_MOST_SHAPES = 6
_RATES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_HOW = {"host clock": "", "events": "events", "graph": "graph"}


def render_kernels(results: KernelResults, console: Console) -> None:
    """Print a table for each kernel and shape, what went wrong, and where it was measured."""
    for table in results.tables:
        console.print(Text(plain(heading(table), limit=_REASON_CHARS), style="bold"))
        if table.variants:
            console.print(_rows(table))
        for line in _lines(table):
            console.print(Text(plain(line, limit=700)))
        console.print()
    for problem in results.problems:
        console.print(Text(plain(problem, limit=700), style="bold yellow"))
    console.print(Text(plain(summary(results)), style="bold"))
    told = f"{results.hardware_key}; {results.build or count(results.threads, 'thread')}"
    console.print(Text(plain(told, limit=_REASON_CHARS), style="dim"))


def render_listing(listing: KernelListing, console: Console) -> None:
    """Print what there is to measure."""
    for kernel in listing.kernels:
        where = f" ({kernel.file})" if kernel.file else ""
        console.print(Text(plain(f"{kernel.name}{where}", limit=_REASON_CHARS), style="bold"))
        for line in _listed(kernel):
            console.print(Text(f"  {plain(line, limit=700)}"))
        console.print()
    for problem in listing.problems:
        console.print(Text(plain(problem, limit=700), style="bold yellow"))


def heading(table: KernelTable) -> str:
    """``causal_conv1d_update, B16 D2048 L1 float32, warm cache, copy at 44.1 GB/s``."""
    parts = [table.kernel, table.shape, f"{table.cache} cache"]
    if table.sets > 1:
        parts[-1] += f" ({table.sets} sets of inputs in turn)"
    rate = bound_rate(table)
    if table.bound is not None and rate is not None:
        parts.append(f"{_bound_word(table)} at {_rate(rate, table)}")
    return ", ".join(parts)


def summary(results: KernelResults) -> str:
    """``4 tables: 11 of 14 rows timed, 2 not available, 1 hazard.``"""
    rows = [row for table in results.tables for row in table.variants]
    timed = sum(row.times is not None for row in rows)
    parts = [f"{timed} of {count(len(rows), 'row')} timed"]
    for state in ("not available", "hazard", "out of memory", "failed"):
        number = sum(row.state == state for row in rows)
        parts += [f"{number} {state}"] if number else []
    skipped = sum(bool(table.skipped) for table in results.tables)
    failed = sum(bool(table.failure) for table in results.tables)
    parts += [f"{count(skipped, 'table')} skipped"] if skipped else []
    parts += [f"{count(failed, 'table')} failed"] if failed else []
    return f"{count(len(results.tables), 'table')}: {', '.join(parts)}."


def speed(ratio: Ratio | None) -> str:
    """How many times as fast as the reference, with its interval in brackets."""
    if ratio is None:
        return NOTHING
    told = f"{TIMES}{ratio.value:.3g}"
    if ratio.low is None or ratio.high is None:
        return told
    return f"{told} ({ratio.low:.3g} to {ratio.high:.3g})"


def share(ratio: Ratio | None) -> str:
    """``83 %`` of what bounds it."""
    return NOTHING if ratio is None else f"{100 * ratio.value:.0f} %"


def _rows(table: KernelTable) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    shown.add_column("variant", overflow="fold", min_width=12)
    for name in ("time", "against reference", "rate", f"of {_bound_word(table)}"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("", overflow="fold")
    for row in table.variants:
        variant = Text(plain(row.name, limit=_NAME_CHARS))
        found = figures_of(table, row)
        if found is None:
            style = "dim" if row.state == "not available" else "bold yellow"
            why = Text(plain(_why(row), limit=_REASON_CHARS), style=style)
            shown.add_row(variant, *(Text(NOTHING, style="dim"),) * 4, why)
        else:
            shown.add_row(variant, *(Text(cell) for cell in _cells(table, row, found)))
    return shown


def _cells(table: KernelTable, row: VariantTimes, found: Figures) -> tuple[str, ...]:
    time, _, unit = figures(found.time_us / 1e3, None, "ms")
    rate = found.bytes_per_s if _copies(table) else found.operations_per_s
    notes = [_HOW[row.times.method]] if row.times else []
    notes += [row.dialect] if row.dialect else []
    notes += [f"writes {', '.join(row.mutates)}"] if row.mutates else []
    return (
        f"{time} {unit}",
        speed(found.speed_up),
        _rate(rate, table),
        share(found.share),
        plain("; ".join(note for note in notes if note), limit=_REASON_CHARS),
    )


def _why(row: VariantTimes) -> str:
    if not row.findings:
        return f"{row.state}: {row.reason}" if row.reason else row.state
    return "; ".join(f"hazard {one.hazard}: {one.text}" for one in row.findings)


def _lines(table: KernelTable) -> list[str]:
    lines = [f"Skipped: {table.skipped}"] if table.skipped else []
    lines += [f"Failed: {table.failure}"] if table.failure else []
    lines += [f"Not fit to measure: {why}" for why in table.unfit[:_MOST_WARNINGS]]
    return lines + [f"Warning: {why}" for why in table.warnings[:_MOST_WARNINGS]]


def _listed(kernel: ListedKernel) -> list[str]:
    variants = (kernel.reference, *kernel.variants)
    named = [f"{one.name} ({one.dialect})" if one.dialect else one.name for one in variants]
    shapes = ", ".join(kernel.shapes[:_MOST_SHAPES])
    more = len(kernel.shapes) - _MOST_SHAPES
    lines = [f"variants: {', '.join(named)}", f"bound: {kernel.bound}"]
    lines += [f"shapes: {shapes}{f' and {more} more' if more > 0 else ''}"]
    return lines + ([f"hazards: {', '.join(kernel.hazards)}"] if kernel.hazards else [])


def _copies(table: KernelTable) -> bool:
    return table.bound is None or table.bound.name == "copy"


def _bound_word(table: KernelTable) -> str:
    return "copy" if _copies(table) else "product"


def _rate(per_s: float, table: KernelTable) -> str:
    unit = "B/s" if _copies(table) else "FLOP/s"
    size, letter = next(((s, name) for s, name in _RATES if per_s >= s), (1.0, ""))
    return f"{per_s / size:.3g} {letter}{unit}"
