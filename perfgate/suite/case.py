"""One workload configuration, and everything in it that changes what is computed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from perfgate.records import CASE_ID, Label
from perfgate.suite.frameworks import OF_VIDEOS, WITH_IMAGE, Framework, Request, Serve, Task
from perfgate.suite.kernels import Kernel
from perfgate.suite.kinds import Part, RelativePath, Scalar, Seconds
from perfgate.suite.rules import case_rules

BackendName = Literal["builtin", "command", "diffusers", "sglang", "vllm-omni", "server", "kernel"]
EventName = Literal["pull_request", "merge_group", "push", "schedule", "workflow_dispatch", "local"]

OF_FRAMEWORKS: tuple[BackendName, ...] = ("diffusers", "sglang", "vllm-omni", "server")
"""The backends that run a case's request with a model, each in an environment of its own."""
_RESTART_EVERY = 4
"""An unchanged case takes about as many pairs, so that most gates load each side once."""


FrameworkName = Annotated[str, Field(pattern=f"^{CASE_ID}$")]


def framework_backend(name: str) -> BackendName:
    """The backend that runs a framework: one of its own name, else a server by configuration."""
    return next((known for known in OF_FRAMEWORKS if known == name), "server")


def _check_serve(backend: BackendName, serve: Serve) -> None:
    if serve.mode == "one-shot" and backend != "sglang":
        raise ValueError(f"mode one-shot is for sglang alone, not for {backend}")
    if backend == "server" and serve.command is None and serve.address is None:
        raise ValueError("backend server needs serve.command, or serve.address of a running one")
    if backend == "server" and serve.compile:
        raise ValueError("backend server cannot ask for compile; write it into serve.command")
    of_servers = ("command", "address", "path", "body", "latency")
    if backend != "server" and any(getattr(serve, key) is not None for key in of_servers):
        raise ValueError(f"serve.{', serve.'.join(of_servers)} are for backend server")


class When(Part):
    """Which changes a case is measured for; every condition that is given must hold."""

    paths: tuple[str, ...] = ()
    """Patterns as in .gitignore: a changed file matches one of them."""
    labels: tuple[str, ...] = ()
    """The pull request has one of these labels."""
    events: tuple[EventName, ...] = ()
    """The job runs on one of these events."""


class Timeout(Part):
    """Bounds in seconds. A launch may take its load time and one request time each.

    A framework's launch may take its download and, where it compiles, that time as well.
    """

    setup: Seconds = 1800.0
    """To make a side's environment."""
    load: Seconds = 1200.0
    """To load the model."""
    request: Seconds = 600.0
    """For one request."""
    download: Seconds = 1800.0
    """To download the model, in a framework's launch."""
    compile: Seconds = 1800.0
    """To compile it, in a framework's launch."""


class Allow(Part):
    """What may change without being a fault, each with the reason that a reviewer reads."""

    output: Annotated[str, Field(min_length=3)] | None = None
    """Why the output may change, or the score fall."""
    flops: Annotated[str, Field(min_length=3)] | None = None
    """Why operations may go."""

    def reasons(self) -> dict[str, str]:
        told = {"output": self.output, "flops": self.flops}
        return {name: reason for name, reason in told.items() if reason}


class Accuracy(Part):
    """A score of the case's outputs: the last line that ``command`` prints, a number."""

    command: Annotated[str, Field(min_length=1)]
    """Shell line, run once a job in head's tree, outside of all timing."""
    minimum: Annotated[float, Field(allow_inf_nan=False)]
    """The lowest score that passes."""


