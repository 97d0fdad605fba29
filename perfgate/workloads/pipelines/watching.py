"""Watches one pipeline's own objects from outside. Needs no torch of its own.

Each object that is watched gets a class of its own, which derives from the one that it had: nobody
else's objects are touched, copies of it are watched as well, and what a method's signature tells
stays the same. A module's call is watched around ``__call__``, outside of what torch compiles.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from perfgate.workloads.pipelines.timeline import (
    DECODING,
    IMAGE_ENCODING,
    IMAGE_VAE_ENCODING,
    INPUT_VALIDATION,
    LATENT_PREPARATION,
    TEXT_ENCODING,
    TIMESTEP_PREPARATION,
    Timeline,
)

TEXT: Final = "text embedding"
LATENTS: Final = "latents after the last step"

_OF_PIPELINES: Mapping[str, str] = {
    "check_inputs": INPUT_VALIDATION,
    "encode_prompt": TEXT_ENCODING,
    "encode_image": IMAGE_ENCODING,
    "prepare_latents": LATENT_PREPARATION,
}
_DENOISER = re.compile(r"(?:transformer|unet|denoiser|dit)(?:_\d+)?")
_DENOISERS_PLACE = re.compile(r"diffusers\.models\.(?:transformers|unets|controlnets)\.")
# Called inside encode_prompt and encode_image, where a pipeline has these.
_ENCODERS: Mapping[str, tuple[str, str]] = {
    "text_encoder": ("encode_prompt", TEXT_ENCODING),
    "image_encoder": ("encode_image", IMAGE_ENCODING),
}

Around: TypeAlias = Callable[[Callable[[], Any]], Any]
"""Makes the call that it is given, and returns what it returned."""


@dataclass(kw_only=True)
class Watched:
    """What of a pipeline is watched. Set ``timeline`` for each request; without one nothing is."""

    denoisers: Mapping[str, Any]
    schedulers: tuple[str, ...]
    others: tuple[str, ...]
    timeline: Timeline | None = field(default=None, repr=False)


def watch(pipeline: Any) -> Watched:  # noqa: ANN401 - a diffusers pipeline
    """Watch the methods of the pipeline and of its components that make up stages and steps."""
    components = {name: one for name, one in pipeline.components.items() if one is not None}
    denoisers = {name: one for name, one in components.items() if _is_denoiser(name, one)}
    schedulers = {name: one for name, one in components.items() if _is_scheduler(one)}
    watched = Watched(
        denoisers=denoisers,
        schedulers=tuple(schedulers),
        others=tuple(
            name for name in components if name not in denoisers and name not in schedulers
        ),
    )
    found: dict[int, tuple[Any, dict[str, Around]]] = {}
    for one, around in _calls(pipeline, components, watched):
        found.setdefault(id(one), (one, {}))[1].update(around)
    for one, methods in found.values():
        if methods:
            _give_own_class(one, methods)
    return watched


def _calls(
    pipeline: Any,  # noqa: ANN401
    components: Mapping[str, Any],
    watched: Watched,
) -> Iterator[tuple[Any, dict[str, Around]]]:
    """Every object with the methods of it that are watched."""
    for one in (pipeline, *_inner_pipelines(pipeline)):
        yield (
            one,
            {
                method: _stage(watched, stage, keep=TEXT if stage == TEXT_ENCODING else None)
                for method, stage in _OF_PIPELINES.items()
                if callable(getattr(one, method, None))
            },
        )
    for name, one in components.items():
        if name in watched.denoisers:
            yield one, {"__call__": _denoiser(watched)}
        elif name in watched.schedulers:
            yield (
                one,
                {
                    "step": _scheduler_step(watched),
                    "set_timesteps": _stage(watched, TIMESTEP_PREPARATION),
                },
            )
        elif callable(getattr(one, "decode", None)) and hasattr(one, "parameters"):
            yield one, {"decode": _stage(watched, DECODING)}
            if callable(getattr(one, "encode", None)):
                yield one, {"encode": _stage(watched, IMAGE_VAE_ENCODING)}
        else:
            yield one, _encoder(pipeline, name, watched)


def _encoder(pipeline: Any, name: str, watched: Watched) -> dict[str, Around]:  # noqa: ANN401
    for prefix, (method, stage) in _ENCODERS.items():
        if name.startswith(prefix) and not hasattr(pipeline, method):
            return {"__call__": _stage(watched, stage)}
    return {}


def _inner_pipelines(pipeline: Any) -> list[Any]:  # noqa: ANN401
    """The pipelines that a combined one is made of."""
    return [one for one in vars(pipeline).values() if hasattr(one, "components")]


def _is_denoiser(name: str, one: object) -> bool:
    if not hasattr(one, "parameters") or not callable(one):
        return False
    return bool(_DENOISER.fullmatch(name) or _DENOISERS_PLACE.match(type(one).__module__))


def _is_scheduler(one: object) -> bool:
    return all(callable(getattr(one, name, None)) for name in ("step", "set_timesteps"))


def _stage(watched: Watched, name: str, *, keep: str | None = None) -> Around:
    def around(call: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the method returns
        timeline = watched.timeline
        if timeline is None:
            return call()
        with timeline.stage(name):
            returned = call()
        if keep is not None:
            timeline.kept[keep] = _first(returned)
        return returned

    return around


def _denoiser(watched: Watched) -> Around:
    def around(call: Callable[[], Any]) -> Any:  # noqa: ANN401
        if watched.timeline is not None:
            watched.timeline.denoiser_called()
        return call()

    return around


def _scheduler_step(watched: Watched) -> Around:
    def around(call: Callable[[], Any]) -> Any:  # noqa: ANN401
        returned = call()
        if watched.timeline is not None:
            watched.timeline.scheduler_stepped()
            watched.timeline.kept[LATENTS] = _first(returned)
        return returned

    return around


def _first(returned: Any) -> Any:  # noqa: ANN401
    """What a method returned, or the first where it returned a tuple or diffusers' like of one."""
    several = isinstance(returned, tuple) or hasattr(returned, "to_tuple")
    return returned[0] if several else returned


def _give_own_class(one: Any, methods: Mapping[str, Around]) -> None:  # noqa: ANN401
    known: Any = type(one)
    names = {"__module__": known.__module__, "__qualname__": known.__qualname__}
    own = type(known)(known.__name__, (known,), {**names, "__doc__": known.__doc__})
    for name, around in methods.items():
        setattr(own, name, _method(own, name, around))
    one.__class__ = own


def _method(own: type, name: str, around: Around) -> Callable[..., Any]:
    original = inspect.getattr_static(own, name)
    told = getattr(original, "__func__", original)

    @functools.wraps(told)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        return around(lambda: getattr(super(own, self), name)(*args, **kwargs))

    return method
