"""RMS norm and adaLN modulation in one, as a kernel of the suite.

    y = x / sqrt(mean(x^2) + eps) * weight * (1 + scale) + shift

with the transformer's own ``modulate``. Sizes of a shape: B batch, T tokens, D channels. Shift and
scale are parts of one projection, so that their rows do not follow one another in memory.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Literal, cast

import torch
from torch import Tensor
from torch.nn import functional

from perfgate.workloads.diffusion.layers import modulate
from perfgate.workloads.kernels.compiling import compiled_alone
from perfgate.workloads.kernels.hazards import agrees_with_oracle
from perfgate.workloads.kernels.kernel import (
    Arguments,
    Function,
    Hazard,
    Kernel,
    NotAvailable,
    Probe,
    Shape,
    Target,
    Variant,
)
from perfgate.workloads.kernels.sizes import bytes_of
from perfgate.workloads.kernels.triton_package import require_triton

Layout = Literal["contiguous", "transposed", "sliced"]
"""Of x: as its shape says, tokens first in memory, or a part of more channels."""

_PARTS = 6
"""Shift, scale and gate, twice: what a block's projection of its condition holds."""
_EPS = torch.finfo(torch.float32).eps
_OPERATIONS = 7
"""A value: square and sum; three products and two sums."""


def draw(
    shape: Shape,
    device: str,
    seed: int,
    *,
    layout: Layout = "contiguous",
    magnitude: float = 1.0,
    eps: float = _EPS,
) -> Arguments:
    """x of (B, T, D) times ``magnitude``, weight of (D), shift and scale of (B, 1, D)."""
    source = torch.Generator().manual_seed(seed)
    batch, tokens, channels = (shape.sizes[letter] for letter in "BTD")
    dtype: torch.dtype = getattr(torch, shape.dtype)

    def normal(*counts: int, times: float = 1.0) -> Tensor:
        return (torch.randn(counts, generator=source) * times).to(device, dtype)

    if layout == "transposed":
        x = normal(tokens, batch, channels, times=magnitude).transpose(0, 1)
    elif layout == "sliced":
        x = normal(batch, tokens, 2 * channels, times=magnitude)[:, :, channels:]
    else:
        x = normal(batch, tokens, channels, times=magnitude)
    parts = normal(batch, 1, _PARTS * channels).chunk(_PARTS, dim=-1)
    return {
        "x": x,
        "weight": 1.0 + normal(channels, times=0.1),
        "shift": parts[0],
        "scale": parts[1],
        "eps": eps,
    }


def _reference(_: Target) -> Function:
    return lambda arguments: _definition(*_tensors(arguments), eps=_eps(arguments))


def _definition(x: Tensor, weight: Tensor, shift: Tensor, scale: Tensor, *, eps: float) -> Tensor:
    normed = functional.rms_norm(x, weight.shape, weight, eps)
    return modulate(normed, shift=shift, scale=scale)


def _eager(_: Target) -> Function:
    """Two passes over x: its norms, then one multiply-add with all that depends on the channel."""

    def function(arguments: Arguments) -> Tensor:
        x, weight, shift, scale = _tensors(arguments)
        norms = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        inverse = torch.rsqrt(norms.square_().div_(x.shape[-1]).add_(_eps(arguments)))
        factors = (1.0 + scale.float()) * weight.float()
        return torch.addcmul(shift.float(), x * inverse, factors).to(x.dtype)

    return function


def _compiled(target: Target) -> Function:
    fused = compiled_alone(_definition, target.device)
    return lambda arguments: fused(*_tensors(arguments), eps=_eps(arguments))


def _triton(target: Target) -> Function:
    """Raises NotAvailable off CUDA and NPUs, and without their Triton."""
    require_triton(target.device)
    return triton_launcher()


def triton_launcher() -> Function:
    """The Triton kernel as a function of arguments; needs triton, whatever it runs on."""
    try:
        module = import_module("perfgate.workloads.kernels.adaln_norm_triton")
    except ImportError as error:
        raise NotAvailable(f"triton cannot be imported: {error}") from error

    def function(arguments: Arguments) -> Tensor:
        x, weight, shift, scale = _tensors(arguments)
        output = torch.empty_like(x)
        module.launch(x, weight, shift, scale, output, eps=_eps(arguments))
        return output

    return function


def _expected(arguments: Arguments) -> Tensor:
    """fp64 on the CPU, by sums and roots written out."""
    x, weight, shift, scale = (tensor.cpu().double() for tensor in _tensors(arguments))
    squares = torch.einsum("btd,btd->bt", x, x) / x.shape[-1]
    normed = x / torch.sqrt(squares + _eps(arguments)).unsqueeze(-1) * weight
    return normed + normed * scale + shift


def _hazards() -> tuple[Hazard, ...]:
    def drawn(probe: Probe, layout: Layout, magnitude: float, eps: float) -> Arguments:
        target = probe.target
        return draw(
            target.shape, target.device, probe.seed, layout=layout, magnitude=magnitude, eps=eps
        )

    looks: tuple[tuple[str, Layout, float, float], ...] = (
        ("contiguous tokens", "contiguous", 1.0, _EPS),
        ("transposed tokens", "transposed", 1.0, _EPS),
        ("sliced tokens", "sliced", 1.0, _EPS),
        ("range of squares", "contiguous", 1e3, _EPS),
        ("epsilon", "contiguous", 1e-2, 1e-3),
    )
    return tuple(
        agrees_with_oracle(
            name,
            draw=partial(drawn, layout=layout, magnitude=magnitude, eps=eps),
            expected=_expected,
        )
        for name, layout, magnitude, eps in looks
    )


def _tensors(arguments: Arguments) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    names = ("x", "weight", "shift", "scale")
    x, weight, shift, scale = (cast("Tensor", arguments[name]) for name in names)
    return x, weight, shift, scale


def _eps(arguments: Arguments) -> float:
    return cast("float", arguments["eps"])


def _values(shape: Shape) -> int:
    sizes = shape.sizes
    return sizes["B"] * sizes["T"] * sizes["D"]


def _moved_bytes(shape: Shape) -> int:
    """x and output; weight, shift and scale once."""
    sizes = shape.sizes
    of_channels = (1 + 2 * sizes["B"]) * sizes["D"]
    return (2 * _values(shape) + of_channels) * bytes_of(shape.dtype)


def _held_bytes(shape: Shape) -> int:
    """With every part of the projection."""
    sizes = shape.sizes
    of_channels = (1 + _PARTS * sizes["B"]) * sizes["D"]
    return (2 * _values(shape) + of_channels) * bytes_of(shape.dtype)


ADALN_NORM = Kernel(
    name="adaln_rms_norm",
    reference=Variant(name="reference", make=_reference),
    variants=(
        Variant(name="eager", make=_eager),
        Variant(name="compiled", make=_compiled),
        Variant(name="triton", make=_triton),
    ),
    shapes=(
        Shape(sizes={"B": 2, "T": 640, "D": 128}),
        Shape(sizes={"B": 2, "T": 1024, "D": 1536}),
        Shape(sizes={"B": 1, "T": 4096, "D": 3072}),
    ),
    inputs=draw,
    moved_bytes=_moved_bytes,
    operations=lambda shape: _OPERATIONS * _values(shape),
    bound="copy",
    held_bytes=_held_bytes,
    hazards=_hazards(),
)
