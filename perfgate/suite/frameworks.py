"""What a case says of the frameworks that can run it: one request, and how each is started."""

from __future__ import annotations

import shlex
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
    model_validator,
)

from perfgate.suite.kinds import Part, Scalar
from perfgate.suite.rules import ONE_PLACE, nothing_twice

Task = Literal["text-to-image", "image-edit", "text-to-video", "image-to-video"]
OF_VIDEOS: tuple[Task, ...] = ("text-to-video", "image-to-video")
WITH_IMAGE: tuple[Task, ...] = ("image-edit", "image-to-video")
_ALSO_CALLED = {
    "num_frames": "frames",
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
}
"""What frameworks call fields of a request."""
_SAID = (
    *("prompt", "negative_prompt", "image", "width", "height"),
    *("frames", "fps", "steps", "guidance", "seed"),
)
"""The fields of a request, but for what is sent as it stands."""
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
Words = Annotated[
    tuple[str, ...],
    BeforeValidator(_words),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}}),
]
Line = Annotated[str, Field(min_length=1)]


class Request(Part):
    """What is asked for, the same in every framework; absent fields are the framework's own."""

    model_config = ConfigDict(
        json_schema_extra={"allOf": [*nothing_twice(_SAID, _ALSO_CALLED, always=("seed",))]}
    )

    prompt: Line
    """What the picture or video is to show."""
    negative_prompt: str | None = None
    """What it is not to show."""
    image: Line | None = None
    """The picture to begin from: a path in the tree, or an address."""
    width: Pixels | None = None
    """In pixels."""
    height: Pixels | None = None
    """In pixels."""
    frames: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Frames of a video."""
    fps: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = None
    """Frames a second of the finished video."""
    steps: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Denoising steps."""
    guidance: Annotated[float, Field(allow_inf_nan=False)] | None = None
    """The scale of classifier-free guidance."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 42
    """The seed of the noise."""
    extra: dict[str, JsonValue] = Field(default_factory=dict)
    """Sent as it stands, for what the other keys do not say."""

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> Request:
        twice = [
            name
            for name in self.extra
            if (field := _ALSO_CALLED.get(name, name)) in _SAID and getattr(self, field) is not None
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

    The keys from ``command`` on are for backend ``server``.
    """

    model_config = ConfigDict(json_schema_extra=ONE_PLACE)

    mode: Literal["server", "one-shot"] = "server"
    """A server for all requests, or, of sglang alone, a process for each."""
    args: Words = ()
    """Further arguments of its command line, as one line or as a list."""
    env: dict[str, Scalar] = Field(default_factory=dict)
    """Environment variables of this framework, in this case."""
    port: Annotated[int, Field(ge=1024, le=HIGHEST_PORT)] = 30_000
    """Where it listens."""
    compile: bool = False
    """Ask for compiled kernels; a launch fails that fell back to eager ones."""
    command: Line | None = None
    """Shell line that starts the server, on the port in ``PERFGATE_PORT``."""
    address: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None
    """A server that runs already, instead of a command."""
    health: Annotated[str, Field(pattern=r"^/\S*$")] = "/health"
    """The path that answers 200 once the server is ready."""
    path: Annotated[str, Field(pattern=r"^/\S*$")] | None = None
    """The path that requests go to."""
    body: dict[str, JsonValue] | None = None
    """The request's JSON, with ``{prompt}`` and its like where values go."""
    latency: Line | None = None
    """The dotted place of the server's own milliseconds in its answer."""

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
    """Shell line that makes its environment."""
    env: dict[str, Scalar] = Field(default_factory=dict)
    """Environment variables of every case that it runs."""
