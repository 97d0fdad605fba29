"""What a pipeline's sizes are called. Plain values: imports no torch and checks nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

DtypeName: TypeAlias = Literal["float32", "bfloat16", "float16"]
AttentionName: TypeAlias = Literal["auto", "flash", "efficient", "math", "cudnn"]

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
    ``modulation`` is projected once and shared by all blocks, as in Wan, or by each block for
    itself, as in FLUX. ``query_norm`` covers the full width, as in Wan, or each head, as in FLUX.
    """

    kind: Literal["cross", "joint"]
    width: int
    heads: int
    layers: int
    single_layers: int
    hidden: int
    patch: tuple[int, int, int]
    rotary_axes: tuple[int, int, int]
    modulation: Literal["shared", "block"]
    query_norm: Literal["width", "head"]

    @property
    def depth(self) -> int:
        return self.layers + self.single_layers


@dataclass(frozen=True, kw_only=True, slots=True)
class DecoderConfig:
    """The causal decoder: channels of each level, coarsest first.

    ``upsampling`` has a (time, space) factor of 1 or 2 for each step between two levels. ``chunk``
    is how many latent frames are decoded at once, with what earlier ones left kept: 0 is all.
    """

    channels: tuple[int, ...]
    upsampling: tuple[tuple[int, int], ...]
    chunk: int = 0

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
    guidance_2: float = 0.0
    seed: int = 42
    prompt: str = _PROMPT


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """How the same request is computed: the other fields that a case's ``params`` may set.

    ``dtype`` ``None`` is the device's own choice (:func:`.placement.chosen_dtype`).
    """

    dtype: DtypeName | None = None
    attention: AttentionName = "auto"
    compile: bool = False
    graphs: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineConfig:
    """A preset with its request. ``params`` names what a case may set.

    ``boundary`` is the timestep over 1000 at which a second expert takes over, ``None`` where there
    is but one. Weights drawn on the ``host`` have the same bits on every device; those of large
    presets are drawn on the ``device``, because that takes seconds instead of minutes.
    """

    preset: str
    text: TextConfig
    transformer: TransformerConfig
    decoder: DecoderConfig
    latent_channels: int
    shift: float
    weight_seed: int
    request: Request
    params: tuple[str, ...]
    boundary: float | None = None
    weights_drawn_on: Literal["host", "device"] = "host"
    execution: Execution = Execution()
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
