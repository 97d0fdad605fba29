"""The suite file, ``perfgate.yml``, as frozen models: reports every problem at once, does no I/O.

Ratios become fractions, durations become the unit in their field's name.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from perfgate import strict_yaml
from perfgate.errors import ConfigurationError
from perfgate.records import CASE_ID, GatePolicy

BackendName = Literal["builtin", "command"]
EventName = Literal["pull_request", "merge_group", "push", "schedule", "workflow_dispatch", "local"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_MAX_SUITE_BYTES = 1_000_000
_MAX_SHOWN_CHARS = 60
_RESTART_EVERY = 4
"""An unchanged case takes about as many pairs, so that most gates load each side once."""


def _ratio(value: object) -> object:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip())):
        return float(match[1]) / 100
    if isinstance(value, str):
        raise ValueError("write a percentage such as 3%")
    return value


def _seconds(value: object) -> object:
    if isinstance(value, str):
        if match := _DURATION.fullmatch(value.strip()):
            return float(match[1]) * _SECONDS[match[2]]
        raise ValueError("write a duration such as 90s, 20m or 1h")
    return value


def _milliseconds(value: object) -> object:
    seconds = _seconds(value)
    return seconds * 1000 if isinstance(value, str) and isinstance(seconds, float) else value


def _minutes(value: object) -> object:
    seconds = _seconds(value)
    return seconds / 60 if isinstance(value, str) and isinstance(seconds, float) else value


def _inside(value: str) -> str:
    path = PurePosixPath(value)
    if not value or path.is_absolute() or ".." in path.parts:
        raise ValueError("write a path below the repository, without a leading / and without ..")
    return value


def _scalar(value: object) -> object:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("write one number, one text, or true or false")
    return value


Ratio = Annotated[float, BeforeValidator(_ratio), Field(gt=0, lt=1, allow_inf_nan=False)]
Margin = Annotated[float, BeforeValidator(_ratio), Field(gt=0, le=5, allow_inf_nan=False)]
Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, allow_inf_nan=False)]
Milliseconds = Annotated[float, BeforeValidator(_milliseconds), Field(ge=0, allow_inf_nan=False)]
Minutes = Annotated[float, BeforeValidator(_minutes), Field(gt=0, allow_inf_nan=False)]
Policy = Literal["neutral", "fail"]
Scalar = Annotated[Any, AfterValidator(_scalar)]
RelativePath = Annotated[str, AfterValidator(_inside)]
KeyPattern = Annotated[str, Field(pattern=r"^[a-z0-9*?\[\]!._-]{1,100}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Gate(_Part):
    """The ``gate:`` section as written; :meth:`policy` is what the rest of perfgate reads."""

    strategy: Literal["baseline", "paired", "auto"] = "auto"
    margin: Margin = 0.03
    stage_margin: Margin = 0.10
    stage_floor: Milliseconds = 5.0
    false_block: Ratio = 0.01
    miss: Ratio = 0.05
    max_pairs: Annotated[int, Field(ge=2, le=100)] = 12
    budget: Minutes = 30.0
    inconclusive: Policy = "neutral"
    incomparable: Policy = "neutral"
    missing: Policy = "fail"

    def policy(self) -> GatePolicy:
        return GatePolicy(
            strategy=self.strategy,
            margin=self.margin,
            stage_margin=self.stage_margin,
            stage_floor_ms=self.stage_floor,
            false_block=self.false_block,
            miss=self.miss,
            max_pairs=self.max_pairs,
            budget_min=self.budget,
            inconclusive=self.inconclusive,
            incomparable=self.incomparable,
            missing=self.missing,
        )


class When(_Part):
    """Which changes a case is measured for; every condition that is given must hold."""

    paths: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    events: tuple[EventName, ...] = ()


class Timeout(_Part):
    """Bounds in seconds. A launch may take its load time and one request time each."""

    setup: Seconds = 1800.0
    load: Seconds = 1200.0
    request: Seconds = 600.0


class Allow(_Part):
    """What may change without being a fault, each with the reason that a reviewer reads."""

    output: Annotated[str, Field(min_length=3)] | None = None
    flops: Annotated[str, Field(min_length=3)] | None = None

    def reasons(self) -> dict[str, str]:
        told = {"output": self.output, "flops": self.flops}
        return {name: reason for name, reason in told.items() if reason}


class Accuracy(_Part):
    """A score of the case's outputs: the last line that ``command`` prints, a number."""

    command: Annotated[str, Field(min_length=1)]
    minimum: Annotated[float, Field(allow_inf_nan=False)]


class Case(_Part):
    """One workload configuration."""

    id: Annotated[str, Field(pattern=f"^{CASE_ID}$")]
    backend: BackendName
    preset: str | None = None
    params: dict[str, Scalar] = Field(default_factory=dict)
    command: Annotated[str, Field(min_length=1)] | None = None
    env: dict[str, Scalar] = Field(default_factory=dict)
    devices: Annotated[int, Field(ge=1, le=1024)] = 1
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    requests: Annotated[int, Field(ge=1, le=2)] = 2
    launch: Literal["fresh", "resident"] = "fresh"
    restart_every: Annotated[int, Field(ge=1, le=1000)] | None = None
    runs_on: tuple[str, ...] = ()
    when: When = When()
    timeout: Timeout = Timeout()
    outputs: tuple[RelativePath, ...] = ()
    accuracy: Accuracy | None = None
    allow: Allow = Allow()

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
        return self

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

    def workload(self) -> dict[str, Any]:
        """Everything in the case that changes what is computed."""
        keys = ("backend", "preset", "params", "command", "env", "devices", "threads", "requests")
        found = {key: value for key in keys if (value := getattr(self, key)) not in (None, {})}
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
        return self.timeout.load + self.timeout.request + turns_s

    def turn_timeout_s(self) -> float:
        """The longest that the measured requests may take."""
        return self.requests * self.timeout.request