class Case(Part):
    """One workload configuration."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                *case_rules(
                    OF_FRAMEWORKS,
                    of_videos=OF_VIDEOS,
                    with_image=WITH_IMAGE,
                    unsaid=Serve().model_dump(mode="json"),
                )
            ]
        }
    )

    id: Annotated[str, Field(pattern=f"^{CASE_ID}$")]
    """Names the case, once in a suite; baselines go by it."""
    backend: BackendName
    """What runs it: your command, perfgate's own pipelines or kernels, or a framework."""
    preset: str | None = None
    """For ``builtin``: which pipeline, such as wan-tiny."""
    params: dict[str, Scalar] = Field(default_factory=dict)
    """For ``builtin``: what differs from the preset."""
    command: Annotated[str, Field(min_length=1)] | None = None
    """For ``command``: shell line that leaves a report; run by `sh -c` in the side's tree."""
    kernel: Kernel | None = None
    """For ``kernel``: which one."""
    model: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """For frameworks: a folder of the tree, or a name on the hub."""
    task: Task | None = None
    """For frameworks: what is made, from what."""
    request: Request | None = None
    """For frameworks: what is asked for."""
    serve: Serve = Serve()
    """For frameworks: how it is started."""
    frameworks: dict[FrameworkName, Serve] = Field(default_factory=dict)
    """Further frameworks that `perfgate compete` measures the same request in."""
    env: dict[str, Scalar] = Field(default_factory=dict)
    """Environment variables of a launch."""
    devices: Annotated[int, Field(ge=1, le=1024)] = 1
    """Devices that a launch occupies."""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """CPU threads; a kernel has 1 where nothing is said."""
    requests: Annotated[int, Field(ge=1, le=2)] = 2
    """Measured requests a launch."""
    launch: Literal["fresh", "resident"] = "fresh"
    """A fresh process each, or servers that stay loaded and take turns."""
    restart_every: Annotated[int, Field(ge=1, le=1000)] | None = None
    """With ``launch: resident``: pairs after which both servers restart; 4 if absent."""
    runs_on: tuple[Label, ...] = ()
    """Labels of the runner that the case is meant for."""
    when: When = When()
    """The changes that it is measured for; without it all."""
    timeout: Timeout = Timeout()
    """How long each part may take. Plain numbers: seconds."""
    outputs: tuple[RelativePath, ...] = ()
    """Files that each launch writes and whose content must stay the same."""
    accuracy: Accuracy | None = None
    """A score that the outputs must reach."""
    allow: Allow = Allow()
    """What may change, and why."""

    @model_validator(mode="after")
    def _backend_has_what_it_runs(self) -> Case:
        if self.backend == "command" and self.command is None:
            raise ValueError("backend command needs the key command: the shell line to run")
        if self.backend == "builtin" and self.preset is None:
            raise ValueError("backend builtin needs the key preset, for example wan-tiny")
        if self.backend == "builtin" and self.command is not None:
            raise ValueError("backend builtin runs no command; use backend: command")
        if self.backend == "command" and (self.preset is not None or self.params):
            raise ValueError("backend command takes no preset or params; put them in the command")
        if self.backend not in OF_FRAMEWORKS and (self._of_a_framework() or self.frameworks):
            raise ValueError(
                f"backend {self.backend} takes no model, task, request, serve or frameworks"
            )
        return self

    @model_validator(mode="after")
    def _kernel_has_what_it_runs(self) -> Case:
        if self.backend != "kernel":
            if self.kernel is not None:
                raise ValueError(f"backend {self.backend} takes no kernel")
            return self
        if self.kernel is None:
            raise ValueError("backend kernel needs the key kernel: {name, variant, shape}")
        taken = [key for key in ("command", "preset", "params", "outputs") if getattr(self, key)]
        if taken:
            raise ValueError(f"backend kernel takes no {', '.join(taken)}")
        if self.resident:
            raise ValueError("backend kernel times launch by launch; use launch: fresh")
        if self.devices > 1:
            raise ValueError(f"a kernel runs on one device, and devices is {self.devices}")
        return self

    @model_validator(mode="after")
    def _framework_has_what_it_runs(self) -> Case:
        if self.backend not in OF_FRAMEWORKS:
            return self
        lacking = [key for key in ("model", "task", "request") if getattr(self, key) is None]
        if lacking:
            raise ValueError(f"backend {self.backend} needs the keys {', '.join(lacking)}")
        if self.command is not None or self.preset is not None or self.params:
            raise ValueError(
                f"backend {self.backend} takes no command, preset or params; "
                "write request, and serve.args"
            )
        if self.request is not None and self.request.image is None and self.task in WITH_IMAGE:
            raise ValueError(f"task {self.task} needs request.image")
        if self.task not in OF_VIDEOS and self.request is not None and self.request.moves:
            raise ValueError(f"task {self.task} makes a picture; frames and fps are for videos")
        if self.outputs:
            raise ValueError(
                f"backend {self.backend} leaves no files, and outputs names some; the report has "
                "a fingerprint of what was made"
            )
        if self.resident:
            raise ValueError(f"backend {self.backend} serves launch by launch; use launch: fresh")
        _check_serve(self.backend, self.serve)
        for name, serve in self.frameworks.items():
            _check_serve(framework_backend(name), serve)
        return self

    def _of_a_framework(self) -> bool:
        return any(value is not None for value in (self.model, self.task, self.request)) or (
            self.serve != Serve()
        )

    @model_validator(mode="after")
    def _only_servers_are_restarted(self) -> Case:
        if self.restart_every is not None and not self.resident:
            raise ValueError("restart_every needs launch: resident; fresh processes serve once")
        return self

    @property
    def resident(self) -> bool:
        """Whether a launch is a turn of a server that stays loaded, not a fresh process."""
        return self.launch == "resident"

    @property
    def pairs_a_server(self) -> int:
        """After so many pairs both servers are restarted."""
        return self.restart_every or _RESTART_EVERY

    def with_variables(self, frameworks: Mapping[str, Framework]) -> Case:
        """The case with what the suite gives its frameworks in every case; its own go before."""
        if self.backend not in OF_FRAMEWORKS:
            return self

        def told(name: str, serve: Serve) -> Serve:
            given = frameworks[name].env if name in frameworks else {}
            given = {key: value for key, value in given.items() if key not in self.env}
            return serve.model_copy(update={"env": given | serve.env})

        others = {name: told(name, serve) for name, serve in self.frameworks.items()}
        return self.model_copy(
            update={"serve": told(self.backend, self.serve), "frameworks": others}
        )

    def in_framework(self, name: str, *, compiled: bool | None = None) -> Case:
        """The case as one framework runs it, eager or compiled if that is said.

        Raises KeyError for a framework that the case does not name.
        """
        serve = self.serve if name == self.backend else self.frameworks[name]
        serve = self.frameworks.get(name, serve)
        if compiled is not None:
            serve = serve.model_copy(update={"compile": compiled})
        return self.model_copy(
            update={"backend": framework_backend(name), "serve": serve, "frameworks": {}}
        )

    def workload(self) -> dict[str, Any]:
        """Everything in the case that changes what is computed."""
        keys = ("backend", "preset", "params", "command", "env", "devices", "threads", "requests")
        found = {key: value for key in keys if (value := getattr(self, key)) not in (None, {})}
        if self.backend in OF_FRAMEWORKS and self.request is not None:
            found |= {"model": self.model, "task": self.task}
            found["request"] = self.request.model_dump(mode="json", exclude_none=True)
            found |= {"serve": self.serve.computed()} if self.serve.computed() else {}
        if self.kernel is not None:
            found["kernel"] = self.kernel.model_dump(mode="json", exclude_none=True)
        if self.resident:
            # Absent where launches are fresh, so that their hash is what it always was.
            found |= {"launch": self.launch, "restart_every": self.pairs_a_server}
        return found

    def workload_hash(self) -> str:
        """16 hexadecimal digits of SHA-256 over the canonical JSON of :meth:`workload`."""
        canonical = json.dumps(self.workload(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    def launch_timeout_s(self) -> float:
        """The longest a launch may take: loading, one warm-up and every measured request.

        A new server may have to serve a turn that is not measured, to be as old as the other's.
        """
        turns_s = (2 if self.resident else 1) * self.turn_timeout_s()
        return self._framework_s() + self.timeout.load + self.timeout.request + turns_s

    def _framework_s(self) -> float:
        if self.backend not in OF_FRAMEWORKS:
            return 0.0
        return self.timeout.download + (self.timeout.compile if self.serve.compile else 0.0)

    def turn_timeout_s(self) -> float:
        """The longest that the measured requests may take."""
        return self.requests * self.timeout.request
