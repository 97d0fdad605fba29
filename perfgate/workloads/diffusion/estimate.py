"""What memory a request needs, roughly, and which smaller one would fit. Measures nothing.

The estimate counts the weights exactly and the activations that are alive at once in the worst
place of the transformer and of the decoder, as the code in this folder makes them. It leaves out
what the libraries take for themselves (context, workspaces, fragmentation). For wan-small on a CPU
it came within a quarter of the resident peak at three sizes; it has been held against no device.
That is enough to name a size to try next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from perfgate.workloads.diffusion.config import PipelineConfig
from perfgate.workloads.diffusion.decoder import Decoder
from perfgate.workloads.diffusion.denoiser import make_transformer
from perfgate.workloads.diffusion.params import nearest_fit
from perfgate.workloads.diffusion.text import TextEncoder

_ATTENTION_WIDTHS = 9
"""Residual, modulated input, qkv, normed and turned queries and keys, and one in the making."""
_SINGLE_WIDTHS, _SINGLE_HIDDENS = 10, 3
"""The same beside the hidden part: as it came, after GELU, and joined with what was attended."""
_DECODER_COPIES = 5
"""Shortcut, normed, after SiLU, padded, and the convolution's result."""
_SCALE_STEPS = 16
_USABLE = 0.9
"""Of a device's memory: the rest is for what the estimate leaves out."""


def parameter_counts(config: PipelineConfig) -> dict[str, int]:
    """Weights of each model, counted on models without storage."""
    with torch.device("meta"):
        models = {
            "text encoder": TextEncoder(config.text),
            "transformer": make_transformer(config),
            "decoder": Decoder(config.decoder, channels=config.latent_channels),
        }
    return {
        name: sum(parameter.numel() for parameter in model.parameters())
        for name, model in models.items()
    }


def needed_bytes(config: PipelineConfig, *, element_bytes: int) -> int:
    """Weights and the larger of the transformer's and the decoder's activations."""
    weights = sum(parameter_counts(config).values())
    return element_bytes * (weights + max(_transformer(config), _decoder(config)))


def smaller_requests(config: PipelineConfig, fits: Callable[[PipelineConfig], bool]) -> list[str]:
    """The largest that ``fits`` with fewer frames, and with a smaller picture of like shape."""
    found = []
    frames = config.request.frames
    while (frames := nearest_fit("frames", frames - 1, config)) > 0:
        if fits(replace(config, request=replace(config.request, frames=frames))):
            found.append(f"frames: {frames}")
            break
    for part in range(_SCALE_STEPS - 1, 0, -1):
        height, width = (
            nearest_fit(name, getattr(config.request, name) * part // _SCALE_STEPS, config)
            for name in ("height", "width")
        )
        sized = replace(config, request=replace(config.request, height=height, width=width))
        if height and width and fits(sized):
            found.append(f"height: {height} with width: {width}")
            break
    return found


def fits_in(memory_bytes: int, *, element_bytes: int) -> Callable[[PipelineConfig], bool]:
    """Whether a request is estimated to fit a device of this memory."""
    return lambda config: (
        needed_bytes(config, element_bytes=element_bytes) <= _USABLE * memory_bytes
    )


def _transformer(config: PipelineConfig) -> int:
    """Elements alive in the worst block; attention by tiles, or whole scores with ``math``."""
    model = config.transformer
    _, _, frames, rows, columns = config.latent_shape()
    patches = frames * rows * columns // (model.patch[0] * model.patch[1] * model.patch[2])
    batch = 2 if config.guidance_is_batched else 1
    if model.kind == "joint":
        tokens = patches + config.text.tokens
        each = _SINGLE_WIDTHS * model.width + _SINGLE_HIDDENS * model.hidden
    else:
        tokens = patches
        each = max(_ATTENTION_WIDTHS * model.width, 3 * model.width + 2 * model.hidden)
    scores = 2 * model.heads * tokens**2 if config.execution.attention == "math" else 0
    return batch * (tokens * each + scores)


def _decoder(config: PipelineConfig) -> int:
    """Elements alive in the level that needs most; a level's input is upsampled first."""
    _, _, frames, rows, columns = config.latent_shape()
    model = config.decoder
    frames = min(frames, model.chunk) if model.chunk else frames
    worst = model.channels[0] * frames * rows * columns
    for channels, (time, space) in zip(model.channels, model.upsampling, strict=False):
        frames, rows, columns = frames * time, rows * space, columns * space
        worst = max(worst, channels * frames * rows * columns)
    return _DECODER_COPIES * worst
