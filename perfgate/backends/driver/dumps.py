"""Makes each request's part of the report: sglang's dump where there is one, else what was seen."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from perfgate.backends.driver import answers
from perfgate.backends.driver.exchange import Served
from perfgate.backends.driver.spec import Spec
from perfgate.backends.failures import FrameworkError
from perfgate.profile.dump import UNKNOWN_COMMIT, read_dump
from perfgate.profile.sglang import DUMP_VERSION, FormatError
from perfgate.records.results import FailureKind

Dump: TypeAlias = dict[str, Any]

WHOLE_REQUEST = "RequestStage"
"""The one stage of a request whose server tells of none."""
_TAG = "perfgate"
_PATIENCE_S = 1.0
_LOOK_S = 0.02
_MOST_DUMP_BYTES = 16 * 2**20


def wait_for_dump(path: Path) -> Dump | None:
    """The dump that a server was asked for; None where it writes none.

    It is written by another process than the one that answers, and may be a moment late. Raises
    FrameworkError for one that is damaged.
    """
    until_s = time.monotonic() + _PATIENCE_S
    while not path.is_file():
        if time.monotonic() > until_s:
            return None
        time.sleep(_LOOK_S)
    return read_whole(path)


def read_whole(path: Path) -> Dump:
    """A dump that is there. Raises FrameworkError for one that is missing or damaged."""
    try:
        if path.stat().st_size > _MOST_DUMP_BYTES:
            raise FormatError(f"is larger than {_MOST_DUMP_BYTES} bytes")
        return dict(read_dump(path).document)
    except FileNotFoundError:
        raise FrameworkError(FailureKind.DAMAGED, "no performance dump was written") from None
    except (OSError, UnicodeDecodeError, FormatError) as error:
        raise FrameworkError(FailureKind.DAMAGED, f"the performance dump {error}") from error


def served_dump(spec: Spec, index: int, served: Served, dump: Dump | None, told: Dump) -> Dump:
    """A request to a server: the client's time is the whole, the server's own stands beside it.

    Stages and steps are the dump's, else the answer's, else one stage that is the whole request.
    """
    latency = None if spec.sending is None else spec.sending.latency
    own_ms = answers.server_ms(served.document, latency)
    if own_ms is None and latency is not None:
        raise FrameworkError(FailureKind.DAMAGED, f"the answer has no number at {latency}")
    if own_ms is None and dump is not None:
        own_ms = answers.number(dump.get("total_duration_ms"))
    stages = answers.stages_ms(served.document) or {WHOLE_REQUEST: served.client_ms}
    own: Dump = {**told, "client_latency_ms": served.client_ms}
    if own_ms is not None:
        own["server_latency_ms"] = own_ms
    memory = answers.peak_memory_mb(served.document)
    if memory is not None:
        own["peak_memory_mb"] = memory
    if served.polls:
        own["polls"] = served.polls
    base = dump or {
        "steps": [{"name": name, "duration_ms": ms} for name, ms in stages.items()],
        "denoise_steps_ms": [],
        "memory_checkpoints": {},
    }
    if dump is None and spec.sending is not None and spec.sending.dump_field is not None:
        own["missing_perf_dump"] = True
    return _with(base, spec, index, total_ms=served.client_ms, own=own)


def one_shot_dump(spec: Spec, index: int, dump: Dump, told: Dump) -> Dump:
    """A request that the framework's own command made: all times are its own."""
    total_ms = answers.number(dump.get("total_duration_ms"))
    return _with(dump, spec, index, total_ms=total_ms, own={**told, "server_latency_ms": total_ms})


def _with(base: Dump, spec: Spec, index: int, *, total_ms: float | None, own: Dump) -> Dump:
    now = datetime.now(UTC).isoformat()
    return {
        **base,
        "timestamp": base.get("timestamp", now),
        "request_id": base.get("request_id", f"{spec.framework}-{index}"),
        "commit_hash": base.get("commit_hash", UNKNOWN_COMMIT),
        "tag": base.get("tag", _TAG),
        "total_duration_ms": total_ms,
        "meta": {"prompt": spec.prompt, "model": spec.model},
        "perfgate": {"version": DUMP_VERSION, **own},
    }
