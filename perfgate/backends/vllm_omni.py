"""Backend ``vllm-omni``: its server, asked through the OpenAI-compatible endpoints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from perfgate.backends.backend import Invocation, SideContext
from perfgate.backends.driven import (
    FrameworkBackend,
    common,
    image_file,
    invocation,
    refuse_own_options,
    request_of,
)
from perfgate.backends.driver.spec import Sending, Spec
from perfgate.backends.openai_requests import fields_of, sending_of
from perfgate.errors import ConfigurationError
from perfgate.suite import OF_VIDEOS, Case

EAGER: Final = "--enforce-eager"
OWN_OPTIONS: Final = ("--omni", "--model", "--host", "--port", EAGER)


class VllmOmniBackend(FrameworkBackend):
    """Every launch is a fresh server."""

    def check(self, case: Case) -> None:
        refuse_own_options(case, OWN_OPTIONS)
        if case.devices > 1 and not case.serve.args:
            # It knows several ways to use them, and uses one device unless it is told which.
            raise ConfigurationError(
                f"case {case.id}: vllm-omni is not told how to use its {case.devices} devices",
                fix="Say it in serve.args, for example --tensor-parallel-size or --ulysses-degree.",
            )

    def invocation(self, case: Case, side: SideContext, *, report: Path) -> Invocation:
        port = case.serve.port
        spec = Spec(
            framework="vllm-omni",
            package="vllm-omni",
            command=tuple(serve_command(case)),
            address=f"http://127.0.0.1:{port}",
            ports=(port,),
            health=("/health", "/v1/models"),
            sending=_sending(case, side),
            compiled=case.serve.compile,
            **common(case, side, report=report),
        )
        return invocation(spec, case, side)


def serve_command(case: Case) -> Iterator[str]:
    """The line that starts the server. It compiles by itself unless it is told not to."""
    yield from ("vllm-omni", "serve", case.model or "", "--omni")
    yield from ("--host", "127.0.0.1", "--port", str(case.serve.port))
    if not case.serve.compile:
        yield EAGER
    yield from case.serve.args


def _sending(case: Case, side: SideContext) -> Sending:
    request = request_of(case)
    task = case.task or "text-to-image"
    image = image_file(case, side)
    fields = {"return_stage_metrics": True, **fields_of(request, task)}
    if request.image is not None and image is None:
        if task == "image-edit":
            fields["url"] = request.image
        else:
            fields["image_reference"] = json.dumps({"image_url": request.image})
    # It reads a video's request from a form alone.
    return sending_of(task, fields=fields, image=image, form=task in OF_VIDEOS)
