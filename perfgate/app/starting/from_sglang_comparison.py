"""Makes cases of a suite of sglang's nightly comparison, or says what has no place in one. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from perfgate.app.compete.contest import Entry
from perfgate.app.compete.sglang_config import parse_config
from perfgate.app.starting.draft import Unmapped
from perfgate.backends.registry import BACKENDS
from perfgate.errors import ConfigurationError
from perfgate.suite import Case, Serve

NIGHTLY: Final = {"events": ["schedule", "workflow_dispatch"]}
"""When such a case is measured: these are minutes of several devices."""
_RUNNERS: Final = {"comparison_configs.json": "4-gpu-h100"}
"""The label of the runner on which sglang's nightly job measures a file, by the file's name."""


def compared_cases(text: str, *, path: str) -> tuple[list[dict[str, Any]], list[Unmapped]]:
    """The cases of a ``comparison_configs.json`` as a suite file says them, and what is not in.

    Raises ConfigurationError for a file that is none.
    """
    contest = parse_config(text, source=path)
    left_out = [
        Unmapped(where=f"{path}: {cell.case}", what=cell.framework, why=cell.failures[0].text)
        for cell in contest.impossible
    ]
    found: dict[str, dict[str, Any]] = {}
    asked: dict[str, Case] = {}
    for entry in contest.entries:
        case = entry.case
        if problem := _problem(entry, asked.get(case.id)):
            left_out.append(Unmapped(where=f"{path}: {case.id}", what=entry.framework, why=problem))
        elif case.id not in found:
            found[case.id], asked[case.id] = _values(case, PurePosixPath(path).name), case
        else:
            others = found[case.id].setdefault("frameworks", {})
            others[entry.framework] = _serve(case.serve)
    return list(found.values()), left_out


def _problem(entry: Entry, first: Case | None) -> str:
    """Why the entry cannot stand beside the case's first; empty where it can."""
    case = entry.case
    if first is not None and case.request != first.request:
        return f"it is asked for something else than {first.backend}, and a case has one request"
    try:
        BACKENDS[case.backend].check(case)
    except ConfigurationError as error:
        return error.problem.removeprefix(f"case {case.id}: ")
    return ""


def _values(case: Case, file: str) -> dict[str, Any]:
    request = case.request.model_dump(mode="json", exclude_none=True) if case.request else {}
    found = {
        "id": case.id,
        "backend": case.backend,
        "model": case.model,
        "task": case.task,
        "request": {name: value for name, value in request.items() if value != {}},
        "serve": _serve(case.serve),
        "devices": case.devices if case.devices > 1 else {},
        "requests": case.requests,
        "runs_on": [_RUNNERS[file]] if file in _RUNNERS else {},
        "when": NIGHTLY,
        "timeout": dict(_timeouts(case)),
    }
    return {name: value for name, value in found.items() if value != {}}


def _serve(serve: Serve) -> Mapping[str, Any]:
    said = {"args": shlex.join(serve.args), "env": dict(serve.env), "compile": serve.compile}
    return {name: value for name, value in said.items() if value}


def _timeouts(case: Case) -> Iterator[tuple[str, str]]:
    for name in ("load", "request"):
        yield name, f"{getattr(case.timeout, name) / 60:g}m"
