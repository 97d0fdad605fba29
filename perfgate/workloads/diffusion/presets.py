"""The sizes of the builtin pipelines. Plain values: imports no torch and checks nothing.

``wan-tiny``, ``flux-tiny`` and ``wan-dual`` are sized for the CPU: 1 to 3 s a request on one thread
in fp32, with the denoising loop most of it, short enough for many launches and long enough for a
small margin to be resolved. The others are for a GPU or NPU.

``wan-1.3b`` and ``flux-like`` have the transformer of Wan 2.1 T2V 1.3B (Wan Team 2025) and FLUX.1
(Black Forest Labs 2024) in structure and size. What stands around it is smaller, because a request
spends little there: 4 layers of text encoder at the full width of umt5-xxl and t5-xxl, which have
24, and a decoder with the real channels and strides but one residual block a level, FLUX's with
convolutions in time as well. Neither has been run whole: no device for it was at hand.
``wan-dual`` switches experts as Wan 2.2 does.
"""

from __future__ import annotations

from collections.abc import Mapping

from perfgate.workloads.diffusion.config import (
    DecoderConfig,
    PipelineConfig,
    Request,
    TextConfig,
    TransformerConfig,
)

_IMAGE = ("height", "width", "steps", "guidance", "seed", "prompt")
_VIDEO = ("frames", *_IMAGE)
_EXECUTION = ("dtype", "attention", "compile", "graphs")

_TINY_TEXT = TextConfig(vocabulary=4096, tokens=64, width=256, heads=4, layers=8, hidden=1024)
_TINY_VIDEO_DECODER = DecoderConfig(channels=(64, 32, 32), upsampling=((2, 2), (2, 1)))
_LARGE_TEXT = TextConfig(
    vocabulary=16_384, tokens=512, width=4096, heads=64, layers=4, hidden=10_240
)

WAN_TINY = PipelineConfig(
    preset="wan-tiny",
    text=_TINY_TEXT,
    transformer=TransformerConfig(
        kind="cross",
        width=96,
        heads=3,
        layers=10,
        single_layers=0,
        hidden=256,
        patch=(1, 2, 2),
        rotary_axes=(8, 12, 12),
        modulation="block",
        query_norm="head",
    ),
    decoder=_TINY_VIDEO_DECODER,
    latent_channels=16,
    shift=3.0,
    weight_seed=1,
    request=Request(frames=9, height=64, width=64, steps=8, guidance=5.0),
    params=(*_VIDEO, *_EXECUTION),
)

FLUX_TINY = PipelineConfig(
    preset="flux-tiny",
    text=TextConfig(vocabulary=4096, tokens=64, width=256, heads=4, layers=16, hidden=1024),
    transformer=TransformerConfig(
        kind="joint",
        width=384,
        heads=6,
        layers=3,
        single_layers=6,
        hidden=1536,
        patch=(1, 2, 2),
        rotary_axes=(16, 24, 24),
        modulation="block",
        query_norm="head",
    ),
    decoder=DecoderConfig(channels=(64, 64, 64), upsampling=((1, 2), (1, 2))),
    latent_channels=16,
    shift=3.0,
    weight_seed=2,
    request=Request(height=128, width=128, steps=8, guidance=3.5),
    params=(*_IMAGE, *_EXECUTION),
)

WAN_DUAL = PipelineConfig(
    preset="wan-dual",
    text=_TINY_TEXT,
    transformer=TransformerConfig(
        kind="cross",
        width=96,
        heads=3,
        layers=10,
        single_layers=0,
        hidden=256,
        patch=(1, 2, 2),
        rotary_axes=(8, 12, 12),
        modulation="shared",
        query_norm="width",
    ),
    decoder=_TINY_VIDEO_DECODER,
    latent_channels=16,
    shift=12.0,
    weight_seed=3,
    request=Request(frames=9, height=64, width=64, steps=8, guidance=4.0, guidance_2=3.0),
    params=(*_VIDEO, "guidance_2", *_EXECUTION),
    boundary=0.875,
)

WAN_SMALL = PipelineConfig(
    preset="wan-small",
    text=TextConfig(vocabulary=4096, tokens=128, width=512, heads=8, layers=8, hidden=2048),
    transformer=TransformerConfig(
        kind="cross",
        width=384,
        heads=6,
        layers=8,
        single_layers=0,
        hidden=1536,
        patch=(1, 2, 2),
        rotary_axes=(24, 20, 20),
        modulation="shared",
        query_norm="width",
    ),
    decoder=DecoderConfig(channels=(128, 128, 64, 32), upsampling=((2, 2), (2, 2), (1, 2))),
    latent_channels=16,
    shift=5.0,
    weight_seed=4,
    request=Request(frames=17, height=256, width=384, steps=30, guidance=5.0),
    params=(*_VIDEO, *_EXECUTION),
)

WAN_1_3B = PipelineConfig(
    preset="wan-1.3b",
    text=_LARGE_TEXT,
    transformer=TransformerConfig(
        kind="cross",
        width=1536,
        heads=12,
        layers=30,
        single_layers=0,
        hidden=8960,
        patch=(1, 2, 2),
        rotary_axes=(44, 42, 42),
        modulation="shared",
        query_norm="width",
    ),
    decoder=DecoderConfig(
        channels=(384, 384, 192, 96), upsampling=((2, 2), (2, 2), (1, 2)), chunk=1
    ),
    latent_channels=16,
    shift=5.0,
    weight_seed=5,
    request=Request(frames=17, height=480, width=832, steps=10, guidance=5.0),
    params=(*_VIDEO, "depth_divisor", *_EXECUTION),
    weights_drawn_on="device",
)

FLUX_LIKE = PipelineConfig(
    preset="flux-like",
    text=_LARGE_TEXT,
    transformer=TransformerConfig(
        kind="joint",
        width=3072,
        heads=24,
        layers=19,
        single_layers=38,
        hidden=12_288,
        patch=(1, 2, 2),
        rotary_axes=(16, 56, 56),
        modulation="block",
        query_norm="head",
    ),
    decoder=DecoderConfig(channels=(512, 512, 256, 128), upsampling=((1, 2), (1, 2), (1, 2))),
    latent_channels=16,
    shift=3.16,
    weight_seed=6,
    request=Request(height=1024, width=1024, steps=28, guidance=3.5),
    params=(*_IMAGE, "depth_divisor", *_EXECUTION),
    weights_drawn_on="device",
)

PRESETS: Mapping[str, PipelineConfig] = {
    config.preset: config
    for config in (WAN_TINY, FLUX_TINY, WAN_DUAL, WAN_SMALL, WAN_1_3B, FLUX_LIKE)
}
