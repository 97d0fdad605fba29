"""sglang's two forms of a request's times, kept without loss. Standard library alone, does no I/O.

- the performance dump: one JSON document a request (multimodal_gen, ``--perf-dump-path``);
- the performance log: one JSON document a line, appended to ``performance.log``.

Each is kept as the document that was read, unknown fields and the order of all fields included, so
that writing it gives the bytes that sglang wrote. What is known of it is told by typed properties,
which check what they tell: what is read was written by a program under test.

sglang's names mislead: *stages* stand under ``steps`` in a dump, denoising steps under
``denoise_steps_ms``; in the log the same keys are ``stages`` and ``steps``.
"""

from __future__ import annotations

import json
import math
import reprlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

STAGE_METRICS = "pipeline_stage_metrics"
"""The tag of the lines in a performance log that hold a request's stages."""

DUMP_VERSION = 1
"""The version of what perfgate writes under its own key in a dump."""


class FormatError(ValueError):
    """Not of the form, or impossible times: the text goes on from the name of what was read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StageTime:
    """One stage of one request; only the log tells ``is_denoising``."""

    name: str
    duration_ms: float
    is_denoising: bool | None = None


@dataclass(frozen=True, slots=True)
class RequestTimes(ABC):
    """One request in either form. A property raises FormatError where it cannot tell.

    ``document`` is all of it. Memory is in MiB, by the name of the moment it was read.
    """

    document: Mapping[str, Any]

    STAGES: ClassVar[str]
    STAGE_MS: ClassVar[str]
    STEPS: ClassVar[str]
    MEMORY: ClassVar[str]

    @property
    def request_id(self) -> str:
        return self._text("request_id")

    @property
    def timestamp(self) -> str:
        return self._text("timestamp")

    @property
    def commit_hash(self) -> str:
        return self._text("commit_hash")

    @property
    def tag(self) -> str:
        return self._text("tag")

    @property
    def total_duration_ms(self) -> float:
        """The request from beginning to end; stages are at most that together."""
        total = _number(self.document.get("total_duration_ms"), "total_duration_ms")
        if total <= 0:
            raise FormatError(f"total_duration_ms is {total:g}; a request takes more than no time")
        return total

    @property
    def stages(self) -> tuple[StageTime, ...]:
        """In the order of execution; empty where sglang suppressed them, as in a warm-up."""
        listed = self.document.get(self.STAGES)
        if not isinstance(listed, list):
            raise FormatError(
                f"{self.STAGES} names no stage; it must list name and {self.STAGE_MS}"
            )
        return tuple(self._stage(row, f"{self.STAGES}[{i}]") for i, row in enumerate(listed))

    @property
    def steps_ms(self) -> tuple[float, ...]:
        """The denoising steps of all loops, in order."""
        listed = self.document.get(self.STEPS, [])
        if not isinstance(listed, list):
            raise FormatError(f"{self.STEPS} must be a list")
        return tuple(self._step_ms(step, f"{self.STEPS}[{i}]") for i, step in enumerate(listed))

    @property
    def memory_mb(self) -> dict[str, dict[str, float]]:
        """What is a number at each moment."""
        moments = self.document.get(self.MEMORY) or {}
        if not isinstance(moments, Mapping):
            raise FormatError(f"{self.MEMORY} must map a moment to its readings")
        return {
            moment: {
                name: _number(value, f"{self.MEMORY}.{moment}.{name}")
                for name, value in readings.items()
                if isinstance(value, int | float) and not isinstance(value, bool)
            }
            for moment, readings in moments.items()
            if isinstance(readings, Mapping)
        }

    @property
    def stages_are_suppressed(self) -> bool:
        """Whether the stages were left out on purpose, as sglang does for a warm-up request."""
        return self.document.get("suppress_stage_breakdown") is True

    @property
    def ran_cold(self) -> bool:
        """Whether the warm-up before this request failed, so that it is itself a first request."""
        return self.document.get("warmup_failed") is True

    @property
    def perfgate(self) -> Mapping[str, Any]:
        """What perfgate added under its own key; empty where it did not write the document."""
        own = self.document.get("perfgate")
        if not isinstance(own, Mapping):
            return {}
        version = own.get("version", DUMP_VERSION)
        if type(version) is not int or version != DUMP_VERSION:
            raise FormatError(
                f"perfgate.version is {reprlib.repr(version)}, and this perfgate reads "
                f"{DUMP_VERSION}: let the benchmark and the gate use the same perfgate"
            )
        return own

    @property
    def incomplete(self) -> tuple[str, ...]:
        """The spans that an exception left, innermost first; a request has none."""
        names = self.perfgate.get("incomplete", [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise FormatError("perfgate.incomplete must be a list of names")
        return tuple(names)

    @staticmethod
    @abstractmethod
    def _step_ms(step: object, where: str) -> float: ...

    def _stage(self, row: object, where: str) -> StageTime:
        if not isinstance(row, Mapping) or not isinstance(row.get("name"), str):
            raise FormatError(f"{where} must be a mapping with name and {self.STAGE_MS}")
        denoising = row.get("is_denoising")
        return StageTime(
            name=row["name"],
            duration_ms=_time(row.get(self.STAGE_MS), f"{where}.{self.STAGE_MS}"),
            is_denoising=denoising if isinstance(denoising, bool) else None,
        )

    def _text(self, key: str) -> str:
        value = self.document.get(key)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class PerfDump(RequestTimes):
    """A request of ``--perf-dump-path``."""

    STAGES = "steps"
    STAGE_MS = "duration_ms"
    STEPS = "denoise_steps_ms"
    MEMORY = "memory_checkpoints"

    @staticmethod
    def _step_ms(step: object, where: str) -> float:
        value = step.get("duration_ms") if isinstance(step, Mapping) else None
        return _time(value, f"{where}.duration_ms")


@dataclass(frozen=True, slots=True)
class PerfLogLine(RequestTimes):
    """A line of ``performance.log``; only those tagged :data:`STAGE_METRICS` hold stages."""

    STAGES = "stages"
    STAGE_MS = "execution_time_ms"
    STEPS = "steps"
    MEMORY = "memory_snapshots"

    @staticmethod
    def _step_ms(step: object, where: str) -> float:
        return _time(step, where)


def parse_json(text: str) -> Any:  # noqa: ANN401 - whatever the text says
    """JSON without NaN and infinities, which no time is. Raises FormatError."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise FormatError(f"is not whole JSON: {error}") from error


