"""Backend ``sglang``: its diffusion server, or ``sglang generate`` one shot at a time.

The native backend is always named, so that nothing else answers in its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from perfgate.backends.backend import Invocation, SideContext
from perfgate.backends.driven import (
    FrameworkBackend,
    common,
    image_file,
    invocation,
    names_option,
    refuse_own_options,
    request_of,
    scratch_of,
)
from perfgate.backends.driver.spec import Sending, Spec
from perfgate.backends.openai_requests import fields_of, sending_of, whole
from perfgate.errors import ConfigurationError
from perfgate.suite import Case

OWN_OPTIONS: Final = (
    *("--backend", "--model", "--model-path", "--host", "--port", "--master-port"),
    *("--scheduler-port", "--strict-ports", "--perf-dump-path", "--output-path"),
    *("--input-save-path", "--prompt", "--seed", "--enable-torch-compile"),
)
BROKER, MASTER, SCHEDULER = 1, 5, 55
"""Above the port of the server: where offline requests, torch.distributed and the scheduler go."""
_WARM_UP = ("--warmup-mode", "--warmup-resolutions", "--warmup-num-frames", "--warmup-steps")
_SYNC = "SGLANG_DIFFUSION_SYNC_STAGE_PROFILING"


class SglangBackend(FrameworkBackend):
    """Every launch is a fresh server, or as many fresh processes as there are requests."""

    def check(self, case: Case) -> None:
        refuse_own_options(case, OWN_OPTIONS)
        fps = request_of(case).fps
        if fps is not None and not fps.is_integer():
            raise ConfigurationError(
                f"case {case.id}: request.fps is {fps}, and sglang takes whole numbers alone",
                fix="Write a whole number of frames a second.",
            )

    def invocation(self, case: Case, side: SideContext, *, report: Path) -> Invocation:
        env = {**side.env, **case.env, **case.serve.env}
        synchronised = str(env.get(_SYNC, "")).lower() in ("1", "true")
        one_shot = case.serve.mode == "one-shot"
        scratch = scratch_of(report)
        port = case.serve.port
        spec = Spec(
            framework="sglang",
            package="sglang",
            command=(
                tuple(generate_command(case, side, scratch=scratch))
                if one_shot
                else tuple(serve_command(case, scratch=scratch))
            ),
            dump_option="--perf-dump-path" if one_shot else None,
            address="" if one_shot else f"http://127.0.0.1:{port}",
            ports=() if one_shot else (port, port + BROKER, port + MASTER, port + SCHEDULER),
            health=() if one_shot else ("/health", "/v1/models"),
            sending=None if one_shot else _sending(case, side),
            compiled=case.serve.compile,
            native=True,
            sync="stage" if synchronised else "off",
            **common(case, side, report=report),
        )
        return invocation(spec, case, side)


def serve_command(case: Case, *, scratch: Path) -> Iterator[str]:
    """The line that starts the server.

    Its own warm-up is off: a request like those that are measured warms it up.
    """
    port = case.serve.port
    yield from ("sglang", "serve", "--model-path", case.model or "", "--backend=sglang")
    yield from ("--host", "127.0.0.1", "--port", str(port))
    yield from ("--master-port", str(port + MASTER), "--scheduler-port", str(port + SCHEDULER))
    yield from ("--strict-ports", "true")
    yield from ("--output-path", str(scratch / "outputs"))
    yield from ("--input-save-path", str(scratch / "inputs"))
    if not names_option(case, *_WARM_UP):
        yield from ("--warmup-mode", "off")
    yield from _how_it_runs(case)


def generate_command(case: Case, side: SideContext, *, scratch: Path) -> Iterator[str]:
    """The line of one request; a request like it, which is not timed, warms the process up."""
    request = request_of(case)
    image = image_file(case, side)
    yield from ("sglang", "generate", "--backend=sglang", "--model-path", case.model or "")
    yield f"--prompt={request.prompt}"
    if request.negative_prompt is not None:
        yield f"--negative-prompt={request.negative_prompt}"
    if request.image is not None:
        yield from ("--image-path", str(image or request.image))
    said: dict[str, JsonValue] = {
        "width": request.width,
        "height": request.height,
        "num-frames": request.frames,
        "fps": whole(request.fps),
        "num-inference-steps": request.steps,
        "guidance-scale": request.guidance,
        "seed": request.seed,
        **request.extra,
    }
    for name, value in said.items():
        if value is not None:
            yield from _option(name, value)
    yield from ("--save-output", "--output-path", str(scratch / "outputs"))
    if not names_option(case, *_WARM_UP):
        yield from ("--warmup-mode", "request")
    yield from _how_it_runs(case)


def _how_it_runs(case: Case) -> Iterator[str]:
    """What both lines end with; compiling is said explicitly, since sglang's presets turn it on."""
    yield from ("--enable-torch-compile", "true" if case.serve.compile else "false")
    if case.devices > 1 and not names_option(case, "--num-gpus"):
        yield from ("--num-gpus", str(case.devices))
    yield from case.serve.args


def _option(name: str, value: JsonValue) -> Iterator[str]:
    flag = f"--{name.replace('_', '-')}"
    if value is True:
        yield flag
    else:
        yield f"{flag}={value if isinstance(value, str) else json.dumps(value)}"


def _sending(case: Case, side: SideContext) -> Sending:
    request = request_of(case)
    task = case.task or "text-to-image"
    image = image_file(case, side)
    fields = fields_of(request, task)
    if request.image is not None and image is None:
        fields["url" if task == "image-edit" else "reference_url"] = request.image
    return sending_of(task, fields=fields, image=image, form=False, dump_field="perf_dump_path")
