"""Builds a model with seeded random weights where it is to run. Downloads nothing, reads nothing.

Weights drawn on the host have the same bits on every device, and are moved one by one, so that
no second copy of the model ever exists. Those drawn on the device take no time to speak of, but
their bits are the device kind's own: outputs of two kinds of device cannot be compared then.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from perfgate.workloads.diffusion.layers import MODULATION_STD, Linear, ModulationTable
from perfgate.workloads.diffusion.placement import ON_CPU, Placement

Model = TypeVar("Model", bound=nn.Module)


def build(
    make: Callable[[], Model],
    *,
    seed: int,
    placement: Placement = ON_CPU,
    drawn_on: Literal["host", "device"] = "host",
) -> Model:
    """``make()`` with every weight drawn from ``seed``: the same bits in each process.

    The model is made without storage first, so that torch's own initialisation costs no time and
    leaves the global generator alone.
    """
    with torch.device("meta"):
        model = make()
    drawing = placement if drawn_on == "device" else ON_CPU
    generator = torch.Generator(device=drawing.device).manual_seed(seed)
    for module in model.modules():
        # Module.to_empty does this too, but loads half a second of torch to copy a meta tensor.
        for name, parameter in list(module.named_parameters(recurse=False)):
            values = torch.empty(parameter.shape, device=drawing.device, dtype=drawing.dtype)
            drawn = placement.put(_fill(values, module, name, generator))
            setattr(module, name, nn.Parameter(drawn, requires_grad=False))
    return model.eval()


def _fill(values: Tensor, module: nn.Module, name: str, generator: torch.Generator) -> Tensor:
    """The values of one parameter; raises TypeError for a layer that has no rule here."""
    match module:
        case nn.Linear() | nn.Conv3d() if name == "bias":
            return values.zero_()
        case nn.RMSNorm():
            return values.fill_(1.0)
        case Linear():
            std = module.std
        case nn.Conv3d():
            std = 1.0 / math.sqrt(values.shape[1:].numel())
        case nn.Embedding():
            std = 1.0
        case ModulationTable():
            std = MODULATION_STD
        case _:
            raise TypeError(f"no rule for the weights of {type(module).__name__}")
    return values.normal_(0.0, std, generator=generator)