def parse_dump(text: str) -> PerfDump:
    """A performance dump from its text. Raises FormatError."""
    document = parse_json(text)
    if not isinstance(document, dict):
        raise FormatError("is not a mapping with total_duration_ms and steps")
    dump = PerfDump(document)
    _ = dump.perfgate  # a version that nobody here can read is told at once
    return dump


def parse_log(text: str) -> tuple[PerfLogLine, ...]:
    """Every line of a performance log, whatever its tag. Raises FormatError naming the line."""
    if not text:
        return ()
    lines = []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        try:
            document = parse_json(line)
        except FormatError as error:
            raise FormatError(f"{error} (line {number})") from error
        if not isinstance(document, dict):
            raise FormatError(f"holds no mapping in line {number}")
        lines.append(PerfLogLine(document))
    return tuple(lines)


def log_text(lines: Iterable[PerfLogLine]) -> str:
    """As sglang writes it: one document a line. Raises ValueError for NaN and infinities."""
    return "".join(f"{json.dumps(line.document, allow_nan=False)}\n" for line in lines)


def _refuse_constant(name: str) -> float:
    raise FormatError(f"holds {name}, which is no time")


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FormatError(f"{where} is {reprlib.repr(value)}; it must be a number of milliseconds")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise FormatError(f"{where} is {number:g}; it must be finite")
    return number


def _time(value: object, where: str) -> float:
    number = _number(value, where)
    if number < 0:
        raise FormatError(f"{where} is {number:g}; a time cannot be negative")
    return number
