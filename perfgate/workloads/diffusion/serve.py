"""Loads a pipeline, serves its requests and describes each one. Sets torch up for this process."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import torch

import perfgate
from perfgate.profile.devices.device import Device
from perfgate.profile.dump import request_dump, write_dump
from perfgate.profile.recorder import StageRecorder, Sync
from perfgate.workloads.allocator import keep_freed_memory
from perfgate.workloads.diffusion.acceleration import Acceleration, accelerate
from perfgate.workloads.diffusion.config import PipelineConfig
from perfgate.workloads.diffusion.failures import LOADING, check_finite, explained
from perfgate.workloads.diffusion.flops import count_flops
from perfgate.workloads.diffusion.output import output_fingerprint
from perfgate.workloads.diffusion.pipeline import Generated, Pipeline
from perfgate.workloads.diffusion.placement import Placement, placed
from perfgate.workloads.software import build_of

Dump: TypeAlias = dict[str, Any]

_TAG = "perfgate"
_WARM_UP = "warm-up"
_NS_PER_MS = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What this process is to measure; ``flops`` asks for one more request, which is counted."""

    config: PipelineConfig
    device: Device
    sync: Sync
    requests: int
    threads: int
    commit: str
    flops: bool


def measure(session: Session, report: Path) -> None:
    """Load, serve one warm-up request and then the measured ones; write a list of their dumps.

    Where a request fails, the list ends with its dump as far as it came. Raises BenchmarkError for
    a lack of memory, with the stage and what would fit, and for an output that is not finite;
    ConfigurationError for an execution that this device does not offer.
    """
    pipeline, told = _ready(session, report)
    _serve(session, pipeline, told, report, flops=session.flops)


def stay(session: Session, reports: Iterable[Path]) -> None:
    """The same for every path of ``reports``, taken one at a time, after one loading and warm-up.

    Raises what :func:`measure` does, at the first request that fails.
    """
    pipeline, told = _ready(session, None)
    if session.flops:
        told["flops"] = count_flops(pipeline)
    for report in reports:
        _serve(session, pipeline, told, report, flops=False)


def _ready(session: Session, report: Path | None) -> tuple[Pipeline, Dump]:
    """The pipeline, loaded and warmed up; a warm-up that fails leaves its dump at ``report``."""
    torch.set_num_threads(session.threads)
    torch.set_num_interop_threads(session.threads)
    keep_freed_memory()
    pipeline, told = _loaded(session)
    _generated(session, pipeline, _recorder(session), name=_WARM_UP, told=told, report=report)
    return pipeline, told


def _serve(session: Session, pipeline: Pipeline, told: Dump, report: Path, *, flops: bool) -> None:
    """Serve the measured requests and write their dumps."""
    dumps: list[Dump] = []
    for index in range(session.requests):
        gc.collect()  # so that no request pays for the one before
        name = f"{session.config.preset}-{index}"
        recorder = _recorder(session)
        generated = _generated(
            session, pipeline, recorder, name=name, told=told, report=report, before=dumps
        )
        check_finite(generated)
        outcome = _outcome(session, generated, told)
        dumps.append(_dump(session, recorder, name=name, told={**told, **outcome}))
    if flops:
        dumps[-1]["perfgate"]["flops"] = count_flops(pipeline)
    write_dump(report, dumps)


def _recorder(session: Session) -> StageRecorder:
    """Memory is read after each stage, and its peaks begin again with each request."""
    return StageRecorder(device=session.device, sync=session.sync, capture_memory=True)


def _loaded(session: Session) -> tuple[Pipeline, Dump]:
    """The pipeline, ready to serve, and what every report tells of this process."""
    placement = placed(session.config.execution.dtype, session.device)
    began_ns = time.perf_counter_ns()
    try:
        pipeline = Pipeline(session.config, placement)
        acceleration = accelerate(pipeline, session.device)
        session.device.synchronise()
    except Exception as error:  # noqa: BLE001 - raised again, in words where there are any
        _raise(error, (LOADING,), session, placement)
    load_ms = (time.perf_counter_ns() - began_ns) / _NS_PER_MS
    return pipeline, {"load_ms": load_ms, **_process(session, placement, acceleration)}


def _generated(
    session: Session,
    pipeline: Pipeline,
    recorder: StageRecorder,
    *,
    name: str,
    told: Dump,
    report: Path | None,
    before: Sequence[Dump] = (),
) -> Generated:
    """Serve one request; one that fails leaves its dump in the report, after those ``before``."""
    try:
        return pipeline.generate(session.config.request, recorder)
    except Exception as error:  # noqa: BLE001 - raised again, in words where there are any
        if report is not None:
            write_dump(report, [*before, _dump(session, recorder, name=name, told=told)])
        _raise(error, recorder.incomplete, session, pipeline.placement)


def _raise(
    error: Exception, within: Sequence[str], session: Session, placement: Placement
) -> NoReturn:
    told = explained(
        error, within=within, config=session.config, placement=placement, device=session.device
    )
    raise told from (None if told is error else error)


def _dump(session: Session, recorder: StageRecorder, *, name: str, told: Dump) -> Dump:
    return request_dump(
        recorder,
        request_id=name,
        timestamp=datetime.now(UTC).isoformat(),
        tag=_TAG,
        commit_hash=session.commit,
        meta={"prompt": session.config.request.prompt, "model": session.config.preset},
        perfgate=told,
    )


def _process(session: Session, placement: Placement, acceleration: Acceleration) -> Dump:
    """What holds for every request of this process."""
    device, execution = session.device, session.config.execution
    compiled: Dump = {"compiled": acceleration.compiled}
    if acceleration.compiled:
        compiled["compile_ms"] = acceleration.compile_ms
    if acceleration.not_compiled:
        compiled["not_compiled"] = acceleration.not_compiled
    return {
        "imported": {"perfgate": str(Path(perfgate.__file__).resolve())},
        "threads": torch.get_num_threads(),
        "dtype": str(placement.dtype).removeprefix("torch."),
        "device": device.kind,
        "device_name": device.name(),
        "attention": execution.attention,
        **compiled,
        "graphs": execution.graphs,
        "float32_matmul_precision": torch.get_float32_matmul_precision(),  # TF32, on GPUs that can
        "build": build_of(device, compiled=acceleration.compiled),
    }


def _outcome(session: Session, generated: Generated, told: Dump) -> Dump:
    """What the request computed, and the most memory that it had: the device's, or resident."""
    memory = session.device.memory()
    peak_mb = memory.peak_host_mb if session.device.kind == "cpu" else memory.peak_reserved_mb
    output = output_fingerprint(generated)
    return {
        "peak_memory_mb": peak_mb,
        "output": {**output, "build": told["build"], "dtype": told["dtype"]},
    }
