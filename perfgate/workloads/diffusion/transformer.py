"""The video transformer: self-attention over space and time, cross-attention to text, as in Wan.

Wan 2.1 (Wan Team 2025, section 4.2): patches, adaLN with one shared projection and a table for
each block, 3-axis rotary embedding, RMSNorm on queries and keys. ``wan-tiny`` has a projection in
each block instead. Knows no schedule and no latents beyond their shape.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from perfgate.workloads.diffusion.config import TransformerConfig
from perfgate.workloads.diffusion.layers import (
    MODULATION_STD,
    ConditionEmbedding,
    FeedForward,
    HeadNorm,
    Linear,
    Modulation,
    ModulationTable,
    merge_heads,
    modulate,
    residual_gain,
    rms_norm,
    split_heads,
)
from perfgate.workloads.diffusion.rotary import rotate

_BLOCK_PARTS = 6
"""Shift, scale and gate for self-attention, and again for the feed-forward."""


class CrossTransformer(nn.Module):
    """Predicts the velocity of (batch, channels, frames, rows, columns) latents."""

    def __init__(self, config: TransformerConfig, *, channels: int, text_width: int) -> None:
        super().__init__()
        width = config.width
        self.patch = config.patch
        self.patchify = nn.Conv3d(channels, width, kernel_size=config.patch, stride=config.patch)
        self.embed_text = Linear(text_width, width)
        self.embed_time = ConditionEmbedding(width)
        self.share: nn.Module = nn.Identity()
        if config.modulation == "shared":
            project = Linear(width, _BLOCK_PARTS * width, std=MODULATION_STD)
            self.share = nn.Sequential(nn.SiLU(), project)
        self.blocks = nn.ModuleList(CrossBlock(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = Modulation(width, parts=2)
        self.unembed = Linear(width, channels * self.patch[0] * self.patch[1] * self.patch[2])

    def forward(self, latents: Tensor, time: Tensor, text: Tensor, rotary: Tensor) -> Tensor:
        """Velocity in the shape of ``latents``.

        ``time`` is (batch, CONDITION_FREQUENCIES) sinusoids, ``text`` (batch, tokens, text width),
        ``rotary`` the table of the patches.
        """
        grid = self.patchify(latents)
        x = grid.flatten(2).transpose(1, 2)
        condition = self.embed_time(time)
        shared = self.share(condition)
        context = self.embed_text(text)
        for block in self.blocks:
            x = block(x, shared, context, rotary)
        shift, scale = self.modulation(condition)
        x = self.unembed(modulate(self.norm(x), shift=shift, scale=scale))
        return unpatchify(x, grid=(grid.shape[2], grid.shape[3], grid.shape[4]), patch=self.patch)


class CrossBlock(nn.Module):
    """Modulated self-attention, plain cross-attention, modulated feed-forward."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width, gain = config.width, residual_gain(config.depth)
        modulation = ModulationTable if config.modulation == "shared" else Modulation
        self.modulation = modulation(width, parts=_BLOCK_PARTS)
        self.self_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.self_attention = SelfAttention(config, gain=gain)
        self.cross_norm = rms_norm(width)
        self.cross_attention = CrossAttention(config, gain=gain)
        self.feed_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.feed = FeedForward(width, config.hidden, gain=gain)

    def forward(self, x: Tensor, condition: Tensor, context: Tensor, rotary: Tensor) -> Tensor:
        """(batch, patches, width) to the same.

        ``condition`` is the vector of (batch, width), or its shared projection.
        """
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = self.modulation(condition)
        attended = self.self_attention(
            modulate(self.self_norm(x), shift=shift_a, scale=scale_a), rotary
        )
        x = x + gate_a * attended
        x = x + self.cross_attention(self.cross_norm(x), context)
        fed = self.feed(modulate(self.feed_norm(x), shift=shift_f, scale=scale_f))
        added: Tensor = x + gate_f * fed
        return added


class SelfAttention(nn.Module):
    """Attention among patches; queries and keys are normalised, then turned by position."""

    def __init__(self, config: TransformerConfig, *, gain: float) -> None:
        super().__init__()
        width, self.heads = config.width, config.heads
        self.qkv = Linear(width, 3 * width)
        self.query_norm = HeadNorm(width, heads=config.heads, over=config.query_norm)
        self.key_norm = HeadNorm(width, heads=config.heads, over=config.query_norm)
        self.output = Linear(width, width, std=gain * width**-0.5)

    def forward(self, x: Tensor, rotary: Tensor) -> Tensor:
        """(batch, patches, width) to the same."""
        query, key, value = self.qkv(x).chunk(3, dim=-1)
        query = rotate(self.query_norm(query), rotary)
        key = rotate(self.key_norm(key), rotary)
        attended = functional.scaled_dot_product_attention(
            query, key, split_heads(value, self.heads)
        )
        output: Tensor = self.output(merge_heads(attended))
        return output


class CrossAttention(nn.Module):
    """Attention from patches to text, which has no position on the grid."""

    def __init__(self, config: TransformerConfig, *, gain: float) -> None:
        super().__init__()
        width, self.heads = config.width, config.heads
        self.query = Linear(width, width)
        self.key_value = Linear(width, 2 * width)
        self.query_norm = HeadNorm(width, heads=config.heads, over=config.query_norm)
        self.key_norm = HeadNorm(width, heads=config.heads, over=config.query_norm)
        self.output = Linear(width, width, std=gain * width**-0.5)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(batch, patches, width) and (batch, tokens, width) to the shape of ``x``."""
        key, value = self.key_value(context).chunk(2, dim=-1)
        attended = functional.scaled_dot_product_attention(
            self.query_norm(self.query(x)), self.key_norm(key), split_heads(value, self.heads)
        )
        output: Tensor = self.output(merge_heads(attended))
        return output


def unpatchify(x: Tensor, *, grid: tuple[int, int, int], patch: tuple[int, int, int]) -> Tensor:
    """(batch, patches, channels * patch) to (batch, channels, frames, rows, columns)."""
    batch = x.shape[0]
    x = x.reshape(batch, *grid, -1, *patch)
    x = torch.einsum("bfhwcpqr->bcfphqwr", x)
    return x.reshape(batch, -1, *(count * size for count, size in zip(grid, patch, strict=True)))
