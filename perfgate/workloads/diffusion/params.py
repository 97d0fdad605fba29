"""The parameters that a case may set on a preset, and why one cannot be taken. Imports no torch.

Most say what is asked for (:class:`~.config.Request`), the rest how it is computed
(:class:`~.config.Execution`); all of them are part of the workload that a case's hash covers.
``depth_divisor`` keeps one in so many of the transformer's blocks, for a device that the whole
model does not fit.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, get_args

from perfgate.errors import ConfigurationError
from perfgate.workloads.diffusion.config import (
    AttentionName,
    DtypeName,
    Execution,
    PipelineConfig,
    Request,
    TransformerConfig,
)
from perfgate.workloads.diffusion.presets import PRESETS

_RANGES: Mapping[str, tuple[float, float]] = {
    "frames": (1, 121),
    "height": (8, 1024),
    "width": (8, 1024),
    "steps": (1, 200),
    "guidance": (0.0, 50.0),
    "guidance_2": (0.0, 50.0),
    "seed": (0, 2**63 - 1),
}
_REALS = ("guidance", "guidance_2")
_CHOICES: Mapping[str, tuple[str | int, ...]] = {
    "dtype": get_args(DtypeName),
    "attention": get_args(AttentionName),
    "depth_divisor": (1, 2, 4, 8),
}
_SWITCHES = ("compile", "graphs")
_MAX_PROMPT_CHARS = 2000
_REQUEST = tuple(field.name for field in fields(Request))
_EXECUTION = tuple(field.name for field in fields(Execution))


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
    asked = {name: values[name] for name in _REQUEST if name in values}
    asked |= {name: float(asked[name]) for name in _REALS if name in asked}
    how = {name: values[name] for name in _EXECUTION if name in values}
    return replace(
        config,
        transformer=_shallower(config.transformer, values.get("depth_divisor", 1)),
        request=replace(config.request, **asked),
        execution=replace(config.execution, **how),
    )


def validate(config: PipelineConfig) -> None:
    """Raise ConfigurationError unless the request fits the pipeline that is to serve it."""
    asked = (name for name in config.params if name in _REQUEST)
    _check(config, {name: getattr(config.request, name) for name in asked})


def nearest_fit(name: str, value: int, config: PipelineConfig) -> int:
    """The largest ``value`` or less that ``name`` can take, or 0 if there is none."""
    first, step = _grid(name, config)
    fit = value - (value - first) % step
    return fit if fit >= _RANGES[name][0] else 0


def _shallower(transformer: TransformerConfig, divisor: int) -> TransformerConfig:
    singles = transformer.single_layers
    return replace(
        transformer,
        layers=max(1, transformer.layers // divisor),
        single_layers=max(1, singles // divisor) if singles else 0,
    )


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
    if name in _SWITCHES:
        return None if isinstance(value, bool) else f"{name}: {value!r}: write true or false"
    if name in _CHOICES:
        return _no_choice(name, value)
    return _out_of_range(name, value) or _misfit(name, value, config)


def _no_choice(name: str, value: object) -> str | None:
    choices = _CHOICES[name]
    if any(value == choice and type(value) is type(choice) for choice in choices):
        return None
    texts = tuple(str(choice) for choice in choices)
    return f"{name}: {value!r}: write one of {', '.join(texts)}{_nearest(str(value), texts)}"


def _out_of_range(name: str, value: object) -> str | None:
    low, high = _RANGES[name]
    whole = name not in _REALS
    kind = "a whole number" if whole else "a number"
    allowed = f"write {kind} from {low:g} to {high if whole else f'{high:g}'}"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return f"{name}: {value!r}: {allowed}"
    return None if low <= value <= high else f"{name}: {value!r}: {allowed}"


def _misfit(name: str, value: object, config: PipelineConfig) -> str | None:
    """Why a size does not fit the pipeline's strides, with the nearest ones that do."""
    first, step = _grid(name, config)
    if step == 1 or not isinstance(value, int):
        return None
    over = (value - first) % step
    if over == 0:
        return None
    rule = f"{first} more than a multiple of {step}" if first else f"a multiple of {step}"
    below, above = value - over, value - over + step
    nearest = f"{below} or {above}" if below >= _RANGES[name][0] else f"{above}"
    return f"{name}: {value}: must be {rule}, such as {nearest}"


def _grid(name: str, config: PipelineConfig) -> tuple[int, int]:
    """The first of the values that a size can take, and the distance from one to the next."""
    if name in ("height", "width"):
        return 0, config.space_multiple
    return (1, config.decoder.time_stride) if name == "frames" else (0, 1)


def _nearest(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {close[0]}?" if close else ""
