"""The baseline file of one case: raw launches of trusted jobs; text in, values out, no effect.

Schema history:
    1  first version
    2  the first and the best figure that was ever accepted of each metric; the steps

Above the launches stand figures for people. They are derived, never believed: reading recomputes
them and refuses a file in which they differ, so that nobody can make a gate green by editing one.
The first and the best figure outlive the launches that gave them, so they are stored, and refused
where they cannot be: the best is no slower than the first, nor than what the launches give now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from perfgate.baselines.derived import Derived, agree, derive, first_difference
from perfgate.errors import BaselineError
from perfgate.records import (
    Launch,
    NonNegative,
    OutputFingerprint,
    Report,
    Side,
    TensorSummary,
    Value,
    first_problem,
)
from perfgate.verdict.baseline import StoredJob, StoredJobs
from perfgate.verdict.metrics import metrics_of

PROTOCOL = "a fresh process each launch; the burn-in launch is kept and not judged"
_UPDATE = "Undo the edit; new figures come only from launches: perfgate baseline update."


class StoredLaunch(Value):
    """One launch as it was measured: every request with its stages and steps."""

    burn_in: bool = False
    started_at: str
    duration_s: NonNegative
    reports: Annotated[tuple[Report, ...], Field(min_length=1)]


class Job(Value):
    """One visit to a runner, and the commit that was measured there."""

    date: str
    commit: Annotated[str, Field(min_length=1)]
    job: str = ""
    told: dict[str, str] = Field(default_factory=dict)
    launches: Annotated[tuple[StoredLaunch, ...], Field(min_length=1)]


class Produced(Value):
    """What the newest job's first launch computed in its last request, and left in files.

    A file of an older perfgate has none of it, and its launches are held to no output.
    """

    output: OutputFingerprint | None = None
    output_files: dict[str, str] = Field(default_factory=dict)
    outputs: tuple[TensorSummary, ...] = ()
    undecoded: dict[str, str] = Field(default_factory=dict)


class Milestone(Value):
    """A figure that was accepted once, with the newest job of the launches that gave it."""

    value: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    commit: Annotated[str, Field(min_length=1)]
    date: str


class Baseline(Value):
    """All that is kept of one case on one kind of machine.

    ``first`` and ``best`` hold the first and the lowest accepted figure of every metric that this
    workload ever had, one that has gone included; both are empty in a file of version 1.
    """

    schema_name: Literal["perfgate.baseline"] = Field("perfgate.baseline", alias="schema")
    version: Literal[1, 2] = 2
    case: str
    hardware_key: str
    workload_hash: str
    workload: dict[str, Any] = Field(default_factory=dict)
    protocol: str = PROTOCOL
    must_match: dict[str, str] = Field(default_factory=dict)
    derived: Derived
    first: dict[str, Milestone] = Field(default_factory=dict)
    best: dict[str, Milestone] = Field(default_factory=dict)
    produced: Produced | None = None
    jobs: Annotated[tuple[Job, ...], Field(min_length=1)]

    def stored_jobs(self) -> StoredJobs:
        """The plain numbers that the baseline rule judges with."""
        return StoredJobs(
            workload_hash=self.workload_hash,
            must_match=self.must_match,
            jobs=_stored(self.jobs),
            newest=None if self.produced is None else self._newest(self.produced),
            first={name: one.value for name, one in self.first.items()},
            best={name: one.value for name, one in self.best.items()},
        )

    def _newest(self, produced: Produced) -> Launch:
        """The newest job's first launch as that of a base, with what it computed.

        Another job may have run on another machine of the kind, which makes its build another.
        """
        job = self.jobs[-1]
        first, output = job.launches[0], produced.output
        if output is not None:
            output = output.model_copy(update={"build": f"{output.build}, job of {job.date}"})
        return Launch(
            side=Side.BASE,
            pair=0,
            order=0,
            started_at=first.started_at,
            duration_s=first.duration_s,
            reports=(first.reports[-1].model_copy(update={"output": output}),),
            output_files=produced.output_files,
            outputs=produced.outputs,
            undecoded=produced.undecoded,
        )


def _stored(jobs: tuple[Job, ...]) -> tuple[StoredJob, ...]:
    return tuple(
        StoredJob(
            launches=tuple(metrics_of(one.reports) for one in job.launches if not one.burn_in),
            burn_in=next((metrics_of(one.reports) for one in job.launches if one.burn_in), None),
        )
        for job in jobs
    )


def parse_baseline(text: str, *, source: str) -> Baseline:
    """Read a baseline; BaselineError names file and field, and both values where two differ."""
    try:
        data = json.loads(text, object_pairs_hook=no_duplicate_keys)
    except (ValueError, RecursionError) as error:
        raise BaselineError(
            f"{source} is not valid JSON: {error}",
            fix="Restore the file from its last commit.",
        ) from error
    try:
        baseline = Baseline.model_validate(data)
    except ValidationError as error:
        raise BaselineError(
            f"{source}: {first_problem(error)}",
            fix="Restore the file from its last commit, or update perfgate if that wrote it.",
        ) from error
    if not all(any(not one.burn_in for one in job.launches) for job in baseline.jobs):
        raise BaselineError(f"{source}: a job holds nothing but its burn-in launch", fix=_UPDATE)
    given = derive_again(baseline)
    difference = first_difference(baseline.derived, given)
    if difference is not None:
        field, stored, derived = difference
        raise BaselineError(
            f"{source}: derived.{field} says {stored}, but the launches below it give {derived}",
            fix=_UPDATE,
        )
    wrong = next(impossible_milestones(baseline, given), None)
    if wrong is not None:
        raise BaselineError(f"{source}: {wrong.told}", fix=_UPDATE)
    return baseline


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """A figure that cannot be what it is said to be, by its path in the file."""

    path: tuple[str, ...]
    told: str
    stored: float | None = None
    derived: float | None = None


def impossible_milestones(baseline: Baseline, derived: Derived) -> Iterator[Wrong]:
    """What cannot be so of the first and best figures, where the launches give ``derived``."""
    first, best = baseline.first, baseline.best
    if baseline.version == 1:
        if first or best:
            told = "first and best have no place in a file of version 1"
            yield Wrong(path=("version",), told=told)
        return
    for kind, stored in (("first", first), ("best", best)):
        for name in {**derived.metrics, **first, **best}:
            if name not in stored:
                yield Wrong(path=(kind, name), told=f"{kind}.{name} is missing")
    for name, figure in best.items():
        now = derived.metrics.get(name)
        for what, limit in (
            (f"first.{name} is", first[name].value if name in first else None),
            ("the launches below it give", now.value if now is not None else None),
        ):
            if limit is not None and figure.value > limit and not agree(figure.value, limit):
                yield Wrong(
                    path=("best", name, "value"),
                    told=f"best.{name} says {figure.value}, but {what} {limit}",
                    stored=figure.value,
                    derived=limit,
                )


def no_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def derive_jobs(jobs: tuple[Job, ...]) -> Derived:
    """The figures that people read of these jobs."""
    launches = [one for job in jobs for one in job.launches if not one.burn_in]
    requests = [report.steps_ms for one in launches for report in one.reports]
    return derive(_stored(jobs), requests=requests)


def derive_again(baseline: Baseline) -> Derived:
    """What the launches of a file give, of the figures that its version has."""
    derived = derive_jobs(baseline.jobs)
    return derived if baseline.version > 1 else derived.model_copy(update={"steps": None})


def render_baseline(baseline: Baseline) -> str:
    """The file's text: the same bytes for the same value, a launch on a line for small diffs."""
    head = baseline.model_dump(mode="json", exclude=_BELOW)
    lines = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    lines += f',\n "derived": {{\n{_derived_lines(baseline.derived)}\n }}'
    for kind, stored in (("first", baseline.first), ("best", baseline.best)):
        if stored:
            lines += f',\n "{kind}": {{\n{_milestone_lines(stored)}\n }}'
    if baseline.produced is not None:
        produced = baseline.produced.model_dump(mode="json", exclude_defaults=True)
        lines += f',\n "produced": {_compact(produced)}'
    jobs = ",\n".join(_job_lines(job) for job in baseline.jobs)
    return f'{lines},\n "jobs": [\n{jobs}\n ]\n}}\n'


