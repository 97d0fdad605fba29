"""Says what a request computed, after its time was taken: summaries and one hash. Times nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from perfgate.errors import BenchmarkError
from perfgate.workloads.diffusion.output import sha256, summary
from perfgate.workloads.pipelines.failing import OTHER, LaunchError
from perfgate.workloads.pipelines.watching import LATENTS, TEXT

RESULT = "output"
_BYTES_SPAN, _UNIT_SPAN = 255.0, 1.0


def output_fingerprint(result: Any, kept: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """``{"stages": [...], "sha256": ...}`` of what a pipeline returned and of what was ``kept``.

    ``result`` is what a pipeline returns: pictures, frames or arrays, in a list or in diffusers'
    output class, of which the first field counts. Raises LaunchError where there is nothing to
    compare or a value is not finite.
    """
    final = _as_tensor(_first_field(result))
    if final is None:
        told = type(_first_field(result)).__name__
        raise LaunchError(OTHER, f"the pipeline returned {told}, not pictures or an array")
    steps = ((name, kept.get(name)) for name in (TEXT, LATENTS))
    try:
        return {
            "stages": [
                *(summary(name, one) for name, one in steps if isinstance(one, Tensor)),
                summary(RESULT, final, span=_span(final)),
            ],
            "sha256": sha256(final),
        }
    except BenchmarkError as error:
        raise LaunchError(OTHER, error.problem) from error


def _first_field(result: Any) -> Any:  # noqa: ANN401
    several = isinstance(result, tuple) or hasattr(result, "to_tuple")
    return result[0] if several else result


def _as_tensor(value: Any) -> Tensor | None:  # noqa: ANN401
    """The values on the CPU; lists of pictures of one size become one array."""
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        parts = [_as_tensor(one) for one in value]
        known = [one for one in parts if one is not None]
        fits = known and len(known) == len(parts) and len({one.shape for one in known}) == 1
        return torch.stack(known) if fits else None
    if isinstance(value, np.ndarray) or hasattr(value, "__array_interface__"):
        return torch.from_numpy(np.array(value))
    return None


def _span(values: Tensor) -> float | None:
    """From black to white: of 8-bit pictures or of those in 0 … 1; None for what is neither."""
    if values.dtype == torch.uint8:
        return _BYTES_SPAN
    low, high = torch.aminmax(values)
    return _UNIT_SPAN if float(low) >= 0 and float(high) <= 1 else None
