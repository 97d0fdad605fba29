"""Says what a request computed, after its time was taken: summaries and one hash. Times nothing."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor

from perfgate.errors import BenchmarkError
from perfgate.profile import sketch
from perfgate.workloads.diffusion.pipeline import Generated

FRAMES_SPAN = 1.0
"""Frames lie in 0 … 1."""


def output_fingerprint(generated: Generated) -> dict[str, Any]:
    """``{"stages": [...], "sha256": ...}`` as it stands in a report.

    The hash covers the frames' fp32 bits: equal on one machine, torch and thread count, where
    reductions add in the same order; elsewhere the summaries are what may be compared. Raises
    BenchmarkError if a value is not finite.
    """
    tensors = (("text embedding", generated.text), *generated.latents)
    return {
        "stages": [
            *(summary(name, tensor) for name, tensor in tensors),
            summary("frames", generated.frames, span=FRAMES_SPAN),
        ],
        "sha256": sha256(generated.frames),
    }


def summary(name: str, tensor: Tensor, *, span: float | None = None) -> dict[str, Any]:
    """:func:`perfgate.profile.sketch.summary` of a tensor on any device, of any real type."""
    try:
        return sketch.summary(name, _on_the_cpu(tensor).numpy(), span=span)
    except ValueError as error:
        raise BenchmarkError(
            f"the {name} of the request is no result: {error}",
            fix="Look for a division by zero or an overflow in the change under test.",
        ) from error


def sha256(tensor: Tensor) -> str:
    """SHA-256 over the values as contiguous little-endian fp32."""
    values = _on_the_cpu(tensor).to(torch.float32).contiguous()
    return hashlib.sha256(values.numpy().astype("<f4", copy=False).tobytes()).hexdigest()


def _on_the_cpu(tensor: Tensor) -> Tensor:
    """The values where numpy can see them; it has no bf16, and fp32 holds all of those."""
    here = tensor.detach().cpu()
    return here.to(torch.float32) if here.dtype == torch.bfloat16 else here
