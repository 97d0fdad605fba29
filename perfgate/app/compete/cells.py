"""Results from launches: every cell with its samples, or with why it has none. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from perfgate.app.compete.contest import Contest, Entry
from perfgate.backends.failures import kind_of
from perfgate.records import Launch, Report
from perfgate.records.results import END_TO_END, Cell, Failure, FailureKind, Measured
from perfgate.verdict.metrics import (
    END_TO_END as TOTAL,
)
from perfgate.verdict.metrics import LOAD, MEDIAN_STEP, PEAK_MEMORY, metrics_of, unfit_of

SERVER = "server"
"""What the server itself says a request took, where it does; end-to-end is the client's time."""
VERSION_KEY = "framework_version"
_SERVER_KEY = "server_latency_ms"
_NAMES = {TOTAL: END_TO_END, MEDIAN_STEP: "step", PEAK_MEMORY: "peak_memory", LOAD: "load"}
_RESERVED = frozenset({*_NAMES.values(), SERVER})
_MOST_NAME_CHARS = 200
_MOST_TEXT_CHARS = 1_000


def a_failure(kind: FailureKind, text: str) -> Failure:
    """A failure whose text is one line that a table can hold."""
    line = " ".join(text.split())
    cut = line if len(line) <= _MOST_TEXT_CHARS else f"{line[: _MOST_TEXT_CHARS - 1]}…"
    return Failure(kind=kind, text=cut)


def failure_of(launch: Launch) -> Failure | None:
    """Why a launch has no number that counts; None for one that has."""
    if launch.failure is not None:
        return _failed(launch.failure, launch.log_tail)
    unfit = unfit_of(launch)
    if unfit is not None:
        return a_failure(FailureKind.UNFIT, unfit)
    return None if launch.reports else a_failure(FailureKind.DAMAGED, "left no report")


def _failed(failure: str, log_tail: str) -> Failure:
    kind = kind_of(failure)
    named = failure.startswith(f"{kind.value}: ")
    if named:
        return a_failure(kind, failure.removeprefix(f"{kind.value}: "))
    # A process that only says how it ended told the reason in its last line.
    last = next((line for line in reversed(log_tail.splitlines()) if line.strip()), "")
    told = f"{failure}: {last}" if last else failure
    return a_failure(kind_of(told), told)


def cells_of(
    contest: Contest,
    launches: Mapping[str, Sequence[Launch]],
    failures: Mapping[str, Sequence[Failure]],
) -> tuple[Cell, ...]:
    """Every cell that was tried; ``launches`` and ``failures`` are by the entries' keys."""
    found = []
    for entry in contest.entries:
        good = [one for one in launches.get(entry.key, ()) if failure_of(one) is None]
        failed = tuple(failures.get(entry.key, ()))
        if good or failed:
            found.append(_cell(entry, good, failed))
    return (*found, *contest.impossible)


def _cell(entry: Entry, launches: Sequence[Launch], failures: tuple[Failure, ...]) -> Cell:
    samples: dict[str, list[float]] = {}
    for launch in launches:
        for index, report in enumerate(launch.reports):
            for name, value in _request(report):
                # A process loads once, whatever each of its reports says of it.
                if name != _NAMES[LOAD] or index == 0:
                    samples.setdefault(name, []).append(value)
    return Cell(
        case=entry.case.id,
        framework=entry.cell,
        framework_version=_version(report for launch in launches for report in launch.reports),
        workload_hash=entry.case.workload_hash(),
        workload=entry.case.workload(),
        metrics=tuple(
            Measured(
                name=name, unit="MiB" if name == _NAMES[PEAK_MEMORY] else "ms", samples=tuple(found)
            )
            for name, found in samples.items()
        ),
        launches=tuple(len(launch.reports) for launch in launches),
        failures=failures,
    )


def _request(report: Report) -> Iterable[tuple[str, float]]:
    for name, value in metrics_of([report]).items():
        stage = f"{name} (stage)" if name in _RESERVED else name
        yield _NAMES.get(name, stage[:_MOST_NAME_CHARS]), value
    server_ms = report.extra.get(_SERVER_KEY)
    if isinstance(server_ms, int | float) and math.isfinite(server_ms) and server_ms > 0:
        yield SERVER, float(server_ms)


def _version(reports: Iterable[Report]) -> str:
    """What the framework calls itself; several in one cell are told together."""
    said = dict.fromkeys(
        version
        for report in reports
        if isinstance(version := report.extra.get(VERSION_KEY), str) and version
    )
    return " and ".join(said)[:_MOST_NAME_CHARS]
