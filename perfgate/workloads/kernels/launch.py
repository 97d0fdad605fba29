"""One gated launch of a kernel's variant: checks it, times it, and describes what it computed.

Each report has the time of one call as the whole request's, so that a kernel passes through the
same gate, baselines and comment as a pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

from torch import Tensor

from perfgate.errors import BenchmarkError
from perfgate.profile.devices.device import Device
from perfgate.profile.dump import UNKNOWN_COMMIT
from perfgate.profile.sglang import DUMP_VERSION
from perfgate.workloads.diffusion.output import summary
from perfgate.workloads.kernels.run import Asked, Candidate, Ready, make_ready, timed, told
from perfgate.workloads.kernels.timing import Times
from perfgate.workloads.pipelines.failing import MEMORY, OTHER, LaunchError
from perfgate.workloads.software import build_of

Dump: TypeAlias = dict[str, Any]

STAGE: Final = "KernelStage"
_TAG = "perfgate_kernel"
_OUTPUT = "output"
_LOW = 0.25


def launch(asked: Asked, device: Device, *, requests: int, told_too: Dump) -> list[Dump]:
    """A dump for each of ``requests`` series of rounds; ``asked`` names one variant.

    Raises LaunchError where the variant is not there, shows a hazard, fails or does not fit.
    """
    ready = make_ready(asked, device)
    (variant,) = asked.variants
    if ready.skipped:
        raise LaunchError(MEMORY if ready.inputs is None else OTHER, ready.skipped)
    (candidate,) = ready.candidates
    if candidate.function is None:
        raise _failure(candidate)
    output = _output(asked, ready, candidate, device)
    dumps = []
    for index in range(requests):
        times = timed(ready, asked.plan, device)
        document = told(asked, ready, times)
        dumps.append(
            {
                "timestamp": datetime.now(UTC).isoformat(),
                "request_id": f"{asked.kernel.name}-{variant.name}-{index}",
                "commit_hash": UNKNOWN_COMMIT,
                "tag": _TAG,
                **_durations(times[variant.name]),
                "meta": {"kernel": asked.kernel.name, "variant": variant.name},
                "perfgate": {
                    "version": DUMP_VERSION,
                    "sync": "events",
                    **told_too,
                    "output": output,
                    "kernel": document,
                },
            }
        )
    return dumps


def _durations(times: Times) -> Dump:
    """The lower quartile of the rounds: what disturbs a machine only ever adds time."""
    ordered = sorted(times.samples_us)
    ms = ordered[round(_LOW * (len(ordered) - 1))] / 1e3
    return {"total_duration_ms": ms, "steps": [{"name": STAGE, "duration_ms": ms}]}


def _failure(candidate: Candidate) -> LaunchError:
    name = candidate.variant.name
    if candidate.state == "hazard":
        texts = "; ".join(f"{one.hazard}: {one.text}" for one in candidate.findings)
        return LaunchError(OTHER, f"{name} is wrong and was not timed, hazard {texts}")
    if candidate.state == "not available":
        return LaunchError(OTHER, f"{name} is not available here: {candidate.reason}")
    kind = MEMORY if candidate.state == "out of memory" else OTHER
    return LaunchError(kind, f"{name}: {candidate.reason}")


def _output(asked: Asked, ready: Ready, candidate: Candidate, device: Device) -> Dump:
    """What one call computed and what it left in the kernel's state, as far as that is finite.

    Rows of padding may hold anything: a tensor with a value that is not finite is left out.
    """
    if ready.inputs is None or candidate.function is None:
        raise RuntimeError("what was timed has inputs and a function")
    ready.inputs.restore()
    arguments = ready.inputs.sets[0]
    result = candidate.function(arguments)
    device.synchronise()
    named = [(_OUTPUT, result), *_changed(asked, arguments)]
    return {
        "stages": list(_summaries(named)),
        "sha256": None,
        "build": build_of(device, compiled=False),
        "dtype": asked.shape.dtype,
    }


def _changed(asked: Asked, arguments: dict[str, object]) -> Iterator[tuple[str, Tensor]]:
    for name in sorted(asked.kernel.state):
        value = arguments.get(name)
        if isinstance(value, Tensor):
            yield name, value


def _summaries(named: list[tuple[str, Tensor]]) -> Iterator[Dump]:
    for name, tensor in named:
        try:
            yield summary(name, tensor)
        except BenchmarkError:
            continue
