"""Backend ``server``: any other OpenAI-like server, started by a line of the suite or running."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from perfgate.backends.backend import Invocation, SideContext
from perfgate.backends.driven import (
    FrameworkBackend,
    common,
    image_file,
    invocation,
    is_address,
    request_of,
)
from perfgate.backends.driver.spec import IMAGE_PLACE, PORT_VARIABLE, Image, Sending, Spec
from perfgate.backends.openai_requests import PATHS, fields_of, sending_of, whole
from perfgate.errors import ConfigurationError
from perfgate.suite import Case, Request

_PLACE = re.compile(r"\{(\w+)\}")


class ServerBackend(FrameworkBackend):
    """``serve.command`` is started for every launch; at ``serve.address`` nothing is."""

    def check(self, case: Case) -> None:
        if case.serve.args:
            raise ConfigurationError(
                f"case {case.id}: backend server takes no serve.args",
                fix="Write them into serve.command.",
            )
        unknown = sorted(_places(case.serve.body) - set(values_of(request_of(case), case.model)))
        if unknown:
            raise ConfigurationError(
                f"case {case.id}: serve.body names {', '.join(unknown)}, which no request has",
                fix=f"Known are: {', '.join(values_of(request_of(case), case.model))}.",
            )

    def invocation(self, case: Case, side: SideContext, *, report: Path) -> Invocation:
        serve = case.serve
        started = serve.command is not None
        spec = Spec(
            framework="server",
            command=("sh", "-c", serve.command) if serve.command is not None else (),
            address=serve.address or f"http://127.0.0.1:{serve.port}",
            ports=(serve.port,) if started else (),
            health=(serve.health,),
            sending=_sending(case, side),
            **common(case, side, report=report),
        )
        made = invocation(spec, case, side)
        return Invocation(command=made.command, env={**made.env, PORT_VARIABLE: str(serve.port)})


def values_of(request: Request, model: str | None) -> dict[str, JsonValue]:
    """What stands for each place of a body; what is absent is null."""
    return {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "image": IMAGE_PLACE if request.image and not is_address(request.image) else request.image,
        "model": model,
        "width": request.width,
        "height": request.height,
        "frames": request.frames,
        "fps": whole(request.fps),
        "steps": request.steps,
        "guidance": request.guidance,
        "seed": request.seed,
    }


def filled(template: JsonValue, values: Mapping[str, JsonValue]) -> JsonValue:
    """The template with values in their places: alone with their type, within a text as text."""
    if isinstance(template, dict):
        return {name: filled(inner, values) for name, inner in template.items()}
    if isinstance(template, list):
        return [filled(inner, values) for inner in template]
    if not isinstance(template, str):
        return template
    alone = _PLACE.fullmatch(template)
    if alone is not None and alone[1] in values:
        return values[alone[1]]
    return _PLACE.sub(lambda match: _text(values.get(match[1], match[0])), template)


def _text(value: JsonValue) -> str:
    return "" if value is None else str(value)


def _places(template: JsonValue) -> set[str]:
    if isinstance(template, dict):
        return set().union(*map(_places, template.values()))
    if isinstance(template, list):
        return set().union(*map(_places, template))
    return set(_PLACE.findall(template)) if isinstance(template, str) else set()


def _sending(case: Case, side: SideContext) -> Sending:
    request, serve = request_of(case), case.serve
    task = case.task or "text-to-image"
    image = image_file(case, side)
    path = serve.path or PATHS[task]
    if serve.body is None:
        fields = fields_of(request, task)
        made = sending_of(task, fields=fields, image=image, form=False)
        return made.model_copy(
            update={"path": path, "latency": serve.latency, "expects": "anything"}
        )
    values = values_of(request, case.model)
    return Sending(
        path=path,
        fields={name: filled(value, values) for name, value in serve.body.items()},
        image=None if image is None else Image(path=str(image)),
        latency=serve.latency,
    )
