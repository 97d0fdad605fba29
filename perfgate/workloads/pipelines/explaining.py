"""Says why a request of a pipeline failed or cannot be timed, in the words of its stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perfgate.profile.devices.device import Device
from perfgate.profile.devices.out_of_memory import out_of_memory
from perfgate.workloads.diffusion.failures import named
from perfgate.workloads.pipelines.compiling import compiler_failed
from perfgate.workloads.pipelines.failing import (
    CRASHED,
    MEMORY,
    NOT_COMPILED,
    REFUSED,
    LaunchError,
    one_line,
)
from perfgate.workloads.pipelines.timeline import INPUT_VALIDATION
from perfgate.workloads.pipelines.watching import Watched

_INSTEAD = (
    "Use backend: command, and time the steps in the pipeline's own script with "
    "perfgate.profile.recorder"
)


def explained(
    error: Exception,
    *,
    pipeline: Any,  # noqa: ANN401 - a diffusers pipeline
    device: Device,
    within: Sequence[str],
) -> LaunchError:
    """The failure that ``error`` is; ``within`` are the spans that it left, innermost first."""
    stage = named(within)
    text = f"{type(error).__name__}: {one_line(error)}"
    if out_of_memory(error) is not None:
        return LaunchError(MEMORY, f"{device.torch_device} ({device.name()}) in {stage}: {text}")
    if compiler_failed(error):
        return LaunchError(NOT_COMPILED, text)
    if INPUT_VALIDATION in within:
        return LaunchError(REFUSED, f"{type(pipeline).__name__} checked its inputs: {text}")
    return LaunchError(CRASHED, f"{stage}: {text}")


def no_steps(pipeline: Any, watched: Watched) -> str:  # noqa: ANN401
    """Why there is nothing to time, and what the pipeline has instead."""
    denoisers = ", ".join(watched.denoisers) or "none"
    schedulers = ", ".join(watched.schedulers) or "none"
    return (
        f"no denoising step was seen in {type(pipeline).__name__}: a step is a call of a denoiser "
        f"(here {denoisers}) and then of a scheduler's step (here {schedulers}; other components: "
        f"{', '.join(watched.others)}). {_INSTEAD}"
    )


def call_after_the_last_step(pipeline: Any) -> str:  # noqa: ANN401
    """Why the steps that were seen are not those of the pipeline."""
    return (
        f"{type(pipeline).__name__} calls a denoiser after its last scheduler step, so that its "
        f"steps cannot be told from outside. {_INSTEAD}"
    )
