"""Makes a suite's case of one of sglang's diffusion test cases, or says why not. Pure.

The request is the one that sglang's test client sends, the arguments those that its fixture starts
the server with. Of its warm-ups none is kept: perfgate warms up with a request like the measured
ones.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from perfgate.app.compete.sglang_config import without_compile
from perfgate.app.starting.from_sglang_values import Made, unknown_in
from perfgate.backends.registry import BACKENDS
from perfgate.errors import ConfigurationError
from perfgate.records import first_problem
from perfgate.suite import OF_VIDEOS, Case, Task

KIND: Final = "DiffusionTestCase"
"""What sglang calls the class of its test cases."""
_MAKES: Final = re.compile(r"(?:^|[_-])(t|i|ti|v|ref|fl)2(i|v)", re.IGNORECASE)
_DEFAULTS: Final[Mapping[Task, str]] = {
    "text-to-image": "T2I_sampling_params",
    "image-edit": "TI2I_sampling_params",
    "text-to-video": "T2V_sampling_params",
    "image-to-video": "TI2V_sampling_params",
}
"""What sglang calls the requests of cases that write none."""
_SIZE: Final = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})")
_OWN_FIELDS: Final = {
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "negative_prompt": "negative_prompt",
    "seed": "seed",
    "num_frames": "frames",
    "fps": "fps",
}
_OPTIONS: Final = {
    "tp_size": "--tp-size",
    "ulysses_degree": "--ulysses-degree",
    "ring_degree": "--ring-degree",
    "dit_offload_prefetch_size": "--dit-offload-prefetch-size",
    "lora_path": "--lora-path",
}
_SWITCHES: Final = {
    "dit_layerwise_offload": ("--dit-layerwise-offload", "true"),
    "text_encoder_cpu_offload": ("--text-encoder-cpu-offload",),
    "cfg_parallel": ("--enable-cfg-parallel",),
}
_VIDEO_TIMEOUT: Final = "20m"
"""For so long sglang's test client waits for a video."""


class CannotBeMappedError(ValueError):
    """A test case has no place in a suite; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known beside the test case: sglang's requests by default, by their names.

    ``video`` says that the baseline file calls it one; ``tasks`` has the tasks of models whose
    other cases write no request either, ``runner`` the label of the machine it is meant for.
    """

    requests: Mapping[str, Made]
    video: bool = False
    tasks: Mapping[str, Task] = field(default_factory=dict)
    runner: str = ""


def case_of(test: Made, known: Known) -> dict[str, Any]:
    """The case as a suite file says it, checked as a gate would. Raises CannotBeMappedError."""
    try:
        return _checked(_values(test, known))
    except CannotBeMappedError:
        raise
    except (AttributeError, TypeError, ValueError) as error:
        # Anything may stand where sglang has a number, a text, a list or a mapping.
        raise CannotBeMappedError(f"it is not written as sglang's are: {error}") from error


def _values(test: Made, known: Known) -> dict[str, Any]:
    server, asked = test["server_args"], test["sampling_params"]
    unknown = unknown_in([test["id"], server, asked])
    if unknown is not None:
        raise CannotBeMappedError(unknown.why)
    if not isinstance(server, Made):
        raise CannotBeMappedError("it says nothing of its server")
    if test["run_lora_dynamic_load_check"]:
        raise CannotBeMappedError("a call of its own loads an adapter before the request")
    task = task_of(test, known)
    request = asked if isinstance(asked, Made) else known.requests.get(_DEFAULTS[task])
    if request is None:
        raise CannotBeMappedError(f"{_DEFAULTS[task]}, which it takes by default, is not defined")
    if unknown := unknown_in(request):
        raise CannotBeMappedError(unknown.why)
    args, compiled = _arguments(server)
    serve = {"args": shlex.join(args), "env": _variables(server), "compile": compiled}
    found = {
        "id": test["id"],
        "backend": "sglang",
        "model": server["model_path"],
        "task": task,
        "request": _request(test, request, task),
        "serve": {name: value for name, value in serve.items() if value},
        "devices": server["num_gpus"] if (server["num_gpus"] or 1) > 1 else [],
        "requests": min(2, test["perf_repeat_requests"] or 1),
        "runs_on": [known.runner] if known.runner else [],
        "timeout": {"request": _VIDEO_TIMEOUT} if task in OF_VIDEOS else {},
    }
    return {name: value for name, value in found.items() if value not in ({}, [])}


def task_of(test: Made, known: Known) -> Task:
    """What the case makes and of what; the model's registry, which knows for sure, is not read."""
    server, asked = test["server_args"], test["sampling_params"]
    modality = server["modality"] if isinstance(server, Made) else None
    if modality not in (None, "image", "video"):
        raise CannotBeMappedError(f"it makes no picture and no video, but {modality}")
    match = _MAKES.search(str(test["id"]))
    if not isinstance(asked, Made):
        return _task_by_default(match, server, known)
    if asked["realtime_num_chunks"] is not None:
        raise CannotBeMappedError("it streams in real time, and a request has one answer")
    if modality is None and match is None and not known.video:
        raise CannotBeMappedError(
            "nothing that is read tells whether it makes a picture or a video"
        )
    is_video = modality == "video" or (modality is None and (known.video or _says_video(match)))
    if asked["image_path"]:
        return "image-to-video" if is_video else "image-edit"
    return "text-to-video" if is_video else "text-to-image"


