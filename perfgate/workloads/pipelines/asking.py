"""Turns a suite's request into the arguments of one pipeline's call; drops none in silence."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from perfgate.workloads.pipelines.failing import REFUSED, LaunchError, one_line

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "prompt": ("prompt",),
    "negative_prompt": ("negative_prompt",),
    "image": ("image",),
    "width": ("width",),
    "height": ("height",),
    "frames": ("num_frames",),
    "fps": ("fps", "frame_rate"),
    "steps": ("num_inference_steps",),
    "guidance": ("guidance_scale",),
}
"""What each field of a request may be called in a pipeline, the first that it takes."""
_GENERATOR: Final = "generator"
_OF_THE_FILE: Final = "fps"
"""The rate of the finished video. Most pipelines return frames, and leave that to the writer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A pipeline's arguments, all but the generator, which ``generated`` says whether it takes.

    ``not_sent`` are fields of the request that are none of the pipeline's business.
    """

    arguments: Mapping[str, Any]
    generated: bool
    not_sent: tuple[str, ...]


def call_of(
    pipeline: Any,  # noqa: ANN401 - a diffusers pipeline
    request: Mapping[str, Any],
    *,
    load_image: Callable[[str], Any],
) -> Call:
    """The call that ``request`` asks for.

    Raises LaunchError naming all that the pipeline takes no argument for, and what ``extra`` says
    a second time.
    """
    taken = _taken(pipeline)
    arguments: dict[str, Any] = {}
    wrong, not_sent = [], []
    for field, names in _NAMES.items():
        if field not in request:
            continue
        name = next((name for name in names if name in taken), None)
        if name is not None:
            arguments[name] = _whole(request[field]) if field == _OF_THE_FILE else request[field]
        elif field == _OF_THE_FILE:
            not_sent.append(field)
        else:
            wrong.append(f"{type(pipeline).__name__} takes no {names[0]}")
    for name, value in request.get("extra", {}).items():
        if name in arguments or name == _GENERATOR:
            wrong.append(f"extra.{name} is already said by the request")
        elif name not in taken:
            wrong.append(f"{type(pipeline).__name__} takes no {name}")
        else:
            arguments[name] = value
    if wrong:
        raise LaunchError(REFUSED, f"{'; '.join(wrong)}. It takes {', '.join(taken)}")
    if "image" in arguments:
        arguments["image"] = _loaded(arguments["image"], load_image)
    return Call(arguments=arguments, generated=_GENERATOR in taken, not_sent=tuple(not_sent))


def _taken(pipeline: Any) -> list[str]:  # noqa: ANN401
    """The named arguments; what ``**kwargs`` takes is not known to be used at all."""
    parameters = list(inspect.signature(type(pipeline).__call__).parameters.values())[1:]
    unnamed = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [one.name for one in parameters if one.kind not in unnamed]


def _whole(rate: float) -> float:
    """A rate that is whole without its point: a pipeline may count with it."""
    return int(rate) if rate == int(rate) else rate


def _loaded(where: str, load_image: Callable[[str], Any]) -> Any:  # noqa: ANN401 - a picture
    try:
        return load_image(where)
    except (OSError, ValueError) as error:
        text = f"request.image {where} cannot be read: {one_line(error)}"
        raise LaunchError(REFUSED, text) from error
