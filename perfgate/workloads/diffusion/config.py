"""What a pipeline's sizes are called. Plain values: imports no torch and checks nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

_PROMPT = "a red panda walks along a mossy branch in the morning fog, soft light, film grain"
_NEGATIVE_PROMPT = "blurred, overexposed, static, low quality"


@dataclass(frozen=True, kw_only=True, slots=True)
class TextConfig:
    """The text encoder: pre-norm blocks of ``width`` over ``tokens`` hashed tokens."""

    vocabulary: int
    tokens: int
    width: int
    heads: int
    layers: int
    hidden: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformerConfig:
    """The denoiser. ``cross`` reads the text by cross-attention, ``joint`` in one sequence.

    ``layers`` are the cross blocks or the double blocks, ``single_layers`` the joint kind's
    second half. ``rotary_axes`` are the channels of a head that turn with time, row and column.
    """

    kind: Literal["cross", "joint"]
    width: int
    heads: int
    layers: int
    single_layers: int
    hidden: int
    patch: tuple[int, int, int]
    rotary_axes: tuple[int, int, int]

    @property
    def depth(self) -> int:
        return self.layers + self.single_layers


@dataclass(frozen=True, kw_only=True, slots=True)
class DecoderConfig:
    """The causal decoder: channels of each level, coarsest first.

    ``upsampling`` has a (time, space) factor of 1 or 2 for each step between two levels.
    """

    channels: tuple[int, ...]
    upsampling: tuple[tuple[int, int], ...]

    @property
    def time_stride(self) -> int:
        return math.prod(time for time, _ in self.upsampling)

    @property
    def space_stride(self) -> int:
        return math.prod(space for _, space in self.upsampling)


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What one request asks for: the fields that a case's ``params`` may set."""

    frames: int = 1
    height: int
    width: int
    steps: int
    guidance: float
    seed: int = 42
    prompt: str = _PROMPT


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineConfig:
    """A preset with its request. ``params`` names what of the request may be set."""

    preset: str
    text: TextConfig
    transformer: TransformerConfig
    decoder: DecoderConfig
    latent_channels: int
    shift: float
    weight_seed: int
    request: Request
    params: tuple[str, ...]
    negative_prompt: str = _NEGATIVE_PROMPT

    @property
    def guidance_is_batched(self) -> bool:
        """Classifier-free guidance needs a second prediction; a distilled model reads its scale."""
        return self.transformer.kind == "cross"

    @property
    def space_multiple(self) -> int:
        """Height and width are multiples of this: the decoder's stride times the patch."""
        return self.decoder.space_stride * self.transformer.patch[1]

    def latent_shape(self) -> tuple[int, int, int, int, int]:
        """(1, channels, frames, rows, columns) of the latents; 1 + (frames - 1) / stride frames."""
        stride = self.decoder.space_stride
        return (
            1,
            self.latent_channels,
            1 + (self.request.frames - 1) // self.decoder.time_stride,
            self.request.height // stride,
            self.request.width // stride,
        )
