"""A case's request in the words of the OpenAI-like endpoints. Pure; sends nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import JsonValue

from perfgate.backends.driver.spec import Image, Sending
from perfgate.suite import OF_VIDEOS, Request, Task

IMAGES: Final = "/v1/images/generations"
EDITS: Final = "/v1/images/edits"
VIDEOS: Final = "/v1/videos"
PATHS: dict[Task, str] = {
    "text-to-image": IMAGES,
    "image-edit": EDITS,
    "text-to-video": VIDEOS,
    "image-to-video": VIDEOS,
}


def fields_of(request: Request, task: Task) -> dict[str, JsonValue]:
    """What both sglang and vllm-omni call a request's parts; what is absent stays so."""
    sized = request.width is not None and request.height is not None
    said: dict[str, JsonValue] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "size": f"{request.width}x{request.height}" if sized else None,
        "width": None if sized else request.width,
        "height": None if sized else request.height,
        "num_inference_steps": request.steps,
        "guidance_scale": request.guidance,
        "seed": request.seed,
        "num_frames": request.frames,
        "fps": whole(request.fps),
    }
    if task not in OF_VIDEOS:
        said |= {"n": 1, "response_format": "b64_json"}
    return {name: value for name, value in said.items() if value is not None} | request.extra


def sending_of(
    task: Task,
    *,
    fields: dict[str, JsonValue],
    image: Path | None,
    form: bool,
    dump_field: str | None = None,
) -> Sending:
    """The request to the endpoint of its task; ``form`` sends it as one even without a file."""
    upload = None
    if image is not None:
        upload = Image(
            path=str(image), field="image" if task == "image-edit" else "input_reference"
        )
    return Sending(
        path=PATHS[task],
        encoding="form" if form or upload is not None or task == "image-edit" else "json",
        fields=fields,
        image=upload,
        dump_field=dump_field,
        expects="job" if task in OF_VIDEOS else "picture",
    )


def whole(number: float | None) -> int | float | None:
    """A number that is whole without its point: some parsers take no other."""
    return int(number) if number is not None and number.is_integer() else number
