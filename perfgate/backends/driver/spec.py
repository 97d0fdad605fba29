"""What a driver process is told, as one JSON argument: values alone, nothing of suites or sides."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from perfgate.records.value import Value

PYTHONPATH_OF_FRAMEWORK = "PERFGATE_FRAMEWORK_PYTHONPATH"
"""Carries PYTHONPATH past the driver, whose own imports it must not change, to the framework."""
PORT_VARIABLE = "PERFGATE_PORT"
"""Where a server that is started by a command of the suite has to listen."""
IMAGE_PLACE = "{image}"
"""The value in a body of JSON in whose place the image goes."""

Seconds = Annotated[float, Field(gt=0)]


class Bounds(Value):
    """The longest that each part of a launch may take, in seconds.

    A framework that was asked to end is killed after ``stop_s``.
    """

    load_s: Seconds
    download_s: Seconds
    compile_s: Seconds
    request_s: Seconds
    stop_s: Seconds = 20.0


class Image(Value):
    """A file to send, and the form's field for it."""

    path: str
    field: str = "image"


class Sending(Value):
    """One request, sent again for every measurement.

    ``image`` names a file and the form's field that it goes into; in JSON it takes the place of the
    value ``{image}``, as a data address. ``dump_field`` is the field that asks the server for a
    performance dump. ``expects`` says what the answer has to be: JSON with a picture in it as
    base64, or a job, which is asked for at ``path`` and its id until it is done; where it is
    anything, a job is known by its id and status. ``latency`` is the dotted place of the server's
    own milliseconds.
    """

    path: str
    encoding: Literal["json", "form"] = "json"
    fields: dict[str, JsonValue]
    image: Image | None = None
    dump_field: str | None = None
    expects: Literal["picture", "job", "anything"] = "anything"
    latency: str | None = None


class Spec(Value):
    """One launch of one framework.

    ``command`` is empty for a server that runs already. ``sending`` is None in one-shot mode,
    where the command itself makes one request each time and ``dump_option`` names its report.
    ``ports`` have to be free before and after. ``native`` ends the launch where it fell back to
    another framework's pipelines. ``sync`` is what is known of its stages' times (see Report).
    ``parent`` is the process without which the launch ends. ``scratch`` is the launch's own folder,
    made and removed here.
    """

    framework: str
    package: str | None = None
    python: str | None = None
    model: str
    prompt: str
    command: tuple[str, ...] = ()
    address: str = ""
    ports: tuple[int, ...] = ()
    health: tuple[str, ...] = ()
    sending: Sending | None = None
    dump_option: str | None = None
    requests: Annotated[int, Field(ge=1)] = 1
    bounds: Bounds
    compiled: bool = False
    native: bool = False
    sync: Literal["stage", "off"] | None = None
    parent: int | None = None
    scratch: str
    report: str
