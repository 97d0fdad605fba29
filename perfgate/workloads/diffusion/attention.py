"""Which implementation of attention the transformer uses: torch's choice, or one by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from perfgate.errors import ConfigurationError
from perfgate.workloads.diffusion.config import AttentionName, TransformerConfig
from perfgate.workloads.diffusion.placement import Placement

_BACKENDS: Mapping[AttentionName, SDPBackend] = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "math": SDPBackend.MATH,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
}
_CHOOSABLE_ON = ("cpu", "cuda")
"""Elsewhere torch has one implementation and does not heed the choice."""
_PROBE_TOKENS = 16


def chosen_attention(name: AttentionName) -> AbstractContextManager[None]:
    """The context in which torch uses that implementation and no other."""
    return nullcontext() if name == "auto" else sdpa_kernel([_BACKENDS[name]])


def check_attention(
    name: AttentionName, transformer: TransformerConfig, placement: Placement
) -> None:
    """Raise ConfigurationError, naming those that there are, unless ``name`` runs here.

    Each is tried on a few tokens with the transformer's heads: what is there differs with device,
    type, head size and build of torch, and no function tells beforehand.
    """
    if name == "auto":
        return
    there = available_attention(transformer, placement)
    if name not in there:
        raise ConfigurationError(
            f"attention: {name} is not available on {placement.device.type} in "
            f"{str(placement.dtype).removeprefix('torch.')}",
            fix=f"Use one that is: {', '.join(there)}.",
        )


def available_attention(
    transformer: TransformerConfig, placement: Placement
) -> tuple[AttentionName, ...]:
    """The implementations that run this transformer's heads here; ``auto`` always does."""
    if placement.device.type not in _CHOOSABLE_ON:
        return ("auto",)
    found = (name for name in _BACKENDS if _runs(name, transformer, placement))
    return ("auto", *found)


def _runs(name: AttentionName, transformer: TransformerConfig, placement: Placement) -> bool:
    channels = transformer.width // transformer.heads
    shape = (1, transformer.heads, _PROBE_TOKENS, channels)
    probe = torch.zeros(shape, device=placement.device, dtype=placement.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one for each reason why an implementation cannot run
        try:
            with chosen_attention(name):
                scaled_dot_product_attention(probe, probe, probe)
        except RuntimeError:
            return False
    return True
