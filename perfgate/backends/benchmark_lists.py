"""Reads what github-action-benchmark is fed as the dump of a request, one stage a benchmark. Pure.

Two of its forms are JSON that a benchmark itself writes: a list of ``{name, value, unit}``, and
what ``pytest --benchmark-json`` leaves, of which the medians are taken. Nobody measured the whole,
so it is the sum. What is no time has no place in a report, and is refused rather than left out
unseen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from perfgate.profile.sglang import FormatError
from perfgate.records import first_problem
from perfgate.records.action_benchmark import Figure

_MOST_NAME_CHARS = 200


def as_dump(document: object) -> dict[str, Any] | None:
    """The dump that the document stands for; None where it is of neither form.

    Raises FormatError, which names the place, where it cannot be one.
    """
    times = _listed(document) if isinstance(document, list) else _of_pytest(document)
    if times is None:
        return None
    often = Counter(name for name, _ in times)
    twice = sorted(name for name, number in often.items() if number > 1)
    if twice:
        raise FormatError(f"names {twice[0]!r} twice")
    return {
        "total_duration_ms": math.fsum(ms for _, ms in times),
        "steps": [{"name": name, "duration_ms": ms} for name, ms in times],
    }


def _listed(document: list[Any]) -> list[tuple[str, float]] | None:
    keys = {"name", "value", "unit"}
    if not document or not all(isinstance(one, Mapping) and keys <= {*one} for one in document):
        return None
    return [_time(one, f"item {index}") for index, one in enumerate(document)]


def _time(said: Mapping[str, Any], where: str) -> tuple[str, float]:
    try:
        figure = Figure.model_validate(said)
    except ValidationError as error:
        raise FormatError(f"has at {where} {first_problem(error)}") from error
    if figure.milliseconds is None:
        raise FormatError(
            f"has {figure.name[:_MOST_NAME_CHARS]!r} in {figure.unit!r}, which is no time: leave "
            "it out of the list"
        )
    return figure.name[:_MOST_NAME_CHARS], figure.milliseconds


def _of_pytest(document: object) -> list[tuple[str, float]] | None:
    if not isinstance(document, Mapping) or not isinstance(document.get("machine_info"), Mapping):
        return None
    benchmarks = document.get("benchmarks")
    if not isinstance(benchmarks, list) or not benchmarks:
        raise FormatError("holds no benchmark: pytest ran none")
    return [_median(one, f"benchmarks[{index}]") for index, one in enumerate(benchmarks)]


def _median(benchmark: object, where: str) -> tuple[str, float]:
    said = benchmark if isinstance(benchmark, Mapping) else {}
    stats = said.get("stats")
    median = stats.get("median") if isinstance(stats, Mapping) else None
    return _time({"name": said.get("fullname"), "value": median, "unit": "s"}, where)
