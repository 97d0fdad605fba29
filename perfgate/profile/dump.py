"""Writes a request's timings as sglang's performance dump. Imports the standard library alone.

perfgate adds exactly one top-level key, ``perfgate``, so that every reader of sglang's dumps reads
these as well:

    version       of this key's content; absent in the first dumps, which read as version 1
    sync          what the times are: see :class:`~perfgate.profile.recorder.StageRecorder`
    incomplete    only if an exception left a span: their names, innermost first
    stage_counts  stages that ran more than once
    nested        spans inside a stage or a step: name, within, duration_ms, count

and whatever the program that was measured has to tell.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from perfgate.profile.recorder import StageRecorder
from perfgate.profile.sglang import (
    DUMP_VERSION,
    PerfDump,
    PerfLogLine,
    log_text,
    parse_dump,
    parse_log,
)

UNKNOWN_COMMIT = "N/A"
"""What sglang writes where no commit is known."""


def request_dump(
    recorder: StageRecorder,
    *,
    request_id: str,
    timestamp: str,
    tag: str,
    commit_hash: str = UNKNOWN_COMMIT,
    meta: Mapping[str, Any] | None = None,
    perfgate: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One request as a dump; ``perfgate`` is what goes under that key beside the recorder's own.

    A request that an exception ended has no total, and ``perfgate.incomplete`` names what was open:
    its other figures show how far it came and compare with nothing. Raises ValueError for one that
    never began.
    """
    if recorder.total_ms is None and not recorder.incomplete:
        raise ValueError(f"request {request_id} was not recorded: request() was never opened")
    return {
        "timestamp": timestamp,
        "request_id": request_id,
        "commit_hash": commit_hash,
        "tag": tag,
        "total_duration_ms": recorder.total_ms,
        "steps": [
            {"name": stage.name, "duration_ms": stage.duration_ms} for stage in recorder.stages
        ],
        "denoise_steps_ms": [
            {"step": index, "duration_ms": duration_ms}
            for index, duration_ms in enumerate(recorder.steps_ms)
        ],
        "memory_checkpoints": recorder.memory_checkpoints,
        "meta": dict(meta or {}),
        "perfgate": {**(perfgate or {}), **_beyond_sglang(recorder)},
    }


def read_dump(path: Path) -> PerfDump:
    """A dump that sglang or perfgate wrote. Raises FormatError, or OSError from the file."""
    return parse_dump(path.read_text(encoding="utf-8"))


def write_dump(path: Path, dump: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    """Write one dump, or a list with one a request, so that nobody ever reads half a file.

    A dump's bytes are those of sglang: two spaces a level, no newline at the end. Raises ValueError
    for NaN and infinities.
    """
    _replace(path, json.dumps(dump, indent=2, allow_nan=False))


def read_log(path: Path) -> tuple[PerfLogLine, ...]:
    """Every line of sglang's performance.log. Raises FormatError, or OSError from the file."""
    return parse_log(path.read_text(encoding="utf-8"))


def write_log(path: Path, lines: Iterable[PerfLogLine]) -> None:
    """Write a whole performance.log; a reader sees the old one or this one."""
    _replace(path, log_text(lines))


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise


def _beyond_sglang(recorder: StageRecorder) -> dict[str, Any]:
    """What sglang's rows have no place for."""
    told: dict[str, Any] = {"version": DUMP_VERSION, "sync": recorder.sync}
    if recorder.incomplete:
        told["incomplete"] = list(recorder.incomplete)
    repeated = {stage.name: stage.count for stage in recorder.stages if stage.count > 1}
    if repeated:
        told["stage_counts"] = repeated
    if recorder.nested:
        told["nested"] = [
            {
                "name": stage.name,
                "within": stage.within,
                "duration_ms": stage.duration_ms,
                "count": stage.count,
            }
            for stage in recorder.nested
        ]
    return told
