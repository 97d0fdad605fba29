"""Counts what a request executes, apart from the requests that are timed."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import replace

from perfgate.profile.recorder import NO_RECORDER
from perfgate.workloads.diffusion.attention import chosen_attention
from perfgate.workloads.diffusion.denoiser import denoiser
from perfgate.workloads.diffusion.pipeline import Pipeline


def count_flops(pipeline: Pipeline) -> int:
    """Floating-point operations of one more request, by torch's FlopCounterMode.

    The transformer runs as it stands: the counter sees into neither compiled code nor graphs. On a
    CPU attention runs as plain matrix products, because the counter knows no other there.
    """
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415 - loads much of torch

    plainly = _as_it_stands(pipeline)
    with FlopCounterMode(display=False) as counter, _countable_attention(plainly):
        plainly.generate(plainly.config.request, NO_RECORDER)
    return int(counter.get_total_flops())


def _as_it_stands(pipeline: Pipeline) -> Pipeline:
    """The same models, nothing compiled or captured; the measured pipeline is left alone."""
    config, placement = pipeline.config, pipeline.placement
    attention = "auto" if placement.device.type == "cpu" else config.execution.attention
    plain = replace(config.execution, attention=attention, compile=False, graphs=False)
    plainly = copy(pipeline)
    plainly.config = replace(config, execution=plain)
    plainly.denoiser = denoiser(plainly.config, placement, pipeline.denoiser.transformer)
    return plainly


def _countable_attention(pipeline: Pipeline) -> AbstractContextManager[None]:
    on_cpu = pipeline.placement.device.type == "cpu"
    return chosen_attention("math") if on_cpu else nullcontext()
