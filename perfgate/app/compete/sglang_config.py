"""Reads sglang's ``comparison_configs.json`` as it is, as a contest; no I/O.

What its nightly job measures is measured here: one request a launch after a warm-up, its timeouts,
the warm-up shapes that it adds. ``--enable-torch-compile`` becomes the case's own ``compile``, so
that a launch that fell back to eager kernels fails. Keys that nobody here knows are left alone.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from perfgate.app.compete.cells import a_failure
from perfgate.app.compete.contest import USUAL_REPEATS, Contest, Entry
from perfgate.errors import ConfigurationError
from perfgate.records import CASE_ID
from perfgate.records.results import Cell, FailureKind
from perfgate.suite import Case, Request, Serve, Task

MAX_CONFIG_BYTES = 1_000_000
_MOST_PROBLEMS = 20
_KNOWN: tuple[Literal["sglang", "vllm-omni"], ...] = ("sglang", "vllm-omni")
_TASKS: Mapping[str, Task] = {
    "text-to-image": "text-to-image",
    "image-edit": "image-edit",
    "image-to-image": "image-edit",
    "text-to-video": "text-to-video",
    "image-to-video": "image-to-video",
    "text-image-to-video": "image-to-video",
}
_TIMEOUTS_S = {"load": 2400.0, "request": 1200.0}
_OWN_FIELDS = {
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "num_frames": "frames",
    "fps": "fps",
    "negative_prompt": "negative_prompt",
}
"""What a request of sglang's calls fields of ours; its extra fields win, null takes one away."""
_COMPILE = "--enable-torch-compile"
_Name = Annotated[str, Field(pattern=f"^{CASE_ID}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class _Framework(_Part):
    serve_args: str = ""
    extra_env: dict[str, str] = Field(default_factory=dict)


class _Case(_Part):
    id: _Name
    model: str
    task: str
    prompt: str
    negative_prompt: str | None = None
    reference_image: bool = False
    width: int | None = None
    height: int | None = None
    num_frames: int | None = None
    fps: float | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    seed: int = 42
    num_gpus: int = 1
    sglang_request_extra: dict[str, JsonValue] | None = None
    frameworks: Annotated[dict[_Name, _Framework], Field(min_length=1)]


class _Config(_Part):
    measurement_repeats: Annotated[int, Field(ge=1, le=1000)] | None = None
    test_image_url: str | None = None
    cases: Annotated[tuple[_Case, ...], Field(min_length=1)]


def parse_config(text: str, *, source: str) -> Contest:
    """The contest of a configuration; a framework that perfgate cannot run is a failed cell of it.

    Raises ConfigurationError that lists what is wrong, each with its place in the file.
    """
    if len(text.encode()) > MAX_CONFIG_BYTES:
        raise _refused(source, [f"it is larger than {MAX_CONFIG_BYTES} bytes"])
    try:
        config = _Config.model_validate_json(text)
    except ValidationError as error:
        raise _refused(source, list(_told(error))) from error
    problems = _duplicates(config)
    entries: list[Entry] = []
    impossible: list[Cell] = []
    for index, case in enumerate(config.cases):
        for name, framework in case.frameworks.items():
            if name not in _KNOWN:
                impossible.append(_impossible(case, name))
                continue
            try:
                made = _case(case, name, framework, image=config.test_image_url)
            except ValidationError as error:
                problems += [f"cases[{index}]: {told}" for told in _told(error)]
            except ValueError as error:
                problems.append(f"cases[{index}]: {error}")
            else:
                entries.append(Entry(case=made, framework=name))
    if problems:
        raise _refused(source, problems)
    return Contest(
        entries=tuple(entries),
        repeats=config.measurement_repeats or USUAL_REPEATS,
        impossible=tuple(impossible),
        tasks={case.id: case.task for case in config.cases},
    )


def _case(case: _Case, name: str, framework: _Framework, *, image: str | None) -> Case:
    """One case as one framework runs it. Raises ValueError where it cannot be asked for."""
    if case.task not in _TASKS:
        raise ValueError(f"task: {case.task!r} is none of {', '.join(_TASKS)}")
    if case.reference_image and not image:
        raise ValueError("reference_image: the file has no test_image_url")
    args = shlex.split(framework.serve_args)
    compile_ = False
    if name == "sglang":
        args, compile_ = without_compile(args)
        args += _warmup_shape(case, args)
    return Case.model_validate(
        {
            "id": case.id,
            "backend": name,
            "model": case.model,
            "task": _TASKS[case.task],
            "request": _request(case, name, image=image if case.reference_image else None),
            "serve": Serve(args=tuple(args), env=framework.extra_env, compile=compile_),
            "devices": case.num_gpus,
            "requests": 1,
            "timeout": _TIMEOUTS_S,
        }
    )


def _request(case: _Case, name: str, *, image: str | None) -> Request:
    fields: dict[str, Any] = {own: getattr(case, theirs) for theirs, own in _OWN_FIELDS.items()}
    fields |= {"prompt": case.prompt, "image": image, "seed": case.seed}
    fields |= {"width": case.width, "height": case.height}
    extra = dict(case.sglang_request_extra or {}) if name == "sglang" else {}
    for theirs, own in _OWN_FIELDS.items():
        if theirs in extra:
            fields[own] = extra.pop(theirs)
    return Request.model_validate({**fields, "extra": extra})


def without_compile(args: Sequence[str]) -> tuple[list[str], bool]:
    """The arguments without the switch that compiles, and what it said last; absent is off."""
    kept: list[str] = []
    compile_, rest = False, list(args)
    while rest:
        word = rest.pop(0)
        if word == _COMPILE:
            valued = bool(rest) and rest[0].lower() in ("true", "false")
            compile_ = rest.pop(0).lower() == "true" if valued else True
        elif word.startswith(f"{_COMPILE}="):
            compile_ = word.removeprefix(f"{_COMPILE}=").lower() == "true"
        else:
            kept.append(word)
    return kept, compile_


def _warmup_shape(case: _Case, args: Sequence[str]) -> list[str]:
    """What the nightly job adds to a server that warms itself up: the shape that is measured."""
    joined = " ".join(args)
    if "--warmup-mode server" not in joined and "--warmup-mode=server" not in joined:
        return []
    given = {word.partition("=")[0] for word in args}
    added: list[str] = []
    if "--warmup-resolutions" not in given and case.width and case.height:
        added += ["--warmup-resolutions", f"{case.width}x{case.height}"]
    if "--warmup-num-frames" not in given and case.num_frames is not None:
        added += ["--warmup-num-frames", str(case.num_frames)]
    return added


def _impossible(case: _Case, name: str) -> Cell:
    asked = case.model_dump(mode="json", exclude_none=True, exclude={"frameworks"})
    workload = {**asked, "backend": name, "serve": case.frameworks[name].model_dump(mode="json")}
    canonical = json.dumps(workload, sort_keys=True, separators=(",", ":"))
    return Cell(
        case=case.id,
        framework=name,
        workload_hash=hashlib.sha256(canonical.encode()).hexdigest()[:16],
        workload=workload,
        failures=(
            a_failure(
                FailureKind.MISSING,
                f"perfgate runs {' and '.join(_KNOWN)} from this file, not {name}",
            ),
        ),
    )


def _duplicates(config: _Config) -> list[str]:
    ids = [case.id for case in config.cases]
    return [
        f"cases[{index}].id: {case_id!r}: cases[{ids.index(case_id)}] has this id too"
        for index, case_id in enumerate(ids)
        if ids.index(case_id) < index
    ]


def _told(error: ValidationError) -> Iterator[str]:
    for item in error.errors():
        place = ""
        for part in item["loc"]:
            place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
        message = item["msg"].removeprefix("Value error, ")
        yield f"{place}: {message}" if place else message


def _refused(source: str, problems: Sequence[str]) -> ConfigurationError:
    shown = list(problems[:_MOST_PROBLEMS])
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more")
    listed = "".join(f"\n  - {problem}" for problem in shown)
    return ConfigurationError(
        f"{source} is not a comparison configuration that perfgate reads:{listed}",
        fix="Give sglang's scripts/ci/utils/diffusion/comparison_configs.json or one like it.",
    )
