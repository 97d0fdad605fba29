"""A transformer with the guidance it was made for: one velocity for one step. Knows no schedule."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from perfgate.workloads.diffusion.config import PipelineConfig
from perfgate.workloads.diffusion.joint import JointTransformer
from perfgate.workloads.diffusion.rotary import grid_positions, rotary_table
from perfgate.workloads.diffusion.schedule import TRAIN_TIMESTEPS, guide
from perfgate.workloads.diffusion.transformer import CrossTransformer
from perfgate.workloads.diffusion.weights import build

_SEED_OFFSET = 1
"""Each model of a pipeline draws its weights from a seed of its own."""


class Denoiser(Protocol):
    """What the denoising loop needs; latents are (1, channels, frames, rows, columns)."""

    def rotary(self, latents: Tensor) -> Tensor:
        """The rotations of every token for latents of this shape, computed once a request."""
        ...

    def velocity(
        self, latents: Tensor, *, sigma: float, text: Tensor, rotary: Tensor, guidance: float
    ) -> Tensor:
        """The guided prediction, in the shape of ``latents``."""
        ...


def denoiser(config: PipelineConfig) -> Denoiser:
    """The denoiser of a preset, with its seeded weights."""
    return ClassifierFree(config) if config.guidance_is_batched else Distilled(config)


class ClassifierFree:
    """Unconditional and conditional predictions as one batch of two, as Wan is served."""

    def __init__(self, config: PipelineConfig) -> None:
        self.config = config
        self.transformer = build(
            lambda: CrossTransformer(
                config.transformer, channels=config.latent_channels, text_width=config.text.width
            ),
            seed=config.weight_seed + _SEED_OFFSET,
        )

    def rotary(self, latents: Tensor) -> Tensor:
        """(patches, channels of a head / 2) complex."""
        return rotary_table(_grid(latents, self.config), self.config.transformer.rotary_axes)

    def velocity(
        self, latents: Tensor, *, sigma: float, text: Tensor, rotary: Tensor, guidance: float
    ) -> Tensor:
        """``text`` is (2, tokens, width): the negative prompt's, then the prompt's."""
        time = torch.full((2,), TRAIN_TIMESTEPS * sigma)
        both = self.transformer(latents.expand(2, -1, -1, -1, -1), time, text, rotary)
        unconditional, conditional = both.chunk(2)
        return guide(unconditional, conditional, scale=guidance)


class Distilled:
    """One prediction that was told the guidance scale, as FLUX.1-dev is served."""

    def __init__(self, config: PipelineConfig) -> None:
        self.config = config
        self.transformer = build(
            lambda: JointTransformer(
                config.transformer, channels=config.latent_channels, text_width=config.text.width
            ),
            seed=config.weight_seed + _SEED_OFFSET,
        )

    def rotary(self, latents: Tensor) -> Tensor:
        """(tokens + patches, channels of a head / 2) complex; text stands at the origin."""
        words = torch.zeros((self.config.text.tokens, 3), dtype=torch.int64)
        positions = torch.cat((words, _grid(latents, self.config)))
        return rotary_table(positions, self.config.transformer.rotary_axes)

    def velocity(
        self, latents: Tensor, *, sigma: float, text: Tensor, rotary: Tensor, guidance: float
    ) -> Tensor:
        """``text`` is (1, tokens, width)."""
        time = torch.tensor([TRAIN_TIMESTEPS * sigma])
        scale = torch.tensor([guidance])
        predicted: Tensor = self.transformer(latents, time, text, rotary, scale)
        return predicted


def _grid(latents: Tensor, config: PipelineConfig) -> Tensor:
    frames, rows, columns = (
        size // patch
        for size, patch in zip(latents.shape[2:], config.transformer.patch, strict=True)
    )
    return grid_positions(frames, rows, columns)
