"""Writes one scenario of an sglang baseline file from launches; text in, text out, no effect.

Every figure of a scenario comes from one request, the typical one of all that were measured: its
steps, their mean and median, its stages and its end-to-end time belong together, so that no part
can contradict another. Medians figure by figure would. As sglang writes them, figures have two
decimals, and mean and median are those of the steps as they are written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median
from typing import Any, TypeVar

from perfgate.baselines.json_edit import with_value
from perfgate.baselines.native import Baseline
from perfgate.baselines.sglang import Scenario, parse_sglang_baseline
from perfgate.errors import BaselineError
from perfgate.verdict.metrics import END_TO_END, metrics_of
from perfgate.verdict.tolerance import PER_FRAME, Run, run_of

_DIGITS = 2
_NEW: dict[str, Any] = {
    "stages_ms": {},
    "denoise_step_ms": {},
    "expected_e2e_ms": None,
    "expected_avg_denoise_ms": 0.0,
    "expected_median_denoise_ms": 0.0,
}
"""What every entry has, in sglang's order; 0 is how sglang says that there are no steps."""
_FIGURES = tuple(
    name
    for name in Scenario.model_fields
    if name not in ("timing_tolerance", "estimated_full_test_time_s", "notes")
)
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class ScenarioFigures:
    """What launches say of a scenario; ``test_s`` is how long a whole launch took, in seconds."""

    run: Run
    test_s: float


def figures_of(baseline: Baseline) -> ScenarioFigures:
    """The figures of a native baseline: of the launch whose end-to-end time is the median.

    Of its requests the one in the middle counts; of an even number the faster. Loading time and
    memory are the launch's. The burn-in launches do not count.
    """
    launches = [one for job in baseline.jobs for one in job.launches if not one.burn_in]
    launch = _middle(launches, key=lambda one: metrics_of(one.reports)[END_TO_END])
    request = _middle(launch.reports, key=lambda one: one.total_duration_ms)
    whole = run_of(launch.reports)
    return ScenarioFigures(
        run=replace(run_of([request]), load_ms=whole.load_ms, memory_mb=whole.memory_mb),
        test_s=median([one.duration_s for one in launches]),
    )


def updated_scenario(text: str, scenario: str, figures: ScenarioFigures, *, source: str) -> str:
    """The file with every figure of ``scenario`` from ``figures``; other lines keep their bytes.

    A scenario that the file does not have comes last. What launches do not tell by their nature
    stays (notes, tolerances, the time of a whole test), and so do unknown keys. A stage that did
    not run is no longer there. Raises BaselineError, naming ``source``, for a file that cannot be
    trusted, and where a figure would stay that these launches do not tell.
    """
    baseline = parse_sglang_baseline(text, source=source)
    if baseline.has_overrides_for(scenario):
        raise BaselineError(
            f"{source}: runner_overrides hold figures of {scenario} that would stay as they were",
            fix="Remove them in a reviewed change, or give that runner a file of its own.",
        )
    old = json.loads(text)["scenarios"].get(scenario)
    if old is None:
        new = _begun(figures)
    else:
        new = _updated(old, _figures(figures.run), place=f"{source}: {scenario}")
    changed = with_value(text, ("scenarios", scenario), new)
    parse_sglang_baseline(changed, source=source)
    return changed


def new_file(figures: Mapping[str, ScenarioFigures], *, metadata: Mapping[str, str]) -> str:
    """A file of these scenarios, as sglang writes one; without tolerances it judges by its own."""
    scenarios = {name: _begun(one) for name, one in figures.items()}
    return json.dumps({"metadata": dict(metadata), "scenarios": scenarios}, indent=4) + "\n"


def _begun(figures: ScenarioFigures) -> dict[str, Any]:
    test_s = {"estimated_full_test_time_s": round(figures.test_s, _DIGITS)}
    return _NEW | _figures(figures.run) | test_s


def _updated(old: Mapping[str, Any], told: Mapping[str, Any], *, place: str) -> dict[str, Any]:
    """The entry with every figure from the launches; what it never guarded stays unguarded."""
    stages = old.get("stages_ms") or {}
    untold = [key for key in _FIGURES if old.get(key) and key not in told]
    if stages.get(PER_FRAME):
        untold.append(f"stages_ms.{PER_FRAME}")
    if untold:
        raise BaselineError(
            f"{place}: these launches do not tell {', '.join(untold)}, which would stay as it was",
            fix="Measure with what reports it, or remove it in a reviewed change.",
        )
    always = {key: value for key, value in told.items() if key in old or key in _NEW}
    kept = {name: ms for name, ms in stages.items() if name in told["stages_ms"] or ms is None}
    return {**old, **always, "stages_ms": {**kept, **told["stages_ms"]}}


def _figures(run: Run) -> dict[str, Any]:
    """Every figure that a run tells, by the format's own key, in the order of sglang's files.

    A time of 0 says that nothing ran, and is no figure.
    """
    steps = [_written(ms) for ms in run.steps_ms]
    told: dict[str, Any] = {
        "stages_ms": {name: _written(ms) for name, ms in run.stages_ms.items() if ms > 0.0}
    }
    if steps:
        told["denoise_step_ms"] = {str(index): ms for index, ms in enumerate(steps)}
    told["expected_e2e_ms"] = _written(run.e2e_ms)
    if steps:
        told["expected_avg_denoise_ms"] = _written(fmean(steps))
        told["expected_median_denoise_ms"] = _written(median(steps))
    if run.load_ms:
        told["expected_load_ms"] = _written(run.load_ms)
    memory = {key: _written(mb) for key, mb in run.memory_mb.items() if key in _FIGURES}
    return told | memory


def _written(value: float) -> float:
    """Two decimals; of what they would make 0, its first digit."""
    return round(value, _DIGITS) or float(f"{value:.1g}")


def _middle(found: Sequence[_T], *, key: Callable[[_T], float]) -> _T:
    return sorted(found, key=key)[(len(found) - 1) // 2]
