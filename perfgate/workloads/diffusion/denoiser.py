"""A transformer with the guidance it was made for: one velocity for one step. Knows no loop.

What a step reads beside the latents (text, rotary table, sinusoids of every timestep) is brought to
the device once a request, so that no step waits for a copy or for the device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import torch
from torch import Tensor, nn

from perfgate.workloads.diffusion.config import PipelineConfig
from perfgate.workloads.diffusion.joint import JointTransformer
from perfgate.workloads.diffusion.layers import CONDITION_FREQUENCIES, sinusoids
from perfgate.workloads.diffusion.placement import Placement
from perfgate.workloads.diffusion.rotary import grid_positions, rotary_table
from perfgate.workloads.diffusion.schedule import TRAIN_TIMESTEPS, guide
from perfgate.workloads.diffusion.transformer import CrossTransformer
from perfgate.workloads.diffusion.weights import build

_GUIDANCE_SCALE = 1000.0
"""FLUX embeds guidance on the same scale as the timestep."""

Predict: TypeAlias = Callable[[Tensor, int], Tensor]
"""The fp32 velocity of fp32 latents at a step, in their shape; all else of the request is bound."""

Forward: TypeAlias = Callable[..., Tensor]
"""The transformer, or what runs it faster: tensors in, one tensor out."""


class Denoiser(Protocol):
    """What the denoising loop needs; latents are (1, channels, frames, rows, columns)."""

    transformer: nn.Module
    forward: Forward

    def rotary(self, shape: Sequence[int]) -> Tensor:
        """The rotary table of every token for latents of this shape."""

    def prepared(
        self, sigmas: Sequence[float], *, text: Tensor, rotary: Tensor, guidance: float
    ) -> Predict:
        """The prediction of a request whose step i starts at noise level ``sigmas[i]``."""


def make_transformer(config: PipelineConfig) -> nn.Module:
    """The transformer of a preset, with whatever weights torch gives it."""
    kinds = {"cross": CrossTransformer, "joint": JointTransformer}
    kind = kinds[config.transformer.kind]
    return kind(config.transformer, channels=config.latent_channels, text_width=config.text.width)


def draw_transformer(config: PipelineConfig, placement: Placement, *, seed: int) -> nn.Module:
    """The transformer of a preset with its seeded weights."""
    return build(
        lambda: make_transformer(config),
        seed=seed,
        placement=placement,
        drawn_on=config.weights_drawn_on,
    )


def denoiser(config: PipelineConfig, placement: Placement, transformer: nn.Module) -> Denoiser:
    """The denoiser that a preset's transformer was made for."""
    kind = ClassifierFree if config.guidance_is_batched else Distilled
    return kind(config, placement, transformer)


class ClassifierFree:
    """Unconditional and conditional predictions as one batch of two, as Wan is served."""

    def __init__(
        self, config: PipelineConfig, placement: Placement, transformer: nn.Module
    ) -> None:
        self.config = config
        self.placement = placement
        self.transformer = transformer
        self.forward: Forward = transformer

    def rotary(self, shape: Sequence[int]) -> Tensor:
        return _placed_rotary(_grid(shape, self.config), self.config, self.placement)

    def prepared(
        self, sigmas: Sequence[float], *, text: Tensor, rotary: Tensor, guidance: float
    ) -> Predict:
        """``text`` is (2, tokens, width): the negative prompt's, then the prompt's."""
        times = _waves([TRAIN_TIMESTEPS * sigma for sigma in sigmas], self.placement)

        def predict(latents: Tensor, step: int) -> Tensor:
            both = self.forward(
                latents.to(self.placement.dtype).expand(2, -1, -1, -1, -1),
                times[step : step + 1].expand(2, -1),
                text,
                rotary,
            )
            unconditional, conditional = both.to(torch.float32).chunk(2)
            return guide(unconditional, conditional, scale=guidance)

        return predict


class Distilled:
    """One prediction that was told the guidance scale, as FLUX.1-dev is served."""

    def __init__(
        self, config: PipelineConfig, placement: Placement, transformer: nn.Module
    ) -> None:
        self.config = config
        self.placement = placement
        self.transformer = transformer
        self.forward: Forward = transformer

    def rotary(self, shape: Sequence[int]) -> Tensor:
        """The text's tokens, which stand at the origin, come first."""
        words = torch.zeros((self.config.text.tokens, 3), dtype=torch.int64)
        positions = torch.cat((words, _grid(shape, self.config)))
        return _placed_rotary(positions, self.config, self.placement)

    def prepared(
        self, sigmas: Sequence[float], *, text: Tensor, rotary: Tensor, guidance: float
    ) -> Predict:
        """``text`` is (1, tokens, width)."""
        times = _waves([TRAIN_TIMESTEPS * sigma for sigma in sigmas], self.placement)
        scale = _waves([_GUIDANCE_SCALE * guidance], self.placement)

        def predict(latents: Tensor, step: int) -> Tensor:
            predicted = self.forward(
                latents.to(self.placement.dtype), times[step : step + 1], text, rotary, scale
            )
            return predicted.to(torch.float32)

        return predict


def _waves(values: Sequence[float], placement: Placement) -> Tensor:
    """(values, CONDITION_FREQUENCIES)."""
    return placement.put(sinusoids(torch.tensor(values), CONDITION_FREQUENCIES))


def _grid(shape: Sequence[int], config: PipelineConfig) -> Tensor:
    frames, rows, columns = (
        size // patch for size, patch in zip(shape[2:], config.transformer.patch, strict=True)
    )
    return grid_positions(frames, rows, columns)


def _placed_rotary(positions: Tensor, config: PipelineConfig, placement: Placement) -> Tensor:
    """The complex table where it is known to be the faster one (:mod:`.rotary` says why)."""
    complex_is_faster = (
        placement.device.type == "cpu"
        and placement.dtype == torch.float32
        and not config.execution.compile
    )
    axes = config.transformer.rotary_axes
    if complex_is_faster:
        return rotary_table(positions, axes, real=False)
    return placement.put(rotary_table(positions, axes, real=True))
