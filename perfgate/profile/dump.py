"""Writes a request's timings as sglang's performance dump. Imports the standard library alone.

sglang's form (multimodal_gen, ``--perf-dump-path``) keeps *stages* under the key ``steps`` and
denoising steps under ``denoise_steps_ms``. perfgate adds exactly one top-level key, ``perfgate``,
so that every reader of sglang's dumps reads these as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perfgate.profile.recorder import StageRecorder

UNKNOWN_COMMIT = "N/A"
"""What sglang writes where no commit is known."""


def request_dump(
    recorder: StageRecorder,
    *,
    request_id: str,
    timestamp: str,
    tag: str,
    commit_hash: str = UNKNOWN_COMMIT,
    memory_checkpoints: Mapping[str, Mapping[str, float]] | None = None,
    meta: Mapping[str, Any] | None = None,
    perfgate: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One request as a dump; ``perfgate`` is what goes under that key beside the recorder's own.

    Raises ValueError for a request that did not end: its figures would compare with nothing.
    """
    total_ms = recorder.total_ms
    if recorder.incomplete or total_ms is None:
        named = ", ".join(recorder.incomplete) or "request() was never opened"
        raise ValueError(f"request {request_id} is incomplete: {named}")
    return {
        "timestamp": timestamp,
        "request_id": request_id,
        "commit_hash": commit_hash,
        "tag": tag,
        "total_duration_ms": total_ms,
        "steps": [
            {"name": stage.name, "duration_ms": stage.duration_ms} for stage in recorder.stages
        ],
        "denoise_steps_ms": [
            {"step": index, "duration_ms": duration_ms}
            for index, duration_ms in enumerate(recorder.steps_ms)
        ],
        "memory_checkpoints": {name: dict(at) for name, at in (memory_checkpoints or {}).items()},
        "meta": dict(meta or {}),
        "perfgate": {**(perfgate or {}), **_beyond_sglang(recorder)},
    }


def write_dump(path: Path, dump: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    """Write one dump, or a list with one a request, so that nobody ever reads half a file."""
    text = json.dumps(dump, indent=2, allow_nan=False) + "\n"
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
    """What sglang's rows have no place for; absent when there is nothing to tell."""
    told: dict[str, Any] = {}
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
