"""Builds a model with seeded random weights on the CPU. Downloads nothing, reads nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from perfgate.workloads.diffusion.layers import MODULATION_STD, Linear, Modulation

Model = TypeVar("Model", bound=nn.Module)


def build(make: Callable[[], Model], *, seed: int) -> Model:
    """``make()`` with every weight drawn from ``seed``: the same bits in each process.

    The model is made without storage first, so that torch's own initialisation costs no time and
    leaves the global generator alone.
    """
    with torch.device("meta"):
        model = make()
    generator = torch.Generator(device="cpu").manual_seed(seed)
    for module in model.modules():
        # Module.to_empty does this too, but loads half a second of torch to copy a meta tensor.
        for name, parameter in list(module.named_parameters(recurse=False)):
            drawn = _drawn(module, name, parameter.shape, generator)
            setattr(module, name, nn.Parameter(drawn, requires_grad=False))
    return model.eval()


def _drawn(module: nn.Module, name: str, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """The values of one parameter; raises TypeError for a layer that has no rule here."""
    match module:
        case nn.Linear() | nn.Conv3d() | nn.Conv2d() if name == "bias":
            return torch.zeros(shape)
        case nn.RMSNorm():
            return torch.ones(shape)
        case Linear():
            std = module.std
        case nn.Conv3d() | nn.Conv2d():
            std = 1.0 / math.sqrt(shape[1:].numel())
        case nn.Embedding():
            std = 1.0
        case Modulation():
            std = MODULATION_STD
        case _:
            raise TypeError(f"no rule for the weights of {type(module).__name__}")
    return torch.empty(shape).normal_(0.0, std, generator=generator)