class SglangFiles(_Part):
    """Baselines in sglang's own files; ``state`` holds what that format has no place for."""

    format: Literal["sglang"]
    files: Annotated[dict[KeyPattern, RelativePath], Field(min_length=1)]
    state: RelativePath

    def file_of(self, hardware_key: str) -> str | None:
        """The file of the first pattern that the key matches, as in a shell."""
        matching = (path for glob, path in self.files.items() if fnmatchcase(hardware_key, glob))
        return next(matching, None)


def _folder_or_files(value: object) -> object:
    if not isinstance(value, str | Mapping | SglangFiles):
        raise ValueError("write a folder, or a mapping with the keys format, files and state")
    return value


def _kind_of_baselines(value: object) -> str:
    return "[folder]" if isinstance(value, str) else "[files]"


Baselines = Annotated[
    Annotated[RelativePath, Tag("[folder]")] | Annotated[SglangFiles, Tag("[files]")],
    Discriminator(_kind_of_baselines),
    BeforeValidator(_folder_or_files),
]
_NO_KEYS = frozenset({"[key]", "[folder]", "[files]"})
"""What pydantic puts into a place in the file though it stands for no key there."""


class Suite(_Part):
    """A whole suite file."""

    version: Literal[1]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,59}$")] = "perfgate"
    baselines: Baselines | None = None
    gate: Gate = Gate()
    setup: str | None = None
    imports: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.\w+)*$")], ...] = ()
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]

    @property
    def sglang(self) -> SglangFiles | None:
        """Where the baselines are sglang's own files, which; else None."""
        return self.baselines if isinstance(self.baselines, SglangFiles) else None

    @property
    def state_folder(self) -> str | None:
        """The folder of launches, calibrations and acceptances, in perfgate's own format."""
        return self.baselines.state if isinstance(self.baselines, SglangFiles) else self.baselines

    def setup_command(self) -> str | None:
        """The shell line that makes a side's environment; ``none`` is the same as absent."""
        return None if self.setup is None or self.setup.strip() in ("", "none") else self.setup


def parse_suite(text: str, *, source: str) -> Suite:
    """Read a suite; raises ConfigurationError that lists every problem with path and value."""
    if len(text.encode()) > _MAX_SUITE_BYTES:
        raise ConfigurationError(
            f"{source} is larger than {_MAX_SUITE_BYTES} bytes", fix="Split the suite."
        )
    try:
        data = strict_yaml.load(text)
    except (yaml.YAMLError, RecursionError) as error:
        told = " ".join(str(error).split())
        raise ConfigurationError(
            f"{source} is not valid YAML: {told}", fix="Mend the line that the parser names."
        ) from error
    if not isinstance(data, Mapping):
        raise ConfigurationError(
            f"{source} holds no mapping at its top level",
            fix="Start from: version: 1, then cases: with one id, backend and command.",
        )
    problems = _duplicate_ids(data)
    try:
        suite = Suite.model_validate(data)
    except ValidationError as error:
        items = error.errors()
        # A list whose items are all wrong is also told as too short: the items say it better.
        if len(items) > 1:
            items = [item for item in items if item["type"] != "too_short"]
        problems = [_told(item, data) for item in items] + problems
        suite = None
    if problems or suite is None:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigurationError(
            f"{source} has {count}:{listed}",
            fix="Correct these; README, 'The suite file', lists every key.",
        )
    return suite


def _duplicate_ids(data: Mapping[str, Any]) -> list[str]:
    cases = data.get("cases")
    if not isinstance(cases, Sequence):
        return []
    first: dict[str, int] = {}
    problems = []
    for index, case in enumerate(cases):
        case_id = case.get("id") if isinstance(case, Mapping) else None
        if not isinstance(case_id, str):
            continue
        if case_id in first:
            problems.append(
                f"cases[{index}].id: {_shown(case_id)}: cases[{first[case_id]}] has this id too; "
                "every case needs its own"
            )
        first.setdefault(case_id, index)
    return problems


def _told(item: Any, data: object) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    loc = [part for part in item["loc"] if part not in _NO_KEYS]
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    if item["type"] == "extra_forbidden":
        known = _known_keys(loc)
        close = difflib.get_close_matches(str(loc[-1]), known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        return f"{path}: unknown key; {hint}allowed: {', '.join(known)}"
    if item["type"] == "missing":
        return f"{path}: this key must be there"
    message = item["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    message = message.replace("a valid dictionary or instance of ", "a mapping: ")
    if isinstance(item["input"], Mapping) and item["input"] is not data:
        return f"{path}: {message}"
    return f"{path}: {_shown(item['input'])}: {message}"


def _known_keys(loc: Sequence[int | str]) -> list[str]:
    model: type[BaseModel] = Suite
    for part in loc[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = next(_models_in(model.model_fields[part].annotation), model)
    return list(model.model_fields)


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN_CHARS else text[: _MAX_SHOWN_CHARS - 1] + "…"
