"""Makes results of sglang's nightly comparison files, old and new. Reads values, writes none.

Such a file tells neither the machine nor the configuration: a person names the one, and for the
other gives each ``comparison_configs.json`` with the day from which it held, so that a changed
configuration starts a new line.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, ValidationError

from perfgate.errors import ConfigurationError
from perfgate.history.recorded import MAX_FAILURE_CHARS, Converted
from perfgate.records import first_problem
from perfgate.records.results import (
    END_TO_END,
    Cell,
    Failure,
    FailureKind,
    JobRun,
    Measured,
    Results,
)
from perfgate.records.value import NonNegative, Value

_KINDS: tuple[tuple[re.Pattern[str], FailureKind], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"out ?of ?memory", FailureKind.MEMORY),
        (r"did not start within|not ready within", FailureKind.UNHEALTHY),
        (r"port\(?s?\)? unavailable|ports? (is |are )?(busy|in use)", FailureKind.PORT),
        (r"installation failed", FailureKind.SETUP),
        (r"timed out|timeout", FailureKind.TIMEOUT),
        (r"\b[45]\d\d (client|server) error", FailureKind.REFUSED),
        (r"diffusers (backend|pipeline)", FailureKind.FALLBACK),
        (r"connection (aborted|refused|reset)|remote end closed", FailureKind.CRASHED),
    )
)
_HOW_IT_WAS_MEASURED = ("methodology", "warmup_requests")
"""Told by newer files: where one of them differs, figures are of another kind."""


class _Nightly(Value):
    """The file; its results are read one by one, so that a bad one costs no other."""

    timestamp: AwareDatetime
    commit_sha: Annotated[str, Field(max_length=64)]
    run_id: Annotated[str | int, Field(union_mode="left_to_right")] = ""
    results: tuple[Any, ...]
    methodology: Any = None
    warmup_requests: Any = None


class _Result(Value):
    """One case in one framework; latencies of requests in seconds, null where there are none."""

    case_id: str
    framework: str
    model: str = ""
    task: str = ""
    latency_s: NonNegative | None = None
    latency_samples_s: tuple[NonNegative, ...] = ()
    server_latency_s: NonNegative | None = None
    server_latency_samples_s: tuple[NonNegative, ...] = ()
    server_stage_medians_ms: dict[str, NonNegative] = Field(default_factory=dict)
    median_denoise_step_ms: NonNegative | None = None
    error: str | None = None
    methodology: Any = None
    warmup_requests: Any = None


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A ``comparison_configs.json`` and the day (UTC) from which it held."""

    since: date
    document: Mapping[str, Any]

    def of(self, case: str, framework: str) -> dict[str, Any] | None:
        """What it says of a case in a framework, others left out; None where it has none."""
        for one in self.document["cases"]:
            if isinstance(one, Mapping) and one.get("id") == case:
                own = one.get("frameworks", {})
                if not isinstance(own, Mapping) or framework not in own:
                    return None
                told = {key: one[key] for key in one if key not in ("id", "frameworks")}
                if one.get("reference_image"):
                    told["test_image_url"] = self.document.get("test_image_url")
                return {**told, framework: own[framework]}
        return None


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a nightly file does not tell: machine, configurations, where its runs are."""

    hardware_key: str
    configurations: Sequence[Configuration] = ()
    repository_url: str = ""
    perfgate: str

    def workload(self, result: _Result, nightly: _Nightly) -> tuple[dict[str, Any], bool]:
        """What the result's hash covers, and whether its configuration is known."""
        method = {
            name: told
            for name in _HOW_IT_WAS_MEASURED
            if (told := getattr(result, name) or getattr(nightly, name)) is not None
        }
        held = [one for one in self.configurations if one.since <= _day(nightly.timestamp)]
        newest = max(held, key=lambda one: one.since, default=None)
        told = newest.of(result.case_id, result.framework) if newest else None
        if told is None:
            known = {"model": result.model, "task": result.task, "configuration": "not known"}
            return {**known, **method}, False
        return {**told, **method}, True


