"""What a case says of the frameworks that can run it: one request, and how each is started."""

from __future__ import annotations

import shlex
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, JsonValue, model_validator

from perfgate.suite.kinds import Part, Scalar

Task = Literal["text-to-image", "image-edit", "text-to-video", "image-to-video"]
OF_VIDEOS: tuple[Task, ...] = ("text-to-video", "image-to-video")
WITH_IMAGE: tuple[Task, ...] = ("image-edit", "image-to-video")
_ALSO_CALLED = {
    "num_frames": "frames",
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
}
"""What frameworks call fields of a request."""
HIGHEST_PORT = 65535 - 55
"""sglang takes further ports above the one that it serves on, the highest 55 above it."""


def _words(value: object) -> object:
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise ValueError(f"write arguments as a shell reads them: {error}") from error
    return value


Pixels = Annotated[int, Field(ge=1, le=16_384)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Line = Annotated[str, Field(min_length=1)]


class Request(Part):
    """What is asked for, the same in every framework; absent fields are the framework's own.

    ``image`` is a path in the tree or an address, ``fps`` frames a second of the finished video,
    ``extra`` is sent as it stands.
    """

    prompt: Line
    negative_prompt: str | None = None
    image: Line | None = None
    width: Pixels | None = None
    height: Pixels | None = None
    frames: Annotated[int, Field(ge=1, le=100_000)] | None = None
    fps: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = None
    steps: Annotated[int, Field(ge=1, le=10_000)] | None = None
    guidance: Annotated[float, Field(allow_inf_nan=False)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 42
    extra: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> Request:
        twice = [
            name
            for name in self.extra
            if getattr(self, _ALSO_CALLED.get(name, name), None) is not None and name != "extra"
        ]
        if twice:
            raise ValueError(f"extra says again what the request says: {', '.join(twice)}")
        return self

    @property
    def moves(self) -> bool:
        """Whether it asks for what only a video has."""
        return self.frames is not None or self.fps is not None


class Serve(Part):
    """How one framework is started for a case.

    ``compile`` asks for compiled kernels and makes a launch fail that fell back to eager ones. The
    keys from ``command`` on are for backend ``server``: the line that starts it (or ``address`` of
    one that runs already), what answers when it is healthy, where requests go, their JSON with
    ``{prompt}`` and its like in it, and the dotted place of the server's own milliseconds in the
    answer.
    """

    mode: Literal["server", "one-shot"] = "server"
    args: Words = ()
    env: dict[str, Scalar] = Field(default_factory=dict)
    port: Annotated[int, Field(ge=1024, le=HIGHEST_PORT)] = 30_000
    compile: bool = False
    command: Line | None = None
    address: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    health: Annotated[str, Field(pattern=r"^/\S*$")] = "/health"
    path: Annotated[str, Field(pattern=r"^/\S*$")] | None = None
    body: dict[str, JsonValue] | None = None
    latency: Line | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Serve:
        if self.command is not None and self.address is not None:
            raise ValueError("write command or address: a server is started, or runs already")
        return self

    def computed(self) -> dict[str, Any]:
        """What of it changes what is computed: not where it listens."""
        return self.model_dump(
            mode="json", exclude_defaults=True, exclude={"port", "address", "health", "latency"}
        )


class Framework(Part):
    """A framework's own environment: the shell line that makes it, and what it finds there."""

    setup: str | None = None
    env: dict[str, Scalar] = Field(default_factory=dict)
