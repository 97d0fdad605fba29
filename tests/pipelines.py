"""The presets' structure and strides at a size that a unit test can afford."""

from __future__ import annotations

from dataclasses import replace

from perfgate.workloads.diffusion.config import PipelineConfig
from perfgate.workloads.diffusion.presets import PRESETS

CPU_PRESETS = ("wan-tiny", "flux-tiny", "wan-dual")
"""Those that are sized for the CPU."""


def a_narrow_config(preset: str, **request: object) -> PipelineConfig:
    """The preset, narrow and shallow, with a request of a few tokens."""
    config = PRESETS[preset]
    joint = config.transformer.kind == "joint"
    small = {"frames": 1 if joint else 5, "height": 16, "width": 16, "steps": 3}
    return replace(
        config,
        text=replace(config.text, vocabulary=64, tokens=4, width=16, heads=2, layers=2, hidden=16),
        transformer=replace(
            config.transformer,
            width=32,
            heads=2,
            layers=2,
            single_layers=2 if joint else 0,
            hidden=32,
            rotary_axes=(4, 6, 6),
        ),
        decoder=replace(config.decoder, channels=(8,) * len(config.decoder.channels)),
        latent_channels=4,
        request=replace(config.request, **{**small, **request}),
    )
