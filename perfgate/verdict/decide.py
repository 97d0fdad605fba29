"""Makes the decision from a finished record: replays it through the judges; reads nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfgate.records import CaseDecision, CaseRecord, Cost, Decision, Origin, Record, Verdict
from perfgate.verdict.baseline import StoredJobs
from perfgate.verdict.cases import (
    Evidences,
    by_pairs,
    by_screen,
    by_stored,
    failed,
    incomparable,
    new,
    refused,
    undecided,
)
from perfgate.verdict.conclude import conclude
from perfgate.verdict.hierarchy import hierarchy_of
from perfgate.verdict.metrics import failure_of
from perfgate.verdict.past import with_past
from perfgate.verdict.permission import Permissions, Permitted, permit
from perfgate.verdict.plain import PlainFigures
from perfgate.verdict.rates import rate_told
from perfgate.verdict.sharing import share_told
from perfgate.verdict.wording import count
from perfgate.verdict.work import scored

NO_BASE = "there is no base to measure, so the baseline decides"


def decide(
    record: Record,
    *,
    baselines: Mapping[str, StoredJobs] | None = None,
    plain: Mapping[str, PlainFigures] | None = None,
    permissions: Permissions | None = None,
) -> Decision:
    """Judge every case of a record; ``baselines`` are the stored jobs of this hardware key by case.

    ``plain`` are figures without launches behind them, for cases that stored jobs do not decide;
    strategies other than ``baseline`` never look at them. ``permissions`` to be slower come last.

    The differences of equal sides that the pairs are judged with are part of the record.
    """
    known = Evidences(
        record=record,
        hierarchy=hierarchy_of(record),
        baselines=baselines or {},
        plain=(plain or {}) if record.policy.strategy == "baseline" else {},
        permitted=permissions.metrics(record.fingerprint.hardware_key) if permissions else {},
    )
    permitted = [_permitted(case, known, permissions) for case in record.cases]
    cases = tuple(
        scored(case, with_past(one.case, known.baselines.get(case.id), case.workload_hash))
        for case, one in zip(record.cases, permitted, strict=True)
    )
    outcome = conclude(cases, record.policy)
    return Decision(
        perfgate=record.perfgate,
        suite=record.suite,
        conclusion=outcome.conclusion,
        verdict=outcome.verdict,
        exit_code=int(outcome.exit_code),
        strategy=record.policy.strategy,
        hardware_key=record.fingerprint.hardware_key,
        base=record.base,
        head=record.head,
        counts=counts_of(cases),
        cost=cost_of(record.cases),
        cases=cases,
        notes=(*record.notes, *_notes(known), *(note for one in permitted for note in one.notes)),
        told={**record.fingerprint.must_match, **record.fingerprint.told},
        interrupted=record.interrupted,
    )


def counts_of(cases: Sequence[CaseDecision]) -> dict[str, int]:
    """How many cases carry each word that occurs, and how many there are."""
    found = [case.verdict for case in cases]
    return {str(word): found.count(word) for word in Verdict if word in found}


def cost_of(cases: Sequence[CaseRecord]) -> Cost:
    """Launches, and minutes times the devices that each of them occupied."""
    minutes = sum(
        launch.duration_s / 60.0 * _devices(case) for case in cases for launch in case.launches
    )
    return Cost(launches=sum(len(case.launches) for case in cases), device_minutes=minutes)


def _devices(case: CaseRecord) -> int:
    devices = case.workload.get("devices", 1)
    return devices if isinstance(devices, int) and devices > 0 else 1


def _decide_case(case: CaseRecord, known: Evidences) -> CaseDecision:
    unjudged = _unjudged(case, known.record.policy.strategy)
    if unjudged is not None:
        return unjudged
    strategy = known.record.policy.strategy
    paired = any(launch.side == "base" and launch.pair is not None for launch in case.launches)
    if strategy == "paired" or (strategy == "auto" and paired):
        return by_pairs(case, known)
    broken = [launch for launch in case.launches if failure_of(launch) is not None]
    if broken:
        return failed(case, broken[0])
    if strategy == "baseline" or known.record.base is None:
        return by_stored(case, known)
    return by_screen(case, known) or undecided(case, known.record)


def _unjudged(case: CaseRecord, strategy: str) -> CaseDecision | None:
    """What is said of a case that no rule may judge; None for any other."""
    if case.refused:
        return refused(case, case.refused)
    if case.origin is Origin.JUDGED:
        alone = strategy == "baseline" and case.resident
        return incomparable(case, PAIRS_ALONE) if alone else None
    broken = [launch for launch in case.launches if failure_of(launch) is not None]
    if broken:
        return failed(case, broken[0])
    return new(case) if case.origin is Origin.NEW else incomparable(case, WORKLOAD_CHANGED)


def _permitted(case: CaseRecord, known: Evidences, permissions: Permissions | None) -> Permitted:
    """The case's decision, with the permissions applied where there are some."""
    decided = _decide_case(case, known)
    if permissions is None:
        return Permitted(case=decided)
    found = permit(
        decided,
        permissions,
        hardware=known.record.fingerprint.hardware_key,
        policy=known.record.policy,
    )
    broken = next((one for one in case.launches if failure_of(one) is not None), None)
    if found.case.verdict is Verdict.ACCEPTED and broken is not None:
        # A slowdown would have been told before the failure; a permitted one hides none.
        return Permitted(case=failed(case, broken, metrics=found.case.metrics), notes=found.notes)
    return found


PAIRS_ALONE = "its servers stay resident, and turns of servers are compared in pairs alone"
WORKLOAD_CHANGED = "the workload changed: its times are not those of the same work"


def _notes(known: Evidences) -> list[str]:
    record = known.record
    notes = [NO_BASE] if record.policy.strategy == "auto" and record.base is None else []
    notes += [
        f"{case.id}: {rate_told(case.equal_gates)}"
        for case in record.cases
        if case.equal_gates is not None and case.launches and not case.refused
    ]
    if record.share is not None:
        notes.append(share_told(record.share, record.policy.false_block))
    if record.continued:
        notes.append(f"continued {count(record.continued, 'time')} from its record")
    return notes
