"""Makes results and stores of them for tests; may not decide anything.

A cell is written as its end-to-end samples in milliseconds, or as the reason why it has none:

    a_results(a_cell(1000, 1010, 990), a_cell("out of memory", case="flux"), day=3)
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from perfgate.history.append import append
from perfgate.history.folder import Folder
from perfgate.records.results import Cell, Failure, FailureKind, JobRun, Measured, Results

START = datetime(2026, 3, 20, 2, 0, tzinfo=UTC)
NOW = datetime(2026, 9, 1, tzinfo=UTC)
CASE, FRAMEWORK, HARDWARE = "wan_t2v_tiny", "sglang", "nvidia-h100-80gb-hbm3-x1"
WORKLOAD = "0123456789abcdef"


def a_cell(
    *samples: float | str,
    case: str = CASE,
    framework: str = FRAMEWORK,
    workload_hash: str = WORKLOAD,
    memory: Iterable[float] = (),
    **metrics: Iterable[float],
) -> Cell:
    """Numbers are end-to-end samples, words kinds of failure; ``metrics`` are in milliseconds."""
    numbers = [one for one in samples if not isinstance(one, str)]
    measured = [Measured(name="e2e", samples=tuple(numbers))] if numbers else []
    measured += [Measured(name=name, samples=tuple(taken)) for name, taken in metrics.items()]
    if peak := tuple(memory):
        measured.append(Measured(name="peak_memory", unit="MiB", samples=peak))
    return Cell(
        case=case,
        framework=framework,
        workload_hash=workload_hash,
        workload={"model": "tiny"},
        metrics=tuple(measured),
        failures=tuple(
            Failure(kind=FailureKind(word), text=f"it said: {word}")
            for word in samples
            if isinstance(word, str)
        ),
    )


def a_results(*cells: Cell, day: float = 0, attempt: int = 1, **rest: Any) -> Results:
    """One job attempt ``day`` days after START; its run's id is 1000 and the day."""
    fields = {
        "perfgate": "0.1.0",
        "measured_at": START + timedelta(days=day),
        "commit": f"{int(day):040x}",
        "hardware_key": HARDWARE,
        "run": JobRun(
            id=str(1000 + int(day)),
            attempt=attempt,
            name="nightly",
            url=f"https://github.com/o/r/actions/runs/{1000 + int(day)}",
        ),
        "cells": cells or (a_cell(1000.0),),
    }
    return Results(**{**fields, **rest})


def a_folder(root: Path, *results: Results) -> Folder:
    """A history of these results in a folder."""
    store = Folder(root=root, told=str(root))
    append(store, results)
    return store
