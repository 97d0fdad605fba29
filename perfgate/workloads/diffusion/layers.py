"""Layers that the models share, and their seeded weights. Holds no model and no size."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

MODULATION_STD = 0.02
"""adaLN-zero would make each block the identity, and an output hash would prove nothing."""

CONDITION_FREQUENCIES = 256
"""How many sinusoids tell a transformer its timestep, as in DiT, Wan and FLUX."""

_NORM_EPS = torch.finfo(torch.float32).eps
"""torch's default depends on the type, and that of bf16 (0.0078) is no negligible one."""


class Modulation(nn.Module):
    """Shift, scale and gate for a block, from the conditioning vector.

    adaLN as in DiT (Peebles and Xie 2023, section 3.2), ``parts`` vectors of ``width`` channels.
    """

    def __init__(self, width: int, *, parts: int) -> None:
        super().__init__()
        self.table = ModulationTable(width, parts=parts)
        self.project = Linear(width, parts * width, std=MODULATION_STD)

    def forward(self, condition: Tensor) -> tuple[Tensor, ...]:
        """(batch, width) to ``parts`` tensors of (batch, 1, width)."""
        parts: tuple[Tensor, ...] = self.table(self.project(functional.silu(condition)))
        return parts


class ModulationTable(nn.Module):
    """What a block adds to a projection of the conditioning vector that it may share."""

    def __init__(self, width: int, *, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.table = nn.Parameter(torch.empty(parts * width))

    def forward(self, projected: Tensor) -> tuple[Tensor, ...]:
        """(batch, parts * width) to ``parts`` tensors of (batch, 1, width)."""
        return (projected + self.table).unsqueeze(1).chunk(self.parts, dim=-1)


class Linear(nn.Linear):
    """A linear layer that says how wide its random weights are: ``std``, or 1/sqrt(fan in)."""

    def __init__(self, inputs: int, outputs: int, *, std: float | None = None) -> None:
        super().__init__(inputs, outputs)
        self.std = std if std is not None else 1.0 / math.sqrt(inputs)


class FeedForward(nn.Module):
    """Two linear layers with tanh-GELU between them; (…, width) to (…, width)."""

    def __init__(self, width: int, hidden: int, *, gain: float) -> None:
        super().__init__()
        self.enter = Linear(width, hidden)
        self.leave = Linear(hidden, width, std=gain / math.sqrt(hidden))

    def forward(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.leave(functional.gelu(self.enter(x), approximate="tanh"))
        return hidden


class ConditionEmbedding(nn.Module):
    """A scalar such as the timestep as a vector: a two-layer perceptron over its sinusoids.

    The sinusoids come from outside, because they are computed in fp64, which not every device has,
    and once a request instead of once a step.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = Linear(CONDITION_FREQUENCIES, width)
        self.leave = Linear(width, width)

    def forward(self, waves: Tensor) -> Tensor:
        """(batch, CONDITION_FREQUENCIES) to (batch, width)."""
        embedded: Tensor = self.leave(functional.silu(self.enter(waves)))
        return embedded


class HeadNorm(nn.Module):
    """RMSNorm of queries or keys, over the full width or over each head, and their split."""

    def __init__(self, width: int, *, heads: int, over: Literal["width", "head"]) -> None:
        super().__init__()
        self.heads = heads
        self.over = over
        self.norm = rms_norm(width if over == "width" else width // heads)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, tokens, width) to (batch, heads, tokens, channels)."""
        if self.over == "width":
            return split_heads(self.norm(x), self.heads)
        normed: Tensor = self.norm(split_heads(x, self.heads))
        return normed


def rms_norm(channels: int) -> nn.RMSNorm:
    """RMSNorm with the same epsilon for every type."""
    return nn.RMSNorm(channels, eps=_NORM_EPS)


def sinusoids(value: Tensor, channels: int, *, max_period: float = 10_000.0) -> Tensor:
    """(batch,) to (batch, channels): cosines, then sines (Vaswani et al. 2017, section 3.5).

    fp32 from fp64 arithmetic on the CPU.
    """
    half = channels // 2
    exponent = torch.arange(half, dtype=torch.float64) / half
    angle = value.to(torch.float64).unsqueeze(1) * max_period**-exponent
    return torch.cat((angle.cos(), angle.sin()), dim=1).to(torch.float32)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(batch, tokens, heads * channels) to (batch, heads, tokens, channels)."""
    return x.reshape(*x.shape[:-1], heads, -1).transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """(batch, heads, tokens, channels) to (batch, tokens, heads * channels)."""
    return x.transpose(1, 2).flatten(-2)


def modulate(x: Tensor, *, shift: Tensor, scale: Tensor) -> Tensor:
    """``x * (1 + scale) + shift``, the affine half of adaLN."""
    return x * (1.0 + scale) + shift


def residual_gain(depth: int) -> float:
    """1/sqrt(2 * depth) for what a block adds, so that the sum over blocks stays of order one.

    Radford et al. 2019 (GPT-2), section 2.3: two residual additions in each of ``depth`` blocks.
    """
    return 1.0 / math.sqrt(2.0 * depth)
