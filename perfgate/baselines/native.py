"""The baseline file of one case: raw launches of trusted jobs; text in, values out, no effect.

Schema history:
    1  first version

Above the launches stand figures for people. They are derived, never believed: reading recomputes
them and refuses a file in which they differ, so that nobody can make a gate green by editing one.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from perfgate.baselines.derived import Derived, derive, first_difference
from perfgate.errors import BaselineError
from perfgate.records import (
    CaseRecord,
    Launch,
    NonNegative,
    OutputFingerprint,
    Record,
    Report,
    Side,
    TensorSummary,
    Value,
)
from perfgate.verdict.baseline import StoredJob, StoredJobs
from perfgate.verdict.metrics import failure_of, metrics_of, unfit_of

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


class Baseline(Value):
    """All that is kept of one case on one kind of machine."""

    schema_name: Literal["perfgate.baseline"] = Field("perfgate.baseline", alias="schema")
    version: Literal[1] = 1
    case: str
    hardware_key: str
    workload_hash: str
    workload: dict[str, Any] = Field(default_factory=dict)
    protocol: str = PROTOCOL
    must_match: dict[str, str] = Field(default_factory=dict)
    derived: Derived
    produced: Produced | None = None
    jobs: Annotated[tuple[Job, ...], Field(min_length=1)]

    def stored_jobs(self) -> StoredJobs:
        """The plain numbers that the baseline rule judges with."""
        return StoredJobs(
            workload_hash=self.workload_hash,
            must_match=self.must_match,
            jobs=_stored(self.jobs),
            newest=None if self.produced is None else self._newest(self.produced),
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
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise BaselineError(
            f"{source}: {where}: {first['msg']}",
            fix="Restore the file from its last commit, or update perfgate if that wrote it.",
        ) from error
    if not all(any(not one.burn_in for one in job.launches) for job in baseline.jobs):
        raise BaselineError(f"{source}: a job holds nothing but its burn-in launch", fix=_UPDATE)
    difference = first_difference(baseline.derived, _derive(baseline.jobs))
    if difference is not None:
        field, stored, derived = difference
        raise BaselineError(
            f"{source}: derived.{field} says {stored}, but the launches below it give {derived}",
            fix=_UPDATE,
        )
    return baseline


def no_duplicate_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def _derive(jobs: tuple[Job, ...]) -> Derived:
    requests = sum(len(one.reports) for job in jobs for one in job.launches if not one.burn_in)
    return derive(_stored(jobs), requests=requests)


def render_baseline(baseline: Baseline) -> str:
    """The file's text: the same bytes for the same value, a launch on a line for small diffs."""
    head = baseline.model_dump(mode="json", exclude={"jobs", "produced"})
    lines = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    if baseline.produced is not None:
        produced = baseline.produced.model_dump(mode="json", exclude_defaults=True)
        lines += f',\n "produced": {_compact(produced)}'
    jobs = ",\n".join(_job_lines(job) for job in baseline.jobs)
    return f'{lines},\n "jobs": [\n{jobs}\n ]\n}}\n'


def _job_lines(job: Job) -> str:
    head = _compact(job.model_dump(mode="json", exclude={"launches"})).removesuffix("}")
    launches = ",\n".join(f"   {_compact(_launch_json(one))}" for one in job.launches)
    return f'  {head},"launches":[\n{launches}\n  ]}}'


def _launch_json(launch: StoredLaunch) -> dict[str, Any]:
    return launch.model_dump(mode="json", exclude_defaults=True)


def _compact(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def add_job(baseline: Baseline | None, record: Record, case_id: str) -> Baseline:
    """The baseline with this record's head launches of ``case_id`` added as one more job.

    Refuses launches that failed, another kind of machine, and another workload.
    """
    case = _case(record, case_id)
    if baseline is not None:
        _refuse_another(baseline, record, case)
    heads = _head_launches(case)
    job = Job(
        date=record.created_at,
        commit=record.head.commit,
        told=record.fingerprint.told,
        launches=tuple(_kept(launch) for launch in heads),
    )
    earlier = () if baseline is None else baseline.jobs
    if any((one.date, one.commit) == (job.date, job.commit) for one in earlier):
        raise BaselineError(
            f"the job of {job.date} at {job.commit[:12]} is in the baseline of {case_id} already",
            fix="Measure again: one job counts once.",
        )
    jobs = (*earlier, job)
    return Baseline(
        case=case_id,
        hardware_key=record.fingerprint.hardware_key,
        workload_hash=case.workload_hash,
        workload=case.workload,
        must_match=record.fingerprint.must_match,
        derived=_derive(jobs),
        produced=_produced(heads[0]),
        jobs=jobs,
    )


def _case(record: Record, case_id: str) -> CaseRecord:
    for case in record.cases:
        if case.id == case_id:
            return case
    known = ", ".join(case.id for case in record.cases) or "none"
    raise BaselineError(
        f"the record has no case {case_id!r}; it has: {known}", fix="Name one of its cases."
    )


def _head_launches(case: CaseRecord) -> list[Launch]:
    heads = [launch for launch in case.launches if launch.side is Side.HEAD]
    for launch in heads:
        failure = failure_of(launch)
        if failure is not None:
            raise BaselineError(
                f"a launch of {case.id} failed ({failure}): such a job is no baseline",
                fix="Mend the benchmark and measure again.",
            )
    fit = [launch for launch in heads if unfit_of(launch) is None]
    if all(launch.pair is None for launch in fit):
        raise BaselineError(
            f"the record holds no head launch of {case.id} besides the burn-in"
            + (" that ran on a fit device" if len(fit) < len(heads) else ""),
            fix="Measure again, with enough budget and on a device that keeps its clocks.",
        )
    return fit


def _kept(launch: Launch) -> StoredLaunch:
    nothing: dict[str, Any] = {"output": None, "extra": {}}
    return StoredLaunch(
        burn_in=launch.pair is None,
        started_at=launch.started_at,
        duration_s=launch.duration_s,
        reports=tuple(report.model_copy(update=nothing) for report in launch.reports),
    )


def _produced(launch: Launch) -> Produced:
    return Produced(
        output=launch.reports[-1].output,
        output_files=launch.output_files,
        outputs=launch.outputs,
        undecoded=launch.undecoded,
    )


def _refuse_another(baseline: Baseline, record: Record, case: CaseRecord) -> None:
    fingerprint = record.fingerprint
    kinds = (
        ("hardware key", baseline.hardware_key, fingerprint.hardware_key),
        ("workload hash", baseline.workload_hash, case.workload_hash),
        ("fingerprint", baseline.must_match, fingerprint.must_match),
    )
    for name, stored, measured in kinds:
        if stored != measured:
            raise BaselineError(
                f"the {name} of {case.id} is {measured} in this record, {stored} in the baseline",
                fix="Start a new baseline for it: remove the old file in the same pull request.",
            )
