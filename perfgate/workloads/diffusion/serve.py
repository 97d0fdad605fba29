"""Loads a pipeline, serves its requests and describes each one. Sets torch up for this process."""

from __future__ import annotations

import gc
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

import perfgate
from perfgate.profile.dump import request_dump
from perfgate.profile.memory import peak_resident_mib
from perfgate.profile.recorder import StageRecorder
from perfgate.workloads.allocator import keep_freed_memory
from perfgate.workloads.diffusion.config import PipelineConfig
from perfgate.workloads.diffusion.output import output_fingerprint
from perfgate.workloads.diffusion.pipeline import Pipeline

_TAG = "perfgate"
_DEVICE = "cpu"
_DTYPE = "float32"


def measure(
    config: PipelineConfig, *, requests: int, threads: int, commit: str
) -> list[dict[str, Any]]:
    """Load the pipeline, serve one warm-up request and then ``requests``; one dump for each."""
    torch.set_num_threads(threads)
    torch.set_num_interop_threads(threads)
    keep_freed_memory()
    loading_ns = time.perf_counter_ns()
    pipeline = Pipeline(config)
    load_ms = (time.perf_counter_ns() - loading_ns) / 1e6
    pipeline.generate(config.request, StageRecorder())
    dumps = []
    for index in range(requests):
        gc.collect()  # so that no request pays for the one before
        recorder = StageRecorder()
        generated = pipeline.generate(config.request, recorder)
        dumps.append(
            request_dump(
                recorder,
                request_id=f"{config.preset}-{index}",
                timestamp=datetime.now(UTC).isoformat(),
                tag=_TAG,
                commit_hash=commit,
                meta={"prompt": config.request.prompt, "model": config.preset},
                perfgate={
                    "load_ms": load_ms,
                    "peak_memory_mb": peak_resident_mib(),
                    "output": output_fingerprint(generated),
                    "imported": {"perfgate": str(Path(perfgate.__file__).resolve())},
                    "threads": torch.get_num_threads(),
                    "dtype": _DTYPE,
                    "device": _DEVICE,
                },
            )
        )
    return dumps