_BELOW = {"derived", "first", "best", "produced", "jobs"}
"""What is written by lines, below the rest."""


def _derived_lines(derived: Derived) -> str:
    """Counts, then a metric on a line, then the steps on one."""
    told = derived.model_dump(mode="json", exclude={"metrics", "steps"})
    parts = [f"  {_text(name)}: {value}" for name, value in told.items()]
    metrics = ",\n".join(
        f"   {_text(name)}: {_compact(figure.model_dump(mode='json'))}"
        for name, figure in derived.metrics.items()
    )
    parts.append(f'  "metrics": {{\n{metrics}\n  }}')
    if derived.steps is not None:
        parts.append(f'  "steps": {_compact(derived.steps.model_dump(mode="json"))}')
    return ",\n".join(parts)


def _milestone_lines(stored: Mapping[str, Milestone]) -> str:
    return ",\n".join(
        f"  {_text(name)}: {_compact(one.model_dump(mode='json'))}" for name, one in stored.items()
    )


def _job_lines(job: Job) -> str:
    without = {"launches"} if job.job else {"launches", "job"}
    head = _compact(job.model_dump(mode="json", exclude=without)).removesuffix("}")
    launches = ",\n".join(f"   {_compact(_launch_json(one))}" for one in job.launches)
    return f'  {head},"launches":[\n{launches}\n  ]}}'


def _launch_json(launch: StoredLaunch) -> dict[str, Any]:
    return launch.model_dump(mode="json", exclude_defaults=True)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _compact(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
