"""Makes a baseline's entry from the launches of records: values in, values out, no effect.

A job is added or refused whole, and no figure comes from anywhere but the launches.
"""

from __future__ import annotations

from typing import Any

from perfgate.baselines.derived import Derived
from perfgate.baselines.native import (
    Baseline,
    Job,
    Milestone,
    Produced,
    StoredLaunch,
    derive_jobs,
)
from perfgate.errors import BaselineError
from perfgate.records import CaseRecord, Launch, Record, Side
from perfgate.verdict.metrics import failure_of, unfit_of

MOST_JOBS = 30
"""Jobs that an entry keeps, the newest ones: three times what the screen of ``auto`` needs."""


def add_job(baseline: Baseline | None, record: Record, case_id: str) -> Baseline:
    """The baseline with this record's head launches of ``case_id`` added as one more job.

    Refuses launches that failed, another kind of machine, and another workload.
    """
    case = case_of(record, case_id)
    if baseline is not None:
        _refuse_another(baseline, record, case)
    heads = _head_launches(case)
    head = record.head
    job = Job(
        date=record.created_at,
        commit=head.commit + ("-dirty" if head.dirty else ""),
        job=record.job,
        told=record.fingerprint.told,
        launches=tuple(_kept(launch) for launch in heads),
    )
    earlier = () if baseline is None else baseline.jobs
    _refuse_twice(earlier, job, case_id)
    jobs = (*earlier, job)[-MOST_JOBS:]
    derived = derive_jobs(jobs)
    first, best = milestones(baseline, derived, job)
    return Baseline(
        case=case_id,
        hardware_key=record.fingerprint.hardware_key,
        workload_hash=case.workload_hash,
        workload=case.workload,
        must_match=record.fingerprint.must_match,
        derived=derived,
        first=first,
        best=best,
        produced=_produced(heads[0]),
        jobs=jobs,
    )


def milestones(
    baseline: Baseline | None, derived: Derived, job: Job
) -> tuple[dict[str, Milestone], dict[str, Milestone]]:
    """First and best figures once ``derived``, whose newest job is ``job``, is accepted too."""
    first, best = ({}, {}) if baseline is None else remembered(baseline)
    for name, figure in derived.metrics.items():
        now = Milestone(value=figure.value, commit=job.commit, date=job.date)
        first.setdefault(name, now)
        if name not in best or now.value < best[name].value:
            best[name] = now
    return first, best


def remembered(baseline: Baseline) -> tuple[dict[str, Milestone], dict[str, Milestone]]:
    """First and best figures of an entry; one of version 1 knows nothing before itself."""
    if baseline.version == 1:
        newest = baseline.jobs[-1]
        own = {
            name: Milestone(value=figure.value, commit=newest.commit, date=newest.date)
            for name, figure in baseline.derived.metrics.items()
        }
        return dict(own), dict(own)
    return dict(baseline.first), dict(baseline.best)


def following(entry: Baseline, earlier: Baseline) -> Baseline:
    """An entry that starts over from new launches, with what the earlier one remembers."""
    first, best = milestones(earlier, entry.derived, entry.jobs[-1])
    return entry.model_copy(update={"first": first, "best": best})


def case_of(record: Record, case_id: str) -> CaseRecord:
    """The case of this id; BaselineError where the record has none."""
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


def _refuse_twice(earlier: tuple[Job, ...], job: Job, case_id: str) -> None:
    known = ((one.job, one.date, one.commit) for one in earlier)
    if any(
        (date, commit) == (job.date, job.commit) or (name and name == job.job)
        for name, date, commit in known
    ):
        raise BaselineError(
            f"the job of {job.date} at {job.commit[:12]} is in the baseline of {case_id} already",
            fix="Measure again: one job counts once.",
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
