"""What `perfgate calibrate` found, on a terminal; may not look at anything itself."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perfgate.baselines.calibration import Calibration
from perfgate.records import CaseRecord, EqualGates, Record
from perfgate.report.escape import plain
from perfgate.report.words import NOTHING, figures
from perfgate.verdict.calibration import MetricNoise, noise_of
from perfgate.verdict.likelihood import MIN_HISTORY
from perfgate.verdict.metrics import END_TO_END
from perfgate.verdict.rates import MIN_GATES, rate_told
from perfgate.verdict.wording import change, count, percent

_NAME_CHARS = 64


def render_calibration(
    record: Record, console: Console, *, kept: Calibration | None = None
) -> None:
    """Print a table a case, and the sentence that says what a gate can decide with it.

    ``kept`` is the file with all runs together, where one was written.
    """
    together = {} if kept is None else {one.case: one.equal_gates for one in kept.cases}
    for case in record.cases:
        noises = noise_of(case)
        console.print(Text(plain(_heading(case), limit=700), style="bold"))
        if noises:
            console.print(_table(noises))
            console.print()
            console.print(Text(_sentence(noises, margin=record.policy.margin)))
        if case.equal_gates is not None:
            all_runs = together.get(case.id) or case.equal_gates
            console.print(Text(_rate(case.equal_gates, all_runs)))
        console.print()


def _heading(case: CaseRecord) -> str:
    stopped = f"; stopped: {case.stopped}" if case.stopped else ""
    failed = next((f"; failed: {one.failure}" for one in case.launches if not one.ok), "")
    return f"{case.id}: {count(len(case.launches), 'launch')} of equal sides{stopped}{failed}"


def _table(noises: tuple[MetricNoise, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("metric", overflow="fold", min_width=14)
    for name in ("median", "launch\nto launch", "pair\nto pair", "decides\nfrom"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("drift\nover the run", overflow="fold")
    table.add_column("levels", overflow="fold")
    for noise in noises:
        table.add_row(*(Text(cell) for cell in _cells(noise)))
    return table


def _cells(noise: MetricNoise) -> tuple[str, ...]:
    drift = noise.drift
    return (
        plain(noise.name, limit=_NAME_CHARS),
        _time(noise.typical_ms),
        _within(noise.launch_spread),
        _within(noise.pair_spread),
        NOTHING if noise.decidable is None else _size(noise.decidable),
        NOTHING if drift is None else change(1 + drift.change, 1 + drift.low, 1 + drift.high),
        NOTHING if drift is None else _levels(noise) or "one",
    )


def _sentence(noises: tuple[MetricNoise, ...], *, margin: float) -> str:
    whole = next((noise for noise in noises if noise.name == END_TO_END), None)
    if whole is None or whole.decidable is None:
        fewest = count(MIN_HISTORY, "pair")
        return f"Too few pairs to say what can be decided: {fewest} are the fewest."
    least, wanted = _size(whole.decidable), _size(margin)
    jumps = f" It jumps between {_levels(whole)}: lock the clocks." if whole.levels else ""
    if whole.decidable <= margin:
        return f"The suite's margin of {wanted} can be decided: end-to-end from {least} on.{jumps}"
    return (
        f"The suite's margin of {wanted} is too small for this noise: a gate here looks for "
        f"end-to-end slowdowns of {least}.{jumps}"
    )


def _rate(found: EqualGates, all_runs: EqualGates) -> str:
    told = f"{rate_told(found)}; {found.passed} passed, {found.undecided} undecided."
    if all_runs != found:
        told += f" With those of earlier runs, {rate_told(all_runs).partition(': ')[2]}."
    if all_runs.gates < MIN_GATES:
        told += f" A gate judges such a case from {MIN_GATES} gates on; those of later runs add up."
    return told[:1].upper() + told[1:]


def _levels(noise: MetricNoise) -> str:
    return " and ".join(_time(level) for level in noise.levels)


def _size(fraction: float) -> str:
    return percent(fraction).lstrip("+")


def _within(spread: float | None) -> str:
    return NOTHING if spread is None else f"±{100.0 * spread:.2g} %"


def _time(milliseconds: float) -> str:
    shown, _, unit = figures(milliseconds, None, "ms")
    return f"{shown} {unit}"
