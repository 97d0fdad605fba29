"""The sizes of the builtin pipelines, and the parameters a case may set. Never imports torch.

The presets are sized to take 1 to 3 s a request on one CPU thread in fp32, with the denoising
loop most of it: short enough for many launches, long enough for a small margin to be resolved.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from perfgate.errors import ConfigurationError
from perfgate.workloads.diffusion.config import (
    DecoderConfig,
    PipelineConfig,
    Request,
    TextConfig,
    TransformerConfig,
)

PRESETS: Mapping[str, PipelineConfig] = {
    "wan-tiny": PipelineConfig(
        preset="wan-tiny",
        text=TextConfig(vocabulary=4096, tokens=64, width=256, heads=4, layers=8, hidden=1024),
        transformer=TransformerConfig(
            kind="cross",
            width=96,
            heads=3,
            layers=10,
            single_layers=0,
            hidden=256,
            patch=(1, 2, 2),
            rotary_axes=(8, 12, 12),
        ),
        decoder=DecoderConfig(channels=(64, 32, 32), upsampling=((2, 2), (2, 1))),
        latent_channels=16,
        shift=3.0,
        weight_seed=1,
        request=Request(frames=9, height=64, width=64, steps=8, guidance=5.0),
        params=("frames", "height", "width", "steps", "guidance", "seed", "prompt"),
    ),
    "flux-tiny": PipelineConfig(
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
        ),
        decoder=DecoderConfig(channels=(64, 64, 64), upsampling=((1, 2), (1, 2))),
        latent_channels=16,
        shift=3.0,
        weight_seed=2,
        request=Request(height=128, width=128, steps=8, guidance=3.5),
        params=("height", "width", "steps", "guidance", "seed", "prompt"),
    ),
}

_RANGES: Mapping[str, tuple[float, float]] = {
    "frames": (1, 121),
    "height": (8, 1024),
    "width": (8, 1024),
    "steps": (1, 200),
    "guidance": (0.0, 50.0),
    "seed": (0, 2**63 - 1),
}
_MAX_PROMPT_CHARS = 2000


def resolve(preset: str, params: Mapping[str, object]) -> PipelineConfig:
    """The preset with ``params`` set; raises ConfigurationError that lists every problem."""
    if preset not in PRESETS:
        raise ConfigurationError(
            f"unknown preset {preset!r}{_nearest(preset, tuple(PRESETS))}",
            fix=f"Use one of the presets: {', '.join(PRESETS)}.",
        )
    config = PRESETS[preset]
    _check(config, params)
    values: dict[str, Any] = dict(params)
    if "guidance" in values:
        values["guidance"] = float(values["guidance"])
    return replace(config, request=replace(config.request, **values))


def validate(config: PipelineConfig) -> None:
    """Raise ConfigurationError unless the request fits the pipeline that is to serve it."""
    _check(config, {name: getattr(config.request, name) for name in config.params})


def _check(config: PipelineConfig, params: Mapping[str, object]) -> None:
    told = [_problem(name, value, config) for name, value in params.items()]
    problems = [problem for problem in told if problem is not None]
    if problems:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        raise ConfigurationError(
            f"preset {config.preset} cannot take these params:{listed}",
            fix=f"Correct them; {config.preset} takes {', '.join(config.params)}.",
        )


def _problem(name: str, value: object, config: PipelineConfig) -> str | None:
    if name not in config.params:
        return f"{name}: unknown param{_nearest(name, config.params)}"
    if name == "prompt":
        if isinstance(value, str) and len(value) <= _MAX_PROMPT_CHARS:
            return None
        return f"prompt: {value!r}: write a text of at most {_MAX_PROMPT_CHARS} characters"
    low, high = _RANGES[name]
    whole = name != "guidance"
    kind = "a whole number" if whole else "a number"
    allowed = f"write {kind} from {low:g} to {high if whole else f'{high:g}'}"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return f"{name}: {value!r}: {allowed}"
    if not low <= value <= high:
        return f"{name}: {value!r}: {allowed}"
    return _misfit(name, int(value), config)


def _misfit(name: str, value: int, config: PipelineConfig) -> str | None:
    """Why a size does not fit the pipeline's strides, with the nearest ones that do."""
    if name in ("height", "width"):
        first, step = 0, config.space_multiple
        rule = f"a multiple of {step}"
    elif name == "frames":
        first, step = 1, config.decoder.time_stride
        rule = f"1 more than a multiple of {step}"
    else:
        return None
    over = (value - first) % step
    if over == 0:
        return None
    below, above = value - over, value - over + step
    nearest = f"{below} or {above}" if below >= _RANGES[name][0] else f"{above}"
    return f"{name}: {value}: must be {rule}, such as {nearest}"


def _nearest(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]}?" if close else ""
