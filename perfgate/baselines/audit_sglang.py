"""Looks for what cannot be true in one of sglang's baseline files; text in, findings out.

Those files are edited by hand and by scripts that set one figure at a time, so nothing in them is
believed: not the shape that :mod:`perfgate.baselines.sglang` needs, nor any aggregate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from statistics import fmean, median
from typing import Any

from perfgate.baselines.audit import Entry, Finding, Limits, aged, host_times, is_figure, tolerance
from perfgate.baselines.places import Document
from perfgate.baselines.sglang import Scenario, parse_sglang_baseline
from perfgate.baselines.spans import JsonPath
from perfgate.errors import BaselineError
from perfgate.verdict.tolerance import PER_FRAME
from perfgate.verdict.wording import count

STAGES, STEPS = "stages_ms", "denoise_step_ms"
E2E, MEAN, MEDIAN = "expected_e2e_ms", "expected_avg_denoise_ms", "expected_median_denoise_ms"
SCENARIOS = "scenarios"

_NO_FIGURES = {"notes", "timing_tolerance"}
FIGURES = tuple(name for name in Scenario.model_fields if name not in {STAGES, STEPS, *_NO_FIGURES})
"""The fields of a scenario that hold one figure each."""
_STEP = re.compile(r"0|[1-9][0-9]{0,5}")
_DENOISES = re.compile(r"(?<!Before)(Denoising|Refinement)Stage$")
"""The stages that serve steps, by their names, which is all that the file tells of them."""
_NO_FIGURE = "guards nothing: write a measured figure"

EXPLAINED = 0.67
"""Steps that add up to less than this part of their stage did not see all of its work."""


def audit_sglang(document: Document, limits: Limits) -> list[Finding]:
    """Everything that is wrong in one file by itself."""
    whole = Entry(document=document, scenario="", root=())
    data = document.value
    if not isinstance(data, dict) or not isinstance(data.get(SCENARIOS), dict):
        return [whole.finding("error", (SCENARIOS,), "there are no scenarios")]
    found = [*_of_the_file(whole, data, limits)]
    for name, scenario in data[SCENARIOS].items():
        entry = Entry(document=document, scenario=name, root=(SCENARIOS, name))
        found += _of_a_scenario(entry, scenario)
    if not any(one.severity == "error" for one in found):
        found += _unreadable(whole)
    return found


def _unreadable(whole: Entry) -> Iterator[Finding]:
    """What else the gate would refuse the file for."""
    try:
        parse_sglang_baseline(whole.document.text, source=whole.document.name)
    except BaselineError as error:
        yield whole.finding("error", (), error.problem.removeprefix(f"{whole.document.name}: "))


def _of_the_file(whole: Entry, data: Mapping[str, Any], limits: Limits) -> Iterator[Finding]:
    metadata = data.get("metadata")
    told = metadata if isinstance(metadata, dict) else {}
    yield from _of_its_age(whole, told.get("last_updated"), limits)
    runs = told.get("calibration_runs")
    if not isinstance(runs, list) or len(runs) < 2:
        stored = len(runs) if isinstance(runs, list) else None
        yield whole.finding(
            "warning",
            ("metadata", "calibration_runs"),
            "the file names no runs behind its figures: each may be a single sample"
            if stored in (None, 0)
            else "one run stands behind these figures: each is a single sample",
            stored=stored,
        )
    for path, value in overrides(data):
        yield from _impossible(whole, path, value)


def _of_its_age(whole: Entry, said: object, limits: Limits) -> Iterator[Finding]:
    path = ("metadata", "last_updated")
    if said is None:
        yield whole.finding("warning", path, "the file does not say how old its figures are")
        return
    try:
        days = aged(said, limits)
    except ValueError:
        yield whole.finding("warning", path, "this is no ISO date", stored=said)
        return
    if days is not None:
        told = (
            f"the file was updated {count(days, 'day')} ago: measure its entries again"
            if days > 0
            else "the date is yet to come"
        )
        yield whole.finding("warning", path, told, stored=said)


def scenarios_in(document: Document) -> dict[str, dict[str, Any]]:
    """What can be read as a scenario, by name."""
    data = document.value
    found = data.get(SCENARIOS) if isinstance(data, dict) else None
    return {
        name: scenario
        for name, scenario in (found if isinstance(found, dict) else {}).items()
        if isinstance(scenario, dict)
    }


def overrides(data: Mapping[str, Any]) -> Iterator[tuple[JsonPath, Any]]:
    """Every figure that counts on some runners alone, by its path in the file."""
    of_runners = data.get("runner_overrides")
    for prefix, scenarios in (of_runners if isinstance(of_runners, dict) else {}).items():
        for name, changes in (scenarios if isinstance(scenarios, dict) else {}).items():
            for path, value in figures(changes):
                yield ("runner_overrides", prefix, name, *path), value


def figures(scenario: object) -> Iterator[tuple[JsonPath, Any]]:
    """Every figure of a scenario by its path, with whatever stands where a number should."""
    if not isinstance(scenario, dict):
        return
    for name in FIGURES:
        if name in scenario:
            yield (name,), scenario[name]
    for name in (STAGES, STEPS):
        parts = scenario.get(name)
        for part, value in (parts if isinstance(parts, dict) else {}).items():
            yield (name, part), value


def _of_a_scenario(entry: Entry, scenario: object) -> Iterator[Finding]:
    if not isinstance(scenario, dict):
        yield entry.finding("error", (), "this is no scenario", stored=scenario)
        return
    for name in (STAGES, STEPS):
        if not isinstance(scenario.get(name, {}), dict):
            yield entry.finding("error", (name,), "this is no mapping", stored=scenario[name])
    if scenario.get(E2E) is None:
        yield entry.finding("error", (E2E,), "this figure must be there")
    for path, value in figures(scenario):
        if path == (E2E,) and value is None:
            continue
        if path[0] in (MEAN, MEDIAN) and value == 0 and not scenario.get(STEPS):
            # The format must have these two; 0 is how it says that there are no steps.
            yield entry.finding("warning", path, "there are no steps: none is guarded", stored=0.0)
        else:
            yield from _impossible(entry, path, value)
    yield from _of_its_steps(entry, scenario)
    yield from _of_its_stages(entry, scenario)


def _impossible(entry: Entry, path: JsonPath, value: object) -> Iterator[Finding]:
    if value is None:
        yield entry.finding("warning", path, f"null {_NO_FIGURE}")
    elif not isinstance(value, int | float) or isinstance(value, bool):
        yield entry.finding("error", path, "this is no number", stored=value)
    elif not is_figure(value):
        yield entry.finding("error", path, "this is no figure that can be measured", stored=value)
    elif value <= 0:
        told = f"zero {_NO_FIGURE}" if value == 0 else "a negative figure is impossible"
        yield entry.finding("error", path, told, stored=value)


def steps_of(scenario: Mapping[str, Any]) -> list[float] | None:
    """The steps in order; None where one of them is no step or no figure."""
    steps = scenario.get(STEPS)
    if not isinstance(steps, dict) or not all(
        _STEP.fullmatch(key) and is_figure(value) and value > 0 for key, value in steps.items()
    ):
        return None
    return [steps[key] for key in sorted(steps, key=int)]


def stages_of(scenario: Mapping[str, Any]) -> dict[str, float]:
    """The stages that follow each other and have a figure."""
    stages = scenario.get(STAGES)
    return {
        name: value
        for name, value in (stages if isinstance(stages, dict) else {}).items()
        if name != PER_FRAME and is_figure(value)
    }


def denoising_of(stages: Mapping[str, float]) -> dict[str, float]:
    """Those of the stages that serve the steps."""
    return {name: value for name, value in stages.items() if _DENOISES.search(name)}


def _of_its_steps(entry: Entry, scenario: Mapping[str, Any]) -> Iterator[Finding]:
    listed = scenario.get(STEPS)
    keys = list(listed) if isinstance(listed, dict) else []
    wrong = [key for key in keys if not _STEP.fullmatch(key)]
    for key in wrong:
        yield entry.finding("error", (STEPS, key), "this is no number of a step")
    if not wrong and len(keys) != max(map(int, keys), default=-1) + 1:
        missing = next(index for index in range(len(keys)) if str(index) not in keys)
        yield entry.finding("warning", (STEPS,), f"step {missing} is missing between the others")
    steps = steps_of(scenario)
    if steps is None:
        return
    for path, word, gives in ((MEAN, "mean", fmean), (MEDIAN, "median", median)):
        stored = scenario.get(path)
        if not is_figure(stored) or stored == 0:
            continue
        if not steps:
            yield entry.finding(
                "warning", (path,), f"a {word} step without any step", stored=stored
            )
        elif abs(stored - (derived := gives(steps))) > tolerance(derived):
            yield entry.finding(
                "error",
                (path,),
                f"the {word} of its {count(len(steps), 'step')} is {derived:.2f}, "
                f"but {stored} stands here",
                stored=stored,
                derived=round(derived, 2),
            )
    if told := host_times(steps):
        yield entry.finding("warning", (STEPS, "0"), told, stored=steps[0])


def _of_its_stages(entry: Entry, scenario: Mapping[str, Any]) -> Iterator[Finding]:
    stages, steps = stages_of(scenario), steps_of(scenario) or []
    e2e, total = scenario.get(E2E), sum(stages.values())
    if is_figure(e2e) and e2e > 0 and total - e2e > tolerance(total, parts=len(stages)):
        yield entry.finding(
            "error",
            (E2E,),
            f"its {count(len(stages), 'stage')}, one after the other, take {total:.2f} ms, which "
            f"is more than the {e2e} ms from end to end",
            stored=e2e,
            derived=round(total, 2),
        )
    denoising = denoising_of(stages)
    stored, derived = sum(denoising.values()), sum(steps)
    if not steps or stored <= 0.0:
        return
    path: JsonPath = (STAGES, *denoising) if len(denoising) == 1 else (STAGES,)
    name = " and ".join(denoising)
    if derived - stored > tolerance(derived, parts=len(steps)):
        yield entry.finding(
            "error",
            path,
            f"{name}: {stored:.2f} ms, which is shorter than its own {count(len(steps), 'step')}, "
            f"which take {derived:.2f} ms",
            stored=round(stored, 2),
            derived=round(derived, 2),
        )
    elif derived < EXPLAINED * stored:
        yield entry.finding(
            "warning",
            path,
            f"{name}: its steps add up to {derived:.2f} ms of {stored:.2f} ms: they look like host "
            "times, taken before the device was waited for",
            stored=round(stored, 2),
            derived=round(derived, 2),
        )
