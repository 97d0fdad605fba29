"""What ended a request, in words that name the stage. Turns exceptions and results into errors."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from perfgate.errors import BenchmarkError
from perfgate.profile.devices.device import Device
from perfgate.profile.devices.out_of_memory import OutOfMemory, out_of_memory
from perfgate.workloads.diffusion.config import PipelineConfig
from perfgate.workloads.diffusion.estimate import fits_in, needed_bytes, smaller_requests
from perfgate.workloads.diffusion.pipeline import DECODING, DENOISING, TEXT_ENCODING, Generated
from perfgate.workloads.diffusion.placement import Placement

LOADING = "loading"
_MIB, _GIB = 2**20, 2**30


def explained(
    error: Exception,
    *,
    within: Sequence[str],
    config: PipelineConfig,
    placement: Placement,
    device: Device,
) -> Exception:
    """BenchmarkError for a lack of memory, naming the stage and what would fit; else ``error``.

    ``within`` are the spans that the exception left, innermost first.
    """
    found = out_of_memory(error)
    if found is None:
        return error
    asked = "" if found.asked_bytes is None else f", asking for {_size(found.asked_bytes)} more"
    return BenchmarkError(
        f"{device.torch_device} ({device.name()}) ran out of memory in {named(within)}{asked}",
        fix=_what_would_fit(config, placement, _available_bytes(found, device)),
    )


def check_finite(generated: Generated) -> None:
    """Raise BenchmarkError naming the first stage whose output holds NaN or infinity."""
    tensors = (
        (TEXT_ENCODING, "text embedding", generated.text),
        *((DENOISING, name, tensor) for name, tensor in generated.latents),
        (DECODING, "frames", generated.frames),
    )
    for stage, name, tensor in tensors:
        if not bool(torch.isfinite(tensor).all()):
            raise BenchmarkError(
                f"{stage} computed NaN or infinity: the {name} of the request is not finite",
                fix="Look in that stage for a division by zero or an overflow, such as of float16.",
            )


def named(within: Sequence[str]) -> str:
    """``DenoisingStage (denoising_step_3)`` from innermost first; the request is no stage."""
    stages = [name for name in within if name != "request"]
    if not stages:
        return "the request"
    return stages[-1] if len(stages) == 1 else f"{stages[-1]} ({stages[0]})"


def _available_bytes(found: OutOfMemory, device: Device) -> int:
    """What was free, and what this process holds; the whole device where it does not tell."""
    held_mb = device.memory().reserved_mb
    if found.free_bytes is None or held_mb is None:
        return device.capability().memory_bytes
    return found.free_bytes + round(held_mb * _MIB)


def _what_would_fit(config: PipelineConfig, placement: Placement, available_bytes: int) -> str:
    element = placement.dtype.itemsize
    needed = needed_bytes(config, element_bytes=element)
    told = (
        f"By perfgate's estimate this request needs {_size(needed)}, and it could have "
        f"{_size(available_bytes)}"
    )
    fits = fits_in(available_bytes, element_bytes=element)
    if fits(config):
        return (
            f"{told}: see whether a limit or another process takes memory away, or try fewer "
            "frames or a smaller picture."
        )
    smaller = smaller_requests(config, fits)
    if smaller:
        return f"{told}. {', or '.join(smaller)}, would fit."
    if "depth_divisor" in config.params:
        return (
            f"{told}: the weights alone leave no room. Set depth_divisor, or use a larger device."
        )
    return f"{told}: no size of this preset would fit. Use a smaller preset or a larger device."


def _size(size_bytes: int) -> str:
    if size_bytes < _GIB:
        return f"{size_bytes / _MIB:.0f} MiB"
    return f"{size_bytes / _GIB:.1f} GiB"
