"""Says what a request computed, after its time was taken: summaries and one hash. Times nothing."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor

from perfgate.errors import BenchmarkError
from perfgate.workloads.diffusion.pipeline import Generated

SKETCH_LENGTH = 16
_SKETCH_SEED = 20_000_003


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
    """Shape, mean, population standard deviation, 2-norm and sketch, computed in fp64."""
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
        "sketch": sketch(values),
    }


def sketch(values: Tensor) -> list[float]:
    """Sums of all values under fixed random signs: two tensors' distance without the tensors.

    The mean square of two sketches' differences is an unbiased estimate of the squared distance
    of the tensors (Alon, Matias and Szegedy, "The space complexity of approximating the frequency
    moments", 1996, section 2.2). Moments do not see values that changed places; this does.
    """
    generator = torch.Generator(device="cpu").manual_seed(_SKETCH_SEED)
    flat = values.detach().to(device="cpu", dtype=torch.float64).flatten()
    bits = torch.randint(0, 2, (SKETCH_LENGTH, flat.numel()), generator=generator, dtype=torch.int8)
    return [torch.dot(flat, 2.0 * row.to(torch.float64) - 1.0).item() for row in bits]


def sha256(tensor: Tensor) -> str:
    """SHA-256 over the values as contiguous little-endian fp32."""
    contiguous = tensor.detach().to(device="cpu", dtype=torch.float32).contiguous()
    return hashlib.sha256(contiguous.numpy().astype("<f4", copy=False).tobytes()).hexdigest()
