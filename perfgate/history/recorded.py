"""Makes results of a record of perfgate's gate or measure: what head's launches measured.

Reads values, writes none; what cannot be taken is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from perfgate.errors import ConfigurationError
from perfgate.records import CaseRecord, Launch, Record, Side, first_problem
from perfgate.records.results import (
    END_TO_END,
    Cell,
    Failure,
    FailureKind,
    JobRun,
    Measured,
    Results,
)
from perfgate.verdict import metrics

MAX_FAILURE_CHARS = 2_000
_NAMES = {
    metrics.END_TO_END: END_TO_END,
    metrics.MEDIAN_STEP: "step",
    metrics.PEAK_MEMORY: "peak_memory",
    metrics.LOAD: "load",
}
_JOB = re.compile(r"(?P<id>\d+)/(?P<attempt>\d+)/(?P<name>[^/]*)")

KindOf = Callable[[str], FailureKind]
"""The kind of a failure by its text."""


@dataclass(frozen=True, kw_only=True)
class Converted:
    """Results, and which parts of the file are not in them or not surely known."""

    results: Results
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def results_of(record: Record, *, kind_of: KindOf, repository_url: str = "") -> Converted:
    """A cell for each case of the record, whose framework is the case's backend.

    Raises ConfigurationError where nothing of it can be kept over time.
    """
    cells: list[Cell] = []
    left_out: list[str] = []
    for case in record.cases:
        try:
            cells.append(_cell(case, record, kind_of))
        except (ValidationError, ConfigurationError) as error:
            left_out.append(f"case {case.id!r}: {_first(error)}")
    if not cells:
        raise ConfigurationError(
            "it has no case that a history can keep", fix="Give a record that measured a case."
        )
    notes = record.notes
    if record.head.dirty:
        notes = (*notes, "head had changes that were not committed")
    try:
        results = Results(
            perfgate=record.perfgate,
            measured_at=datetime.fromisoformat(record.created_at),
            commit=record.head.commit,
            hardware_key=record.fingerprint.hardware_key,
            run=_run(record.job, repository_url),
            cells=tuple(cells),
            notes=notes,
        )
    except ValueError as error:
        raise ConfigurationError(
            f"it cannot be kept: {_first(error)}", fix="Give a record that perfgate wrote."
        ) from error
    return Converted(results=results, left_out=tuple(left_out))


def _first(error: Exception) -> str:
    """What is wrong, in a line."""
    if isinstance(error, ValidationError):
        return first_problem(error)
    return str(getattr(error, "problem", error))


def _cell(case: CaseRecord, record: Record, kind_of: KindOf) -> Cell:
    heads = [one for one in case.launches if one.side is Side.HEAD and one.pair is not None]
    backend = str(case.workload.get("backend", "")) or "perfgate"
    failures = tuple(_failures(heads, kind_of))
    usable = [one for one in heads if metrics.is_usable(one)]
    measured = tuple(_measured(usable))
    if not measured and not failures:
        said = case.refused or case.stopped or "head was not launched"
        failures = (_failure(kind_of(said), said),)
    return Cell(
        case=case.id,
        framework=backend,
        framework_version=record.fingerprint.must_match.get(backend, ""),
        workload_hash=case.workload_hash,
        workload=case.workload,
        metrics=measured,
        launches=tuple(len(one.reports) for one in usable),
        failures=failures,
    )


def _measured(launches: Sequence[Launch]) -> Iterator[Measured]:
    """Every metric with a sample for each request; a process loads once, for all of its own."""
    samples: dict[str, list[float]] = {}
    for launch in launches:
        for number, report in enumerate(launch.reports):
            for name, value in metrics.metrics_of([report]).items():
                if number == 0 or name != metrics.LOAD:
                    samples.setdefault(name, []).append(value)
    for name, values in samples.items():
        yield Measured(
            name=_NAMES.get(name, name),
            unit="MiB" if name == metrics.PEAK_MEMORY else "ms",
            samples=tuple(values),
        )


def _failures(launches: Sequence[Launch], kind_of: KindOf) -> Iterator[Failure]:
    for launch in launches:
        if (said := metrics.failure_of(launch)) is not None:
            yield _failure(kind_of(said), said)
        elif (said := metrics.unfit_of(launch)) is not None:
            yield _failure(FailureKind.UNFIT, said)


def _failure(kind: FailureKind, said: str) -> Failure:
    return Failure(kind=kind, text=said.removeprefix(f"{kind.value}: ")[:MAX_FAILURE_CHARS])


def _run(job: str, repository_url: str) -> JobRun:
    match = _JOB.match(job)
    if match is None:
        return JobRun()
    attempt = max(1, int(match["attempt"]))
    address = f"{repository_url}/actions/runs/{match['id']}/attempts/{attempt}"
    return JobRun(
        id=match["id"],
        attempt=attempt,
        name=match["name"],
        url=address if repository_url else "",
    )