@dataclass(frozen=True, kw_only=True)
class NightlyFile:
    """A file that was read as far as its attempt can be told from the others'."""

    run_id: str
    measured_at: datetime
    nightly: _Nightly

    def converted(self, context: Context, *, attempt: int) -> Converted:
        """Its results; raises ConfigurationError where none of them can be kept."""
        cells: dict[tuple[str, str], Cell] = {}
        left_out: list[str] = []
        guessed: list[str] = []
        for number, raw in enumerate(self.nightly.results):
            try:
                result = _Result.model_validate(raw)
                workload, known = context.workload(result, self.nightly)
                cell = _cell(result, workload)
            except ValidationError as error:
                left_out.append(f"results[{number}]: {first_problem(error)}")
                continue
            if (cell.case, cell.framework) in cells:
                left_out.append(f"results[{number}]: {cell.case} is there twice")
                continue
            cells[cell.case, cell.framework] = cell
            if not known:
                guessed.append(f"{cell.case} in {cell.framework}")
        if not cells:
            raise ConfigurationError(
                "it has no result that a history can keep"
                + (f": {left_out[0]}" if left_out else ""),
                fix="Give a comparison file that measured a case.",
            )
        return Converted(
            results=self._results(context, attempt=attempt, cells=tuple(cells.values())),
            left_out=tuple(left_out),
            notes=tuple(guessed),
        )

    def _results(self, context: Context, *, attempt: int, cells: tuple[Cell, ...]) -> Results:
        address = f"{context.repository_url}/actions/runs/{self.run_id}"
        try:
            return Results(
                perfgate=context.perfgate,
                measured_at=self.measured_at,
                commit=self.nightly.commit_sha,
                hardware_key=context.hardware_key,
                run=JobRun(
                    id=self.run_id,
                    attempt=attempt,
                    name="sglang nightly comparison",
                    url=address if context.repository_url and self.run_id else "",
                ),
                cells=cells,
            )
        except ValidationError as error:
            raise ConfigurationError(
                f"it cannot be kept: {first_problem(error)}",
                fix="Give the hardware key as a gate prints it, in small letters.",
            ) from error


def is_nightly(document: object) -> bool:
    """Whether JSON looks like a file of sglang's nightly comparison."""
    return isinstance(document, Mapping) and {"timestamp", "commit_sha", "results"} <= {*document}


def read_nightly(document: object) -> NightlyFile:
    """Raises ConfigurationError for what is none."""
    try:
        nightly = _Nightly.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError(
            f"it is no file of sglang's nightly comparison: {first_problem(error)}",
            fix="Give a comparison-results.json as run_comparison.py writes it.",
        ) from error
    run_id = str(nightly.run_id)
    return NightlyFile(
        run_id="" if run_id == "local" else run_id[:200],
        measured_at=nightly.timestamp,
        nightly=nightly,
    )


def read_configuration(document: object, *, since: date, source: str) -> Configuration:
    """Raises ConfigurationError naming ``source`` for what is no comparison_configs.json."""
    if not isinstance(document, Mapping) or not isinstance(document.get("cases"), list):
        raise ConfigurationError(
            f"{source} is no configuration of sglang's comparison: it has no list of cases",
            fix="Give a comparison_configs.json.",
        )
    return Configuration(since=since, document=document)


def _cell(result: _Result, workload: dict[str, Any]) -> Cell:
    canonical = json.dumps(workload, sort_keys=True, separators=(",", ":"))
    measured = tuple(_measured(result))
    failures = () if measured and not result.error else (_failure(result.error),)
    return Cell(
        case=result.case_id,
        framework=result.framework,
        workload_hash=hashlib.sha256(canonical.encode()).hexdigest()[:16],
        workload=workload,
        metrics=measured,
        failures=failures,
    )


def _measured(result: _Result) -> Iterator[Measured]:
    """Times in milliseconds; without a request's latency there is no number at all."""
    requests = _milliseconds(result.latency_samples_s, result.latency_s)
    if not requests:
        return
    yield Measured(name=END_TO_END, samples=requests)
    if server := _milliseconds(result.server_latency_samples_s, result.server_latency_s):
        yield Measured(name="server", samples=server)
    for name, stage_ms in result.server_stage_medians_ms.items():
        yield Measured(name=name, samples=(stage_ms,))
    if result.median_denoise_step_ms is not None:
        yield Measured(name="step", samples=(result.median_denoise_step_ms,))


def _milliseconds(samples_s: Sequence[float], median_s: float | None) -> tuple[float, ...]:
    """Every request's, or their median where the file has nothing else; 0 is no time."""
    several = samples_s or (() if median_s is None else (median_s,))
    return tuple(round(one * 1000.0, 6) for one in several if one > 0.0)


def _failure(said: str | None) -> Failure:
    text = said or "neither a latency nor an error is told"
    found = (kind for pattern, kind in _KINDS if pattern.search(text))
    return Failure(kind=next(found, FailureKind.UNKNOWN), text=text[:MAX_FAILURE_CHARS])


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
