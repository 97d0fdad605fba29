"""From token ids to text embeddings: a small encoder with random weights. Reads no prompt.

It has the shape of T5's (Raffel et al. 2020; umt5 in Wan, t5 in FLUX): pre-norm blocks of
self-attention and a gated feed-forward, with RMSNorm. Positions are sinusoids.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from perfgate.workloads.diffusion.config import TextConfig
from perfgate.workloads.diffusion.layers import (
    Linear,
    merge_heads,
    residual_gain,
    rms_norm,
    split_heads,
)


class TextEncoder(nn.Module):
    """Token ids to embeddings; padding is embedded as well, as Wan and FLUX do."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        # From an empty table: initialising a meta tensor as nn.Embedding does loads torch._dynamo.
        table = torch.empty(config.vocabulary, config.width)
        self.embed = nn.Embedding(config.vocabulary, config.width, _weight=table)
        self.blocks = nn.ModuleList(TextBlock(config) for _ in range(config.layers))
        self.norm = rms_norm(config.width)

    def forward(self, ids: Tensor, positions: Tensor) -> Tensor:
        """(batch, tokens) and the sinusoids of (tokens, width) to (batch, tokens, width)."""
        x = self.embed(ids) + positions
        for block in self.blocks:
            x = block(x)
        normed: Tensor = self.norm(x)
        return normed


class TextBlock(nn.Module):
    """Self-attention, then a gated feed-forward (GEGLU, Shazeer 2020), both pre-norm."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        width, gain = config.width, residual_gain(config.layers)
        self.heads = config.heads
        self.attention_norm = rms_norm(width)
        self.qkv = Linear(width, 3 * width)
        self.output = Linear(width, width, std=gain * width**-0.5)
        self.feed_norm = rms_norm(width)
        self.gate_and_value = Linear(width, 2 * config.hidden)
        self.leave = Linear(config.hidden, width, std=gain * config.hidden**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, tokens, width) to the same."""
        parts = self.qkv(self.attention_norm(x)).chunk(3, dim=-1)
        query, key, value = (split_heads(part, self.heads) for part in parts)
        attended = functional.scaled_dot_product_attention(query, key, value)
        x = x + self.output(merge_heads(attended))
        gate, value = self.gate_and_value(self.feed_norm(x)).chunk(2, dim=-1)
        fed: Tensor = self.leave(functional.gelu(gate, approximate="tanh") * value)
        return x + fed
