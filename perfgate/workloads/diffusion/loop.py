"""The denoising loop: phases of steps, each step timed. Knows no model and no guidance."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from torch import Tensor

from perfgate.profile.recorder import StageRecorder
from perfgate.workloads.diffusion.denoiser import Predict
from perfgate.workloads.diffusion.schedule import euler_step


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What happens before a phase's first step, under a stage name of its own."""

    stage: str
    run: Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Phase:
    """Steps in a row that one prediction serves; their names are ``prefix`` and a count from 0."""

    prefix: str
    steps: range
    predict: Predict
    entry: Entry | None = None


def denoise(
    latents: Tensor,
    schedule: Sequence[float],
    phases: Sequence[Phase],
    recorder: StageRecorder,
    *,
    keep: Collection[int],
) -> dict[int, Tensor]:
    """The latents after each step in ``keep``; no state is changed in place.

    Step i goes from noise level ``schedule[i]`` to ``schedule[i + 1]``. Each step is recorded as
    one whatever its name, so that a second loop is as whole as the first.
    """
    kept = {}
    for phase in phases:
        if phase.entry is not None:
            with recorder.stage(phase.entry.stage):
                phase.entry.run()
        for count, step in enumerate(phase.steps):
            with recorder.stage(f"{phase.prefix}{count}", record_as_step=True):
                latents = euler_step(
                    latents,
                    phase.predict(latents, step),
                    sigma=schedule[step],
                    sigma_next=schedule[step + 1],
                )
            if step in keep:
                kept[step] = latents
    return kept
