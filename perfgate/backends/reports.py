"""Reads what a benchmark left behind: sglang's performance dump, one or a list of them.

Nothing in the file is trusted: size, shape and every number are checked, and a refusal names the
place in the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from perfgate.records import OutputFingerprint, Report, Stage

MAX_REPORT_BYTES = 16 * 2**20
_KNOWN = {"total_duration_ms", "steps", "denoise_steps_ms", "memory_checkpoints", "perfgate"}
_PEAKS = ("peak_reserved_mb", "peak_allocated_mb", "peak_host_anon_mb")


class ReportError(ValueError):
    """The report is missing, damaged or impossible; the text says where."""


def read_reports(path: Path) -> tuple[Report, ...]:
    """Every request in the report file, in order. Raises ReportError."""
    try:
        size = path.stat().st_size
        if size > MAX_REPORT_BYTES:
            raise ReportError(f"the report is {size} bytes; {MAX_REPORT_BYTES} are read at most")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ReportError("no report was written to $PERFGATE_REPORT") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"the report cannot be read: {error}") from error
    return parse_reports(text)


def parse_reports(text: str) -> tuple[Report, ...]:
    """The same from the file's text."""
    if not text.strip():
        raise ReportError("the report is empty")
    try:
        data = json.loads(text, parse_constant=_refuse_constant)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ReportError(f"the report is not whole JSON: {error}") from error
    dumps = data if isinstance(data, list) else [data]
    if not dumps:
        raise ReportError("the report is an empty list: no request was measured")
    return tuple(_report(dump, f"report[{i}]") for i, dump in enumerate(dumps))


def imported_files(reports: tuple[Report, ...]) -> dict[str, str]:
    """Which file each module came from, as far as the reports say so."""
    found: dict[str, str] = {}
    for report in reports:
        said = report.extra.get("imported")
        if isinstance(said, Mapping):
            found |= {str(name): str(place) for name, place in said.items()}
    return found


def _refuse_constant(name: str) -> float:
    raise ReportError(f"the report holds {name}, which is no time")


def _report(dump: object, where: str) -> Report:
    if not isinstance(dump, Mapping):
        raise ReportError(f"{where} is not a mapping with total_duration_ms and steps")
    own = dump.get("perfgate")
    own = own if isinstance(own, Mapping) else {}
    total = _positive(dump.get("total_duration_ms"), f"{where}.total_duration_ms")
    try:
        return Report(
            total_duration_ms=total,
            stages=_stages(dump.get("steps"), where),
            steps_ms=_steps(dump.get("denoise_steps_ms", []), where),
            load_ms=own.get("load_ms"),
            peak_memory_mb=own.get("peak_memory_mb", _peak(dump.get("memory_checkpoints"))),
            output=_output(own.get("output")),
            extra=_extra(dump, own),
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ReportError(f"{where}.{place}: {first['msg']}") from error


def _extra(dump: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in dump.items() if key not in _KNOWN}
    read = ("load_ms", "peak_memory_mb", "output")
    return kept | {key: value for key, value in own.items() if key not in read}


def _stages(listed: object, where: str) -> tuple[Stage, ...]:
    if not isinstance(listed, list) or not listed:
        raise ReportError(f"{where}.steps names no stage; it must list name and duration_ms")
    stages = []
    for index, item in enumerate(listed):
        place = f"{where}.steps[{index}]"
        if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
            raise ReportError(f"{place} must be a mapping with name and duration_ms")
        duration_ms = _time(item.get("duration_ms"), f"{place}.duration_ms")
        stages.append(Stage(name=item["name"], duration_ms=duration_ms))
    return tuple(stages)


def _steps(listed: object, where: str) -> tuple[float, ...]:
    if not isinstance(listed, list):
        raise ReportError(f"{where}.denoise_steps_ms must be a list")
    return tuple(
        _time(
            item.get("duration_ms") if isinstance(item, Mapping) else None,
            f"{where}.denoise_steps_ms[{index}].duration_ms",
        )
        for index, item in enumerate(listed)
    )


def _output(said: object) -> OutputFingerprint | None:
    return None if said is None else OutputFingerprint.model_validate(said)


def _peak(checkpoints: object) -> float | None:
    """The highest peak of any checkpoint in MiB; reserved memory where the dump has it."""
    if not isinstance(checkpoints, Mapping):
        return None
    for key in _PEAKS:
        values = [c[key] for c in checkpoints.values() if isinstance(c, Mapping) and key in c]
        numbers = [float(v) for v in values if isinstance(v, int | float) and v > 0]
        if numbers:
            return max(numbers)
    return None


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ReportError(f"{where} is {value!r}; it must be a number of milliseconds")
    if not math.isfinite(value):
        raise ReportError(f"{where} is {value!r}; it must be finite")
    return float(value)


def _time(value: object, where: str) -> float:
    number = _number(value, where)
    if number < 0:
        raise ReportError(f"{where} is {number:g}; a time cannot be negative")
    return number


def _positive(value: object, where: str) -> float:
    number = _number(value, where)
    if number <= 0:
        raise ReportError(f"{where} is {number:g}; a request takes more than no time")
    return number
