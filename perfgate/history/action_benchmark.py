"""Makes results of what github-action-benchmark stored, ``data.js`` or its JSON. Writes nothing.

Each benchmark becomes a case of its own, whose end-to-end time is the one value that was stored of
a run. Neither the machine nor what was run is told there: a person names the one, and nobody knows
the other, so that what perfgate measures later starts a new line.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError

from perfgate.errors import ConfigurationError
from perfgate.records import first_problem
from perfgate.records.action_benchmark import Figure
from perfgate.records.results import END_TO_END, Cell, JobRun, Measured, Results
from perfgate.records.value import Value

_SCRIPT: Final = re.compile(r"\s*window\.BENCHMARK_DATA\s*=")
_FRAMEWORK: Final = "command"
"""As a gate calls the project's own benchmark."""
_NOT_IN_AN_ID: Final = re.compile(r"[^A-Za-z0-9._]+")
_MOST_ID_CHARS: Final = 100
_MOST_NAME_CHARS: Final = 100
_LATEST_MS: Final = 253_402_300_799_000
"""The end of the year 9999, the last one that a date has."""


class _Commit(Value):
    id: Annotated[str, Field(min_length=1, max_length=64)]


class _Run(Value):
    """One run of a suite; its figures are read one by one, so that a bad one costs no other."""

    commit: _Commit
    date: Annotated[int, Field(ge=0, le=_LATEST_MS)]
    benches: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Every run of every suite as results, and what is not in them."""

    results: tuple[Results, ...]
    left_out: tuple[str, ...]


def json_of(text: str) -> str:
    """The JSON of a ``data.js``, a script that a page loads; other text as it is."""
    match = _SCRIPT.match(text)
    return text[match.end() :].strip().removesuffix(";").strip() if match else text


def is_stored(document: object) -> bool:
    """Whether JSON looks like what github-action-benchmark stores."""
    return isinstance(document, Mapping) and {"lastUpdate", "entries"} <= {*document}


def read_stored(document: Mapping[str, Any], *, hardware_key: str, perfgate: str) -> Stored:
    """Raises ConfigurationError for what is none, and where nothing of it can be kept."""
    entries = document["entries"]
    reading = _Reading(hardware_key=hardware_key, perfgate=perfgate)
    for suite, runs in entries.items() if isinstance(entries, Mapping) else ():
        for index, run in enumerate(runs if isinstance(runs, list) else ()):
            reading.take(run, suite=str(suite), where=f"entries.{suite}[{index}]")
    left_out = tuple(reading.left_out())
    if not reading.results:
        told = f": {left_out[0]}" if left_out else ""
        raise ConfigurationError(
            f"it has no time that a history can keep{told}",
            fix="Give a data.js whose benchmarks are times, or iterations a second.",
        )
    return Stored(results=tuple(reading.results), left_out=left_out)


@dataclass(kw_only=True)
class _Reading:
    hardware_key: str
    perfgate: str
    results: list[Results] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    no_times: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, raw: object, *, suite: str, where: str) -> None:
        try:
            run = _Run.model_validate(raw)
        except ValidationError as error:
            self.problems.append(f"{where}: {first_problem(error)}")
            return
        cells: dict[str, Cell] = {}
        for cell in self._cells(run, suite, where):
            # The tool compares with the first of a name.
            if cells.setdefault(cell.workload_hash, cell) is not cell:
                self.problems.append(f"{where}: {cell.workload['name']!r} a second time")
        if not cells:
            return
        try:
            self.results.append(
                Results(
                    perfgate=self.perfgate,
                    measured_at=datetime.fromtimestamp(run.date / 1000, UTC),
                    commit=run.commit.id,
                    hardware_key=self.hardware_key,
                    run=JobRun(name=suite[:_MOST_NAME_CHARS]),
                    cells=tuple(cells.values()),
                )
            )
        except ValidationError as error:
            raise ConfigurationError(
                f"it cannot be kept: {first_problem(error)}",
                fix="Give the hardware key as a gate prints it, in small letters.",
            ) from error

    def _cells(self, run: _Run, suite: str, where: str) -> Iterator[Cell]:
        for index, raw in enumerate(run.benches):
            try:
                figure = Figure.model_validate(raw)
            except ValidationError as error:
                self.problems.append(f"{where}.benches[{index}]: {first_problem(error)}")
                continue
            case_id = _id_of(figure.name)
            if figure.milliseconds is None or not case_id:
                self.no_times[figure.name[:_MOST_NAME_CHARS], figure.unit] += 1
                continue
            yield _cell(case_id, figure.milliseconds, {"name": figure.name, "suite": suite})

    def left_out(self) -> Iterator[str]:
        """What is not in the results, a benchmark of many runs once."""
        yield from self.problems
        for (name, unit), runs in self.no_times.items():
            yield f"{name!r} in {unit!r} of {runs} runs, which is no time"


def _cell(case_id: str, milliseconds: float, told: dict[str, str]) -> Cell:
    workload = {**told, "configuration": "not known"}
    canonical = json.dumps(workload, sort_keys=True, separators=(",", ":"))
    return Cell(
        case=case_id,
        framework=_FRAMEWORK,
        workload_hash=hashlib.sha256(canonical.encode()).hexdigest()[:16],
        workload=workload,
        metrics=(Measured(name=END_TO_END, samples=(milliseconds,)),),
    )


def _id_of(name: str) -> str:
    """The name as a case's id; empty where nothing of it can stand in one."""
    return _NOT_IN_AN_ID.sub("-", name).strip("._-")[:_MOST_ID_CHARS]
