"""Layers that the models share, and their seeded weights. Holds no model and no size."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

MODULATION_STD = 0.02
"""adaLN-zero would make each block the identity, and an output hash would prove nothing."""


class Modulation(nn.Module):
    """Shift, scale and gate for a block, from the conditioning vector.

    adaLN as in DiT (Peebles and Xie 2023, section 3.2), ``parts`` vectors of ``width`` channels.
    """

    def __init__(self, width: int, *, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.table = nn.Parameter(torch.empty(parts * width))
        self.project = Linear(width, parts * width, std=MODULATION_STD)

    def forward(self, condition: Tensor) -> tuple[Tensor, ...]:
        """(batch, width) to ``parts`` tensors of (batch, 1, width)."""
        modulation: Tensor = self.project(functional.silu(condition)) + self.table
        return modulation.unsqueeze(1).chunk(self.parts, dim=-1)


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
    """A scalar such as the timestep as a vector: sinusoids, then a two-layer perceptron."""

    def __init__(self, width: int, *, frequencies: int = 256) -> None:
        super().__init__()
        self.frequencies = frequencies
        self.enter = Linear(frequencies, width)
        self.leave = Linear(width, width)

    def forward(self, value: Tensor) -> Tensor:
        """(batch,) to (batch, width)."""
        waves = sinusoids(value, self.frequencies)
        embedded: Tensor = self.leave(functional.silu(self.enter(waves)))
        return embedded


def sinusoids(value: Tensor, channels: int, *, max_period: float = 10_000.0) -> Tensor:
    """(batch,) to (batch, channels): cosines, then sines (Vaswani et al. 2017, section 3.5)."""
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
