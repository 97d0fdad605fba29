"""The image transformer: text and patches in one attention, as in FLUX.

FLUX.1 (Black Forest Labs 2024; MMDiT of Esser et al. 2024, section 4): double blocks with weights
of their own for each stream, then single blocks over the joined sequence; the guidance scale is an
input (distilled guidance), so that a step is one prediction.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from perfgate.workloads.diffusion.config import TransformerConfig
from perfgate.workloads.diffusion.layers import (
    ConditionEmbedding,
    FeedForward,
    HeadNorm,
    Linear,
    Modulation,
    merge_heads,
    modulate,
    residual_gain,
    split_heads,
)
from perfgate.workloads.diffusion.rotary import rotate
from perfgate.workloads.diffusion.transformer import unpatchify


class JointTransformer(nn.Module):
    """Predicts the velocity of (batch, channels, 1, rows, columns) latents."""

    def __init__(self, config: TransformerConfig, *, channels: int, text_width: int) -> None:
        super().__init__()
        width = config.width
        self.patch = config.patch
        self.patchify = nn.Conv3d(channels, width, kernel_size=config.patch, stride=config.patch)
        self.embed_text = Linear(text_width, width)
        self.embed_time = ConditionEmbedding(width)
        self.embed_guidance = ConditionEmbedding(width)
        self.embed_pooled = Linear(text_width, width)
        self.double_blocks = nn.ModuleList(DoubleBlock(config) for _ in range(config.layers))
        self.single_blocks = nn.ModuleList(SingleBlock(config) for _ in range(config.single_layers))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = Modulation(width, parts=2)
        self.unembed = Linear(width, channels * self.patch[0] * self.patch[1] * self.patch[2])

    def forward(
        self, latents: Tensor, time: Tensor, text: Tensor, rotary: Tensor, guidance: Tensor
    ) -> Tensor:
        """Velocity in the shape of ``latents``.

        ``time`` and ``guidance`` are (batch, CONDITION_FREQUENCIES) sinusoids, ``text`` (batch,
        tokens, text width), ``rotary`` the table of the tokens and the patches.
        """
        grid = self.patchify(latents)
        image = grid.flatten(2).transpose(1, 2)
        condition = (
            self.embed_time(time)
            + self.embed_guidance(guidance)
            + self.embed_pooled(text.mean(dim=1))
        )
        words = self.embed_text(text)
        for block in self.double_blocks:
            words, image = block(words, image, condition, rotary)
        x = torch.cat((words, image), dim=1)
        for block in self.single_blocks:
            x = block(x, condition, rotary)
        shift, scale = self.modulation(condition)
        image = modulate(self.norm(x[:, words.shape[1] :]), shift=shift, scale=scale)
        return unpatchify(
            self.unembed(image),
            grid=(grid.shape[2], grid.shape[3], grid.shape[4]),
            patch=self.patch,
        )


class Stream(nn.Module):
    """One stream of a double block: its own modulation, projections and feed-forward."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width, gain = config.width, residual_gain(config.depth)
        self.heads = config.heads
        self.modulation = Modulation(width, parts=6)
        self.attention_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv = Linear(width, 3 * width)
        self.query_norm = HeadNorm(width, heads=config.heads, over=config.query_norm)
        self.key_norm = HeadNorm(width, heads=config.heads, over=config.query_norm)
        self.output = Linear(width, width, std=gain * width**-0.5)
        self.feed_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.feed = FeedForward(width, config.hidden, gain=gain)

    def project(self, x: Tensor, *, shift: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each (batch, heads, tokens, channels)."""
        qkv = self.qkv(modulate(self.attention_norm(x), shift=shift, scale=scale))
        query, key, value = qkv.chunk(3, dim=-1)
        return self.query_norm(query), self.key_norm(key), split_heads(value, self.heads)


class DoubleBlock(nn.Module):
    """Two streams that see each other in attention only."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.words = Stream(config)
        self.image = Stream(config)

    def forward(
        self, words: Tensor, image: Tensor, condition: Tensor, rotary: Tensor
    ) -> tuple[Tensor, Tensor]:
        """(batch, tokens, width) and (batch, patches, width) to the same pair."""
        sides = ((self.words, words), (self.image, image))
        modulations = [stream.modulation(condition) for stream, _ in sides]
        projected = [
            stream.project(x, shift=parts[0], scale=parts[1])
            for (stream, x), parts in zip(sides, modulations, strict=True)
        ]
        query, key, value = (torch.cat(both, dim=2) for both in zip(*projected, strict=True))
        attended = merge_heads(
            functional.scaled_dot_product_attention(
                rotate(query, rotary), rotate(key, rotary), value
            )
        )
        pieces = attended.tensor_split((words.shape[1],), dim=1)
        out = []
        for (stream, x), parts, piece in zip(sides, modulations, pieces, strict=True):
            _, _, gate_a, shift_f, scale_f, gate_f = parts
            y = x + gate_a * stream.output(piece)
            fed = stream.feed(modulate(stream.feed_norm(y), shift=shift_f, scale=scale_f))
            out.append(y + gate_f * fed)
        return out[0], out[1]


class SingleBlock(nn.Module):
    """Attention and feed-forward side by side from one projection (Dehghani et al. 2023)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width, hidden = config.width, config.hidden
        gain = residual_gain(config.depth)
        self.heads = config.heads
        self.modulation = Modulation(width, parts=3)
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.enter = Linear(width, 3 * width + hidden)
        self.query_norm = HeadNorm(width, heads=config.heads, over=config.query_norm)
        self.key_norm = HeadNorm(width, heads=config.heads, over=config.query_norm)
        self.leave = Linear(width + hidden, width, std=gain * (width + hidden) ** -0.5)

    def forward(self, x: Tensor, condition: Tensor, rotary: Tensor) -> Tensor:
        """(batch, tokens + patches, width) to the same."""
        shift, scale, gate = self.modulation(condition)
        entered = self.enter(modulate(self.norm(x), shift=shift, scale=scale))
        qkv, hidden = entered.tensor_split((3 * x.shape[-1],), dim=-1)
        query, key, value = qkv.chunk(3, dim=-1)
        attended = functional.scaled_dot_product_attention(
            rotate(self.query_norm(query), rotary),
            rotate(self.key_norm(key), rotary),
            split_heads(value, self.heads),
        )
        joined = torch.cat(
            (merge_heads(attended), functional.gelu(hidden, approximate="tanh")), dim=-1
        )
        added: Tensor = x + gate * self.leave(joined)
        return added
