"""Runs a pipeline's transformer the way its case asks for: compiled, as a graph, or as it stands.

Everything slow happens here, before the first request: a compilation counts as loading.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import nn

from perfgate.errors import ConfigurationError
from perfgate.profile.devices.device import Device
from perfgate.workloads.diffusion.attention import check_attention
from perfgate.workloads.diffusion.denoiser import Forward
from perfgate.workloads.diffusion.graphs import Graphed, device_capture
from perfgate.workloads.diffusion.pipeline import Pipeline

_NS_PER_MS = 1e6
_MOST_TOLD_CHARS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceleration:
    """How the transformer runs. ``not_compiled`` says why not, where that was asked for."""

    compiled: bool = False
    compile_ms: float | None = None
    not_compiled: str = ""


def accelerate(pipeline: Pipeline, device: Device) -> Acceleration:
    """Let the pipeline run as its execution says, and have it ready when this returns.

    ``compile_ms`` is the time of the first compiled prediction, which holds the compilation. A
    transformer that cannot be compiled as one graph runs as it stands, and the result says so.
    Raises ConfigurationError for an attention that is not there, graphs on a device without, and
    a machine without the compiler that torch.compile needs.
    """
    execution = pipeline.config.execution
    check_attention(execution.attention, pipeline.config.transformer, pipeline.placement)
    if execution.graphs and not device.capability().graphs:
        raise ConfigurationError(
            f"graphs: true, but {device.name()} ({device.kind}) has no device graphs",
            fix="Leave graphs out on this device.",
        )
    done = Acceleration()
    if execution.compile:
        done = _compile(pipeline, device)
    if execution.graphs:
        pipeline.denoiser.forward = Graphed(pipeline.denoiser.forward, device_capture(device))
        pipeline.rehearse()
    return done


def _compile(pipeline: Pipeline, device: Device) -> Acceleration:
    """Compile in the default mode, without graph breaks and for these shapes alone."""
    from torch._dynamo.exc import (  # noqa: PLC0415 - a second that only compiling needs
        BackendCompilerFailed,
        TorchDynamoException,
    )

    denoiser = pipeline.denoiser
    denoiser.forward = _compiled(denoiser.transformer)
    began_ns = time.perf_counter_ns()
    try:
        pipeline.rehearse()
    except BackendCompilerFailed as error:
        raise ConfigurationError(
            f"compile: true, but torch.compile cannot generate code here: {_one_line(error)}",
            fix="Install what it names (a C++ compiler for the CPU, Triton for a GPU), or leave "
            "compile out.",
        ) from error
    except TorchDynamoException as error:
        denoiser.forward = denoiser.transformer
        return Acceleration(not_compiled=f"{type(error).__name__}: {_one_line(error)}")
    device.synchronise()
    return Acceleration(compiled=True, compile_ms=(time.perf_counter_ns() - began_ns) / _NS_PER_MS)


def _compiled(transformer: nn.Module) -> Forward:
    forward: Forward = torch.compile(transformer, fullgraph=True, dynamic=False)
    return forward


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:_MOST_TOLD_CHARS]