def default_tasks(tests: Iterable[Made]) -> dict[str, Task]:
    """The tasks of models by those of their cases that write no request and tell it by name."""
    found: dict[str, Task] = {}
    for test in tests:
        server = test["server_args"]
        match = _MAKES.search(str(test["id"]))
        model = server["model_path"] if isinstance(server, Made) else None
        if not isinstance(model, str) or _names_pipeline(server):
            continue
        if test["sampling_params"] is None and match is not None:
            found.setdefault(model, _task_named(match))
    return found


def _task_by_default(match: re.Match[str] | None, server: object, known: Known) -> Task:
    """Without a request of its own a case has its model's, whose task its name tells."""
    if match is None:
        model = server["model_path"] if isinstance(server, Made) else ""
        if isinstance(server, Made) and not _names_pipeline(server) and model in known.tasks:
            return known.tasks[model]
        raise CannotBeMappedError(
            "its request is its model's default, and nothing that is read tells what that model "
            "makes of what"
        )
    return _task_named(match)


def _names_pipeline(server: Made) -> bool:
    """Whether another pipeline than the model's own runs, which may make something else of it."""
    extras = server["extras"]
    given = extras if isinstance(extras, list) else [extras]
    return any(isinstance(one, str) and "--pipeline-class-name" in one for one in given)


def _task_named(match: re.Match[str]) -> Task:
    of_text = match[1].lower() == "t"
    if _says_video(match):
        return "text-to-video" if of_text else "image-to-video"
    return "text-to-image" if of_text else "image-edit"


def _says_video(match: re.Match[str] | None) -> bool:
    return match is not None and match[2].lower() == "v"


def _request(test: Made, asked: Made, task: Task) -> dict[str, Any]:
    extras = dict(asked["extras"] or {})
    if _asks_for_exactness(test) and not _by_address(asked, task):
        extras.setdefault("quality", "exact")
    own: dict[str, Any] = {"prompt": asked["prompt"], "image": _image(asked["image_path"])}
    own |= _size(asked["output_size"])
    if _by_address(asked, task):
        # sglang's client sends no extras to an edit of pictures that it names by address.
        extras = {}
    extras |= {"num_frames": asked["num_frames"]} if asked["num_frames"] else {}
    if asked["fps"] and task == "image-to-video":
        extras["fps"] = asked["fps"]
    if task in OF_VIDEOS:
        extras = {"seconds": asked["seconds"] or 4} | extras
    elif (asked["num_outputs_per_prompt"] or 1) != 1:
        extras["n"] = asked["num_outputs_per_prompt"]
    if asked["output_format"] and task not in OF_VIDEOS:
        extras["output_format"] = asked["output_format"]
    for theirs, ours in _OWN_FIELDS.items():
        if theirs in extras and (task in OF_VIDEOS or ours not in ("frames", "fps")):
            own[ours] = extras.pop(theirs)
    own = {name: value for name, value in own.items() if value is not None}
    return own | ({"extra": extras} if extras else {})


def _asks_for_exactness(test: Made) -> bool:
    """Whether sglang pins the quality, as it does where it compares outputs with stored ones."""
    if "pin_consistency_quality" not in test.fields or not test["run_consistency_check"]:
        return False
    server, asked = test["server_args"], test["sampling_params"]
    said = asked["extras"].get("enable_cache_dit") if isinstance(asked, Made) else None
    cached = server["enable_cache_dit"] or (
        str((server["env_vars"] or {}).get("SGLANG_CACHE_DIT_ENABLED", "")).lower() == "true"
    )
    return bool(test["pin_consistency_quality"]) or not (cached if said is None else said)


def _by_address(asked: Made, task: Task) -> bool:
    return bool(asked["direct_url_test"]) and task == "image-edit"


def _image(said: object) -> str | None:
    """The one picture, as a path or address."""
    given = said if isinstance(said, list) else [said]
    if len(given) > 1:
        raise CannotBeMappedError(f"it sends {len(given)} pictures, and a request has one")
    return str(given[0]) if given and given[0] else None


def _size(said: object) -> dict[str, int]:
    match = _SIZE.fullmatch(str(said or ""))
    return {"width": int(match[1]), "height": int(match[2])} if match else {}


def _arguments(server: Made) -> tuple[list[str], bool]:
    """What the server is started with, and whether it compiles."""
    args = [*_layout(server)]
    for extra in server["extras"] or []:
        args += shlex.split(str(extra))
    return without_compile(args)


def _layout(server: Made) -> Iterator[str]:
    for name, option in _OPTIONS.items():
        if server[name] is not None:
            yield from (option, str(server[name]))
    for name, words in _SWITCHES.items():
        if server[name]:
            yield from words


def _variables(server: Made) -> dict[str, str]:
    cached = {"SGLANG_CACHE_DIT_ENABLED": "true"} if server["enable_cache_dit"] else {}
    given = server["env_vars"] or {}
    return cached | {str(name): str(text) for name, text in given.items()}


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    """What a gate would say of it, said now."""
    try:
        case = Case.model_validate(found)
        BACKENDS[case.backend].check(case)
    except ValidationError as error:
        raise CannotBeMappedError(first_problem(error)) from error
    except ConfigurationError as error:
        raise CannotBeMappedError(error.problem.removeprefix(f"case {found['id']}: ")) from error
    return found
