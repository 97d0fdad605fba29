"""The evidence pair by pair on a terminal; may not print but on the console given.

Bounded: the worst cases first, and of each its worst metrics. Text from outside never reaches
rich's markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perfgate.records import SEVERITY
from perfgate.report.escape import plain
from perfgate.report.words import change, count, figures, metric_verdict
from perfgate.verdict.explain import CaseEvidence, MetricEvidence, PairEvidence

MOST_CASES = 20
MOST_METRICS = 8
_MOST_PAIRS = 40
_LARGEST, _SMALLEST = 1e6, 1e-3
PAIR_HEADERS = ("pair", "base", "head", "change", "evidence: slower", "not slower")


def render_evidence(cases: Sequence[CaseEvidence], console: Console) -> None:
    """Print what each pair said of each judged metric, and what decides."""
    worst = sorted(cases, key=lambda case: SEVERITY.index(case.verdict))
    for case in worst[:MOST_CASES]:
        console.print(Text(f"{plain(case.id, limit=64)}: {case.verdict}", style="bold"))
        if case.sentence:
            console.print(Text(plain(case.sentence, limit=700)))
        if not case.metrics:
            console.print(Text("No pair of it was judged."))
        console.print()
        for metric in case.metrics:
            _print_metric(metric, console)
        if case.left_out:
            more = count(case.left_out, "more judged metric")
            console.print(Text(f"And {more} of this case; --json has the verdict of each."))
            console.print()
    if len(cases) > MOST_CASES:
        console.print(Text(f"And {count(len(cases) - MOST_CASES, 'more case')}."))


def _print_metric(metric: MetricEvidence, console: Console) -> None:
    title = f"{plain(metric.name, limit=64)}: {metric_verdict(metric.verdict, metric.unit)}"
    console.print(Text(title), Text(thresholds(metric), style="dim"), sep=" · ")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name in PAIR_HEADERS:
        table.add_column(name, justify="right", no_wrap=True)
    for pair in metric.pairs[-_MOST_PAIRS:]:
        table.add_row(*(Text(cell) for cell in pair_cells(pair, metric)))
    console.print(table)
    if len(metric.pairs) > _MOST_PAIRS:
        console.print(Text(f"The {count(len(metric.pairs) - _MOST_PAIRS, 'pair')} before are cut."))
    console.print()


def thresholds(metric: MetricEvidence) -> str:
    """What is judged a slowdown, and how much evidence decides."""
    parts = [f"margin {100.0 * metric.margin:.1f} %", f"slower at {_evidence(metric.block_at)}"]
    if metric.pass_at is not None:
        parts.append(f"passed at {_evidence(metric.pass_at)}")
    if metric.doubt_at is not None:
        parts.append(f"passes with end-to-end while below {_evidence(metric.doubt_at)}")
    return ", ".join(parts)


def pair_cells(pair: PairEvidence, metric: MetricEvidence) -> tuple[str, ...]:
    """A pair under :data:`PAIR_HEADERS`; numbers alone."""
    base, head, unit = figures(pair.base, pair.head, metric.unit)
    return (
        str(pair.pair),
        f"{base} {unit}",
        f"{head} {unit}",
        change(pair.head / pair.base),
        _evidence(pair.e_block),
        _evidence(pair.e_pass),
    )


def _evidence(value: float) -> str:
    """A ratio of likelihoods in three digits; beyond a million nobody needs them."""
    if value >= _LARGEST:
        return f"> {_LARGEST:,.0f}"
    if value < _SMALLEST:
        return f"< {_SMALLEST:g}"
    return f"{value:,.0f}" if value >= 1000.0 else f"{value:.3g}"
