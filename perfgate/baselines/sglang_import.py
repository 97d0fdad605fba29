"""Makes an entry of perfgate's own from a scenario of sglang's files; values in and out, no effect.

A scenario is taken for what it should be, the figures of one launch, and refused where no launch
can have given them. What it was measured with is not known, so that no gate compares with the
entry; it is what later launches follow, which start it over and remember its figures as the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from perfgate.baselines.audit import Limits
from perfgate.baselines.audit_sglang import audit_sglang
from perfgate.baselines.entry import milestones
from perfgate.baselines.native import Baseline, Job, StoredLaunch, derive_jobs
from perfgate.baselines.places import read_document
from perfgate.baselines.sglang import Scenario, SglangBaseline
from perfgate.errors import BaselineError
from perfgate.records import Report, Stage
from perfgate.verdict.tolerance import PER_FRAME, checkpoints_of

_MS_PER_S = 1000.0
_ANY_AGE = Limits(today=date.min, max_age_days=0)
_MEASURE = "Measure it instead: perfgate measure, then perfgate baseline update."


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The suite's case that a scenario is of."""

    id: str
    hash: str
    contents: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The file that figures are taken from, as it is at a commit; ``date`` is the commit's."""

    file: str
    commit: str
    date: str


def contradictions(text: str, *, source: str) -> dict[str, str]:
    """Why no launch can have given the figures of a scenario, by its name; others are not in it.

    ``text`` is that of a file which can be read as sglang's.
    """
    found: dict[str, str] = {}
    for one in audit_sglang(read_document(text, name=source), _ANY_AGE):
        if one.severity == "error":
            found.setdefault(one.scenario, f"{one.field}: {one.message}")
    return found


def imported(
    baseline: SglangBaseline, workload: Workload, *, hardware_key: str, origin: Origin
) -> Baseline:
    """The entry of one launch that the scenario called like the workload describes.

    Raises BaselineError for a scenario that is not there or does not hold what a launch has.
    """
    scenario = baseline.scenarios.get(workload.id)
    if scenario is None:
        raise BaselineError(
            f"{origin.file} has no scenario {workload.id!r}", fix="Name one that it has."
        )
    report = _report(scenario, place=f"{origin.file}: {workload.id}")
    took_s = (report.total_duration_ms + (report.load_ms or 0.0)) / _MS_PER_S
    job = Job(
        date=origin.date,
        commit=origin.commit,
        told={"imported from": origin.file, **_told(baseline.metadata)},
        launches=(StoredLaunch(started_at=origin.date, duration_s=took_s, reports=(report,)),),
    )
    derived = derive_jobs((job,))
    first, best = milestones(None, derived, job)
    return Baseline(
        case=workload.id,
        hardware_key=hardware_key,
        workload_hash=workload.hash,
        workload=dict(workload.contents),
        must_match={"hardware_key": hardware_key},
        derived=derived,
        first=first,
        best=best,
        jobs=(job,),
    )


def _told(metadata: Mapping[str, Any]) -> dict[str, str]:
    said = {key: metadata.get(key) for key in ("hardware", "last_updated")}
    return {key: value for key, value in said.items() if isinstance(value, str)}


def _report(scenario: Scenario, *, place: str) -> Report:
    expected = scenario.expected("")
    stages = {name: ms for name, ms in expected.stages_ms.items() if name != PER_FRAME}
    if expected.e2e_ms is None or not stages:
        what = "no stage" if expected.e2e_ms is not None else "no end-to-end time"
        raise BaselineError(f"{place} holds {what}: that is no launch", fix=_MEASURE)
    return Report(
        total_duration_ms=expected.e2e_ms,
        stages=tuple(Stage(name=name, duration_ms=ms) for name, ms in stages.items()),
        steps_ms=tuple(expected.steps_ms[index] for index in sorted(expected.steps_ms)),
        load_ms=expected.load_ms,
        memory_checkpoints=checkpoints_of(expected.memory_mb),
    )
