"""One launch of a pipeline: loads it, compiles and warms up, serves requests, describes each."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

import diffusers
import torch
from diffusers.utils.loading_utils import load_image

from perfgate.profile.devices.device import Device
from perfgate.profile.dump import request_dump
from perfgate.profile.recorder import StageRecorder, Sync
from perfgate.workloads.allocator import keep_freed_memory
from perfgate.workloads.pipelines import compiling
from perfgate.workloads.pipelines.asking import Call, call_of
from perfgate.workloads.pipelines.explaining import (
    call_after_the_last_step,
    explained,
    no_steps,
)
from perfgate.workloads.pipelines.failing import OTHER, LaunchError
from perfgate.workloads.pipelines.loading import Found, find_model, load_pipeline
from perfgate.workloads.pipelines.outcome import output_fingerprint
from perfgate.workloads.pipelines.patience import Patience
from perfgate.workloads.pipelines.spec import Spec
from perfgate.workloads.pipelines.timeline import Timeline
from perfgate.workloads.pipelines.watching import Watched, watch
from perfgate.workloads.software import build_of

Dump: TypeAlias = dict[str, Any]

_TAG = "perfgate_diffusers"
_TOLD_VERSIONS = ("diffusers", "torch", "transformers", "accelerate")
_NS_PER_MS = 1e6


@dataclass(kw_only=True)
class Session:
    """A loaded pipeline that is watched, and what every report tells of it."""

    spec: Spec
    device: Device
    pipeline: Any
    watched: Watched
    call: Call
    told: Dump = field(default_factory=dict)


def measure(spec: Spec, device: Device, patience: Patience) -> list[Dump]:
    """A dump for each measured request. Raises LaunchError for all that can go wrong."""
    keep_freed_memory()
    limits, began_ns = spec.limits, time.perf_counter_ns()
    with patience.at_most(limits.download_s, busy=f"downloading {spec.model}", key="download"):
        found = find_model(spec.model, spec.options)
    download_ms = _since(began_ns)
    with patience.at_most(limits.load_s, busy=f"loading {spec.model}", key="load"):
        session = _loaded(spec, device, found)
    if found.revision:
        session.told["download_ms"] = download_ms

    def in_time(busy: str) -> AbstractContextManager[None]:
        return patience.at_most(limits.request_s, busy=busy, key="request")

    if spec.compile:
        with patience.at_most(limits.compile_s, busy="compiling", key="compile"):
            _compile(session)
    with in_time("warming up"):
        began_ns = time.perf_counter_ns()
        _generate(session, _recorder(session))
        session.told["warm_up_ms"] = _since(began_ns)
    dumps = []
    for index in range(spec.requests):
        gc.collect()  # so that no request pays for the one before
        dumps.append(_measured(session, index, in_time))
    return dumps


def _loaded(spec: Spec, device: Device, found: Found) -> Session:
    began_ns = time.perf_counter_ns()
    pipeline = load_pipeline(found, spec.options, device)
    load_ms = _since(began_ns)
    call = call_of(pipeline, spec.request, load_image=load_image)
    watched = watch(pipeline)
    if not watched.denoisers or not watched.schedulers:
        raise LaunchError(OTHER, no_steps(pipeline, watched))
    session = Session(spec=spec, device=device, pipeline=pipeline, watched=watched, call=call)
    session.told = {"load_ms": load_ms, **_process(session, found)}
    return session


def _compile(session: Session) -> None:
    """Compile, and serve the first request, in which torch does it."""
    began_ns = time.perf_counter_ns()
    denoisers = session.watched.denoisers.values()
    compiling.compile_denoisers(denoisers, session.spec.options.compile_mode)
    _generate(session, _recorder(session))
    compiling.check_compiled()
    session.told["compile_ms"] = _since(began_ns)


def _measured(
    session: Session, index: int, in_time: Callable[[str], AbstractContextManager[None]]
) -> Dump:
    before = compiling.graphs() if session.spec.compile else 0
    recorder = _recorder(session)
    with in_time(f"request {index + 1} of {session.spec.requests}"):
        result, timeline = _generate(session, recorder)
    if session.spec.compile:
        compiling.check_compiled()
        compiling.check_not_compiled_again(before)
    memory = session.device.memory()
    is_cpu = session.device.kind == "cpu"
    output = output_fingerprint(result, timeline.kept)
    told = {
        **session.told,
        "peak_memory_mb": memory.peak_host_mb if is_cpu else memory.peak_reserved_mb,
        "output": {**output, "build": session.told["build"], "dtype": session.told["dtype"]},
    }
    return request_dump(
        recorder,
        request_id=f"{session.spec.case}-{index}",
        timestamp=datetime.now(UTC).isoformat(),
        tag=_TAG,
        meta={"prompt": session.spec.request.get("prompt", ""), "model": session.spec.model},
        perfgate=told,
    )


def _recorder(session: Session) -> StageRecorder:
    return StageRecorder(device=session.device, sync=_sync(session), capture_memory=True)


def _sync(session: Session) -> Sync:
    """A CPU has no queue. A device's is not emptied at each stage: a pipeline may rely on it."""
    usual: Sync = "stage" if session.device.kind == "cpu" else "events"
    return session.spec.options.sync or usual


def _generate(session: Session, recorder: StageRecorder) -> tuple[Any, Timeline]:
    """Serve one request; the same one gives the same bits each time."""
    timeline = Timeline(recorder)
    arguments = dict(session.call.arguments)
    seed = session.spec.request["seed"]
    session.device.seed(seed)
    if session.call.generated:
        # Drawn on the CPU, so that every device starts from the same noise.
        arguments["generator"] = torch.Generator("cpu").manual_seed(seed)
    session.watched.timeline = timeline
    try:
        with recorder.request():
            result = session.pipeline(**arguments)
            timeline.leave_denoising()
            _check_steps(session, timeline)
    except LaunchError:
        raise
    except Exception as error:
        raise explained(
            error, pipeline=session.pipeline, device=session.device, within=recorder.incomplete
        ) from error
    finally:
        session.watched.timeline = None
    return result, timeline


def _check_steps(session: Session, timeline: Timeline) -> None:
    if timeline.within_a_step:
        raise LaunchError(OTHER, call_after_the_last_step(session.pipeline))
    if not timeline.steps:
        raise LaunchError(OTHER, no_steps(session.pipeline, session.watched))


def _process(session: Session, found: Found) -> Dump:
    """What holds for every request of this process."""
    device, watched, spec = session.device, session.watched, session.spec
    versions = {name: told for name in _TOLD_VERSIONS if (told := _version(name))}
    dtype = next(next(iter(watched.denoisers.values())).parameters()).dtype
    return {
        "framework": "diffusers",
        "framework_version": diffusers.__version__,
        "versions": versions,
        "imported": {"diffusers": str(Path(diffusers.__file__).resolve())},
        "pipeline": type(session.pipeline).__name__,
        "model_revision": found.revision,
        "denoisers": list(watched.denoisers),
        "not_sent": list(session.call.not_sent),
        "threads": torch.get_num_threads(),
        "dtype": str(dtype).removeprefix("torch."),
        "device": device.kind,
        "device_name": device.name(),
        "offload": spec.options.offload,
        "compiled": spec.compile,
        "build": build_of(
            device, compiled=spec.compile, more=(f"diffusers {diffusers.__version__}",)
        ),
    }


def _since(began_ns: int) -> float:
    """Milliseconds by the host's clock."""
    return (time.perf_counter_ns() - began_ns) / _NS_PER_MS


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
