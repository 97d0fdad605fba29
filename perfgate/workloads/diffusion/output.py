"""Says what a request computed, after its time was taken: summaries and one hash. Times nothing."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor

from perfgate.errors import BenchmarkError
from perfgate.workloads.diffusion.pipeline import Generated


def output_fingerprint(generated: Generated) -> dict[str, Any]:
    """``{"stages": [...], "sha256": ...}`` as it stands in a report.

    The hash covers the frames' fp32 bits: equal on one machine, torch and thread count, where
    reductions add in the same order; elsewhere the summaries are what may be compared. Raises
    BenchmarkError if a value is not finite.
    """
    tensors = (
        ("text embedding", generated.text),
        *generated.latents,
        ("frames", generated.frames),
    )
    return {
        "stages": [summary(name, tensor) for name, tensor in tensors],
        "sha256": sha256(generated.frames),
    }


def summary(name: str, tensor: Tensor) -> dict[str, Any]:
    """Shape, mean, population standard deviation and 2-norm, computed in fp64."""
    values = tensor.to(torch.float64)
    if not bool(torch.isfinite(values).all()):
        raise BenchmarkError(
            f"the {name} of the request is not finite",
            fix="Look for a division by zero or an overflow in the change under test.",
        )
    return {
        "name": name,
        "shape": list(tensor.shape),
        "mean": values.mean().item(),
        "deviation": values.std(correction=0).item(),
        "norm": values.norm().item(),
    }


def sha256(tensor: Tensor) -> str:
    """SHA-256 over the values as contiguous little-endian fp32."""
    contiguous = tensor.detach().to(device="cpu", dtype=torch.float32).contiguous()
    return hashlib.sha256(contiguous.numpy().astype("<f4", copy=False).tobytes()).hexdigest()
