"""Reads a suite file and tells every problem at once, each with its place; does no I/O."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from perfgate import strict_yaml
from perfgate.errors import ConfigurationError
from perfgate.suite.model import Suite

_MAX_SUITE_BYTES = 1_000_000
_MAX_SHOWN_CHARS = 60
_NO_KEYS = frozenset({"[key]", "[folder]", "[files]"})
"""What pydantic puts into a place in the file though it stands for no key there."""


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
            fix="Correct these; perfgate's docs/suite.md lists every key.",
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
