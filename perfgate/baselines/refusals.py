"""Which records may not become a baseline, and why; values in, BaselineError out, no effect."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from perfgate.baselines.derived import LARGEST, LEAST
from perfgate.baselines.entry import case_of
from perfgate.baselines.margins import Margins
from perfgate.errors import BaselineError
from perfgate.records import CaseRecord, Launch, Record, Side
from perfgate.verdict.against_baseline import USUAL_LAUNCHES
from perfgate.verdict.metrics import failure_of, launch_metrics, ordered_names, unfit_of
from perfgate.verdict.wording import count, percent


def refuse_records(records: Sequence[Record], case_id: str, margins: Margins) -> None:
    """Refuse launches that are flagged or too few, wrong work, and jobs that are not alike."""
    if not records:
        raise BaselineError("no record was given", fix="Give one with --record.")
    keys = sorted({record.fingerprint.hardware_key for record in records})
    if len(keys) > 1:
        raise BaselineError(
            f"the records are of different machines: {', '.join(keys)}",
            fix="Update one kind of machine at a time.",
        )
    _refuse_another(records, case_id)
    for record in records:
        case = case_of(record, case_id)
        _refuse_launches(case, record)
        _refuse_impossible(case)
        _refuse_wrong_work(case)
    _refuse_disagreement(records, case_id, margins)


def other_software(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """What differs of what must match, in words; empty where nothing does."""
    return ", ".join(
        f"{key} {old.get(key, 'not set')} → {new.get(key, 'not set')}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    )


def _refuse_another(records: Sequence[Record], case_id: str) -> None:
    """Jobs of one update that cannot stand in one entry."""
    first = records[0]
    workload = case_of(first, case_id).workload_hash
    for record in records[1:]:
        software = other_software(first.fingerprint.must_match, record.fingerprint.must_match)
        another = case_of(record, case_id).workload_hash
        if software or another != workload:
            told = software or f"workload hash {workload} → {another}"
            raise BaselineError(
                f"two jobs measured {case_id} differently: {told}",
                fix="Give records of one software and one workload; the newer ones alone start "
                "the entry over.",
            )


def _refuse_launches(case: CaseRecord, record: Record) -> None:
    if case.resident:
        raise BaselineError(
            f"the launches of {case.id} are turns of resident servers, which share one process",
            fix="Keep a baseline of fresh processes: write `launch: fresh` and measure again.",
        )
    heads = _heads(case)
    for launch in heads:
        flagged = unfit_of(launch)
        if flagged is not None:
            raise BaselineError(
                f"a launch of {case.id} is flagged ({flagged}): such a job is no baseline",
                fix="Measure again on a device that is cool and alone.",
            )
    failed = any(failure_of(launch) is not None for launch in case.launches)
    if len(heads) < USUAL_LAUNCHES and not failed:
        raise BaselineError(
            f"the record of {record.created_at} holds {count(len(heads), 'head launch')} of "
            f"{case.id} beside the burn-in, and {USUAL_LAUNCHES} are the fewest for a baseline",
            fix="Measure again with enough budget: `perfgate measure` launches as many as needed.",
        )


def _refuse_impossible(case: CaseRecord) -> None:
    """Figures that no file can keep, for they round to nothing, or that no clock ever showed."""
    for launch in _heads(case):
        for name, value in launch_metrics(launch).items():
            if not LEAST <= value <= LARGEST:
                raise BaselineError(
                    f"{name} of a launch of {case.id} is {value:g}, which nobody can have measured",
                    fix="Mend what writes the report: times are in milliseconds, memory in MiB.",
                )


def _refuse_wrong_work(case: CaseRecord) -> None:
    accuracy = case.accuracy
    if accuracy is None or (accuracy.score is not None and accuracy.score >= accuracy.minimum):
        return
    said = accuracy.failure or f"{accuracy.score:g} where {accuracy.minimum:g} is the least"
    raise BaselineError(
        f"the score of {case.id} is not good enough: {said}",
        fix="Mend the output first; what is computed wrongly has no baseline.",
    )


def _refuse_disagreement(records: Sequence[Record], case_id: str, margins: Margins) -> None:
    """Jobs that differ by more than a margin: one of them met what will not come back."""
    levels = [level_of(case_of(record, case_id)) for record in records]
    for name in ordered_names(levels):
        having = sorted((one for one in levels if name in one), key=lambda one: one[name])
        if margins.apart(name, having[0], having[-1]):
            low, high = having[0][name], having[-1][name]
            raise BaselineError(
                f"two jobs disagree: {name} of {case_id} is {low:.6g} {margins.unit(name)} in one "
                f"and {high:.6g} in another, {percent(high / low - 1.0)}",
                fix="Measure again until jobs agree; look at what the machine did in between.",
            )


def level_of(case: CaseRecord) -> Mapping[str, float]:
    """The geometric mean of each metric over the head launches of one job."""
    found: dict[str, list[float]] = {}
    for launch in _heads(case):
        for name, value in launch_metrics(launch).items():
            found.setdefault(name, []).append(math.log(value))
    return {name: math.exp(fmean(logs)) for name, logs in found.items()}


def _heads(case: CaseRecord) -> list[Launch]:
    return [one for one in case.launches if one.side is Side.HEAD and one.pair is not None]
