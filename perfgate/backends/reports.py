"""Reads what a benchmark left behind: sglang's performance dump, one or a list of them, or its log.

What github-action-benchmark is fed is read as well, as one request.

Nothing in the file is trusted: size, shape and every number are checked, and a refusal names the
place in the file.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from perfgate.backends.benchmark_lists import as_dump
from perfgate.backends.failures import reported_failure
from perfgate.profile.sglang import (
    STAGE_METRICS,
    FormatError,
    PerfDump,
    PerfLogLine,
    RequestTimes,
    parse_json,
    parse_log,
)
from perfgate.records import OutputFingerprint, Report, Stage

MAX_REPORT_BYTES = 16 * 2**20
_MOST_NAMED = 4
_MOST_NAME_CHARS = 200
_READ = {"total_duration_ms", "perfgate"}
_READ_OF_OWN = {
    *("version", "sync", "incomplete", "stage_counts"),
    *("load_ms", "peak_memory_mb", "flops", "output"),
}
_PEAKS = ("peak_reserved_mb", "peak_allocated_mb", "peak_host_anon_mb", "peak_host_mb")


class ReportError(ValueError):
    """The report is missing, damaged or impossible; the text says where."""


def read_reports(path: Path) -> tuple[Report, ...]:
    """Every request in the report file, in order. Raises ReportError."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            # A pipe would be waited for as long as nobody writes to it.
            raise ReportError("the report is no plain file")
        size = status.st_size
        if size > MAX_REPORT_BYTES:
            raise ReportError(f"the report is {size} bytes; {MAX_REPORT_BYTES} are read at most")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ReportError("no report was written to $PERFGATE_REPORT") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"the report cannot be read: {error}") from error
    return parse_reports(text)


def parse_reports(text: str) -> tuple[Report, ...]:
    """The same from the file's text.

    Of a performance log the requests after the last warm-up are read: those whose line is tagged
    as one with stages, behind the last such line that tells none. The log has to be this launch's
    own (``SGLANG_PERF_LOG_DIR`` in a fresh folder): sglang goes on writing where it finds one.
    """
    if not text.strip():
        raise ReportError("the report is empty")
    try:
        requests = _logged(text) if _is_log(text) else _dumped(text)
    except FormatError as error:
        raise ReportError(f"the report {error}") from error
    return tuple(_report(request, where) for where, request in requests)


def imported_files(reports: tuple[Report, ...]) -> dict[str, str]:
    """Which file each module came from, as far as the reports say so."""
    found: dict[str, str] = {}
    for report in reports:
        said = report.extra.get("imported")
        if isinstance(said, Mapping):
            found |= {str(name): str(place) for name, place in said.items()}
    return found


def _is_log(text: str) -> bool:
    """Whether the text is one document a line; a dump on a single line is none."""
    first, _, rest = text.partition("\n")
    try:
        document = parse_json(first)
    except FormatError:
        return False
    tagged = isinstance(document, dict) and document.get("tag") == STAGE_METRICS
    return tagged or bool(rest.strip())


def _dumped(text: str) -> list[tuple[str, RequestTimes]]:
    data = parse_json(text)
    failure = reported_failure(data)
    if failure is not None:
        raise ReportError(failure)
    listed = as_dump(data)
    dumps = [listed] if listed is not None else data if isinstance(data, list) else [data]
    if not dumps:
        raise ReportError("the report is an empty list: no request was measured")
    found: list[tuple[str, RequestTimes]] = []
    for index, document in enumerate(dumps):
        where = f"report[{index}]"
        if not isinstance(document, dict):
            raise ReportError(f"{where} is not a mapping with total_duration_ms and steps")
        dump = PerfDump(document)
        if dump.stages_are_suppressed:
            raise ReportError(f"{where} is a warm-up (suppress_stage_breakdown), no measurement")
        found.append((where, dump))
    return found


def _logged(text: str) -> list[tuple[str, RequestTimes]]:
    tagged = [
        (f"report line {number}", line)
        for number, line in enumerate(parse_log(text), start=1)
        if line.tag == STAGE_METRICS
    ]
    if not tagged:
        raise ReportError(f"no line of the report is tagged {STAGE_METRICS}")
    warm_ups = [index for index, (_, line) in enumerate(tagged) if _is_warm_up(line)]
    measured = tagged[warm_ups[-1] + 1 :] if warm_ups else tagged
    if not measured:
        raise ReportError(
            f"{tagged[-1][0]}, the last request, tells no stages, as a warm-up: "
            "no request was measured"
        )
    return list(measured)


def _is_warm_up(line: PerfLogLine) -> bool:
    """sglang writes a warm-up's line without its stages, and does not say why there are none."""
    return line.stages_are_suppressed or line.document.get("stages") == []


def _report(request: RequestTimes, where: str) -> Report:
    try:
        own = request.perfgate
        _refuse_what_is_no_measurement(request, where)
        memory = request.memory_mb
        report = Report(
            total_duration_ms=request.total_duration_ms,
            stages=_stages(request, own.get("stage_counts")),
            steps_ms=request.steps_ms,
            load_ms=own.get("load_ms"),
            peak_memory_mb=own.get("peak_memory_mb", _peak(memory)),
            memory_checkpoints=memory,
            sync=own.get("sync"),
            flops=own.get("flops"),
            output=_output(own.get("output")),
            extra=_extra(request, own),
        )
        report.model_dump_json()  # what cannot be written must not get as far as the record
    except FormatError as error:
        raise ReportError(f"{where}.{error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ReportError(f"{where}.{place}: {first['msg']}") from error
    except PydanticSerializationError as error:
        raise ReportError(f"{where} cannot be kept: {error}") from error
    return report


def _refuse_what_is_no_measurement(request: RequestTimes, where: str) -> None:
    if request.ran_cold:
        raise ReportError(f"{where} ran cold: the warm-up before it failed (warmup_failed)")
    left = [name[:_MOST_NAME_CHARS] for name in request.incomplete]
    if not left:
        return
    stages = ", ".join([name for name in left if name != "request"][:_MOST_NAMED])
    if "request" not in left:
        raise ReportError(f"{where}: an exception left {stages}, whose time is not known")
    raise ReportError(f"{where}: the request ended in {stages or 'none of its stages'}")


def _stages(request: RequestTimes, counts: object) -> tuple[Stage, ...]:
    stages = request.stages
    if not stages:
        raise FormatError(f"{request.STAGES} names no stage; it must list name and duration_ms")
    known = counts if isinstance(counts, Mapping) else {}
    return tuple(
        Stage(name=stage.name, duration_ms=stage.duration_ms, count=known.get(stage.name, 1))
        for stage in stages
    )


def _output(said: object) -> OutputFingerprint | None:
    return None if said is None else OutputFingerprint.model_validate(said)


def _peak(memory: Mapping[str, Mapping[str, float]]) -> float | None:
    """The highest peak of any moment in MiB; reserved memory where the report has it."""
    for key in _PEAKS:
        peaks = [reading[key] for reading in memory.values() if reading.get(key, 0) > 0]
        if peaks:
            return max(peaks)
    return None


def _extra(request: RequestTimes, own: Mapping[str, Any]) -> dict[str, Any]:
    """Whatever else was told, perfgate's own words beside sglang's."""
    read = _READ | {request.STAGES, request.STEPS, request.MEMORY}
    kept = {key: value for key, value in request.document.items() if key not in read}
    return kept | {key: value for key, value in own.items() if key not in _READ_OF_OWN}
