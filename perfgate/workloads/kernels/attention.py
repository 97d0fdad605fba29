"""Attention as a kernel of the suite: its definition, and torch's implementations of it.

Sizes of a shape: B batch, H heads, T queries, S keys, C channels of a head. Queries, keys and
values lie in memory as the transformer has them: split from one projection of all heads.
"""

from __future__ import annotations

import math
import warnings
from functools import partial
from typing import Literal, cast

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from perfgate.workloads.diffusion.attention import chosen_attention
from perfgate.workloads.diffusion.config import AttentionName
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

Layout = Literal["contiguous", "transposed", "sliced"]
"""Heads first in memory; channels of all heads together; and these among others' channels."""

_SOFTMAX_OPERATIONS = 5
_PROBED_TOKENS = 16
_SCORE_BYTES = 4
_LARGE_QUERIES = 30.0
"""Scores beyond 88, where exp() overflows in fp32 unless the largest is taken off first."""


def draw(
    shape: Shape, device: str, seed: int, *, layout: Layout = "sliced", scale: float = 1.0
) -> Arguments:
    """Queries of (B, H, T, C), times ``scale``, keys and values of (B, H, S, C)."""
    source = torch.Generator().manual_seed(seed)
    sizes = shape.sizes
    dtype: torch.dtype = getattr(torch, shape.dtype)

    def heads(tokens: int) -> Tensor:
        counts = (sizes["B"], tokens + 2, 2, sizes["H"], sizes["C"])
        values = torch.randn(counts, generator=source).to(device, dtype)
        part = values[:, 1:-1, 1]
        if layout != "sliced":
            part = part.contiguous()
        part = part.transpose(1, 2)
        return part.contiguous() if layout == "contiguous" else part

    query, key, value = heads(sizes["T"]), heads(sizes["S"]), heads(sizes["S"])
    query.mul_(scale)
    return {"query": query, "key": key, "value": value}


def _reference(_: Target) -> Function:
    def function(arguments: Arguments) -> Tensor:
        query, key, value = _tensors(arguments)
        scores = query.float() @ key.float().transpose(-2, -1) / math.sqrt(query.shape[-1])
        return (scores.softmax(dim=-1) @ value.float()).to(query.dtype)

    return function


def _torchs_choice(_: Target) -> Function:
    return lambda arguments: scaled_dot_product_attention(*_tensors(arguments))


def _backend(target: Target, *, name: AttentionName) -> Function:
    """Raises NotAvailable where torch says that it cannot run these heads here."""
    query = torch.zeros(
        (1, target.shape.sizes["H"], _PROBED_TOKENS, target.shape.sizes["C"]),
        device=target.device,
        dtype=getattr(torch, target.shape.dtype),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one for each reason why an implementation cannot run
        try:
            with chosen_attention(name):
                scaled_dot_product_attention(query, query, query)
        except RuntimeError as error:
            raise NotAvailable(
                f"torch has no {name} attention here: {str(error).splitlines()[0]}"
            ) from error

    def function(arguments: Arguments) -> Tensor:
        with chosen_attention(name):
            attended: Tensor = scaled_dot_product_attention(*_tensors(arguments))
        return attended

    return function


def _compiled(target: Target) -> Function:
    fused = compiled_alone(_definition, target.device)

    def function(arguments: Arguments) -> Tensor:
        return fused(*_tensors(arguments))

    return function


def _definition(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5
    weights = scores.float().softmax(dim=-1).to(value.dtype)
    attended: Tensor = weights @ value
    return attended


def _expected(arguments: Arguments) -> Tensor:
    """fp64 on the CPU, one head at a time, by exponentials and their sum."""
    query, key, value = (tensor.cpu().double() for tensor in _tensors(arguments))
    output = torch.empty_like(query)
    for batch in range(query.shape[0]):
        for head in range(query.shape[1]):
            scores = torch.einsum("tc,sc->ts", query[batch, head], key[batch, head])
            scores = scores / math.sqrt(query.shape[-1])
            powers = torch.exp(scores - scores.amax(dim=1, keepdim=True))
            sums = torch.einsum("ts,sc->tc", powers, value[batch, head])
            output[batch, head] = sums / powers.sum(dim=1, keepdim=True)
    return output


def _hazards() -> tuple[Hazard, ...]:
    def drawn(probe: Probe, layout: Layout, scale: float) -> Arguments:
        target = probe.target
        return draw(target.shape, target.device, probe.seed, layout=layout, scale=scale)

    looks: tuple[tuple[str, Layout, float], ...] = (
        ("contiguous heads", "contiguous", 1.0),
        ("transposed heads", "transposed", 1.0),
        ("sliced heads", "sliced", 1.0),
        ("large scores", "sliced", _LARGE_QUERIES),
    )
    return tuple(
        agrees_with_oracle(
            name, draw=partial(drawn, layout=layout, scale=scale), expected=_expected
        )
        for name, layout, scale in looks
    )


def _tensors(arguments: Arguments) -> tuple[Tensor, Tensor, Tensor]:
    query, key, value = (cast("Tensor", arguments[name]) for name in ("query", "key", "value"))
    return query, key, value


def _values(shape: Shape) -> int:
    """Of queries, output, keys and values."""
    sizes = shape.sizes
    return 2 * sizes["B"] * sizes["H"] * (sizes["T"] + sizes["S"]) * sizes["C"]


def _scores(shape: Shape) -> int:
    sizes = shape.sizes
    return sizes["B"] * sizes["H"] * sizes["T"] * sizes["S"]


def _operations(shape: Shape) -> int:
    return _scores(shape) * (4 * shape.sizes["C"] + _SOFTMAX_OPERATIONS)


def _held_bytes(shape: Shape) -> int:
    """With the reference's scores, before and after softmax; inputs are a half of what is drawn."""
    return 2 * _values(shape) * bytes_of(shape.dtype) + 2 * _scores(shape) * _SCORE_BYTES


_BACKENDS: tuple[AttentionName, ...] = ("flash", "efficient", "cudnn", "math")

ATTENTION = Kernel(
    name="attention",
    reference=Variant(name="reference", make=_reference),
    variants=(
        Variant(name="sdpa", make=_torchs_choice),
        *(Variant(name=f"sdpa {name}", make=partial(_backend, name=name)) for name in _BACKENDS),
        Variant(name="compiled", make=_compiled),
    ),
    shapes=(
        Shape(sizes={"B": 2, "H": 4, "T": 256, "S": 256, "C": 32}),
        Shape(sizes={"B": 1, "H": 12, "T": 1024, "S": 1024, "C": 128}),
        Shape(sizes={"B": 1, "H": 12, "T": 1024, "S": 512, "C": 128}),
    ),
    inputs=draw,
    moved_bytes=lambda shape: _values(shape) * bytes_of(shape.dtype),
    operations=_operations,
    bound="matmul",
    held_bytes=_held_bytes,
    hazards=_hazards(),
)
