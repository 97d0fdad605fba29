"""Decides a record of another job again, by the base's rules alone. Pure: values in, values out.

Of the record only what was measured counts: the launches, the machine they ran on, and which cases
are new. Policy, permissions, calibration and what a case computes are the base's own, and a case of
the base that the record lacks is missing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from perfgate.app.known import KnownNoise
from perfgate.errors import ConfigurationError
from perfgate.github.problems import short
from perfgate.records import (
    CASE_ID,
    Accuracy,
    CaseDecision,
    CaseRecord,
    Decision,
    Launch,
    Origin,
    Record,
    Tree,
    Verdict,
)
from perfgate.suite import Case, Suite
from perfgate.verdict.baseline import StoredJobs
from perfgate.verdict.conclude import conclude
from perfgate.verdict.decide import counts_of, decide
from perfgate.verdict.permission import Permissions
from perfgate.verdict.plain import PlainFigures

MAX_CASES = 1_000
MAX_LAUNCHES = 2_000
"""Of one case: pairs are limited by the suite, but a job may be continued."""
_MAX_NUMBER = 1_000_000
_CASE_ID = re.compile(CASE_ID)
_HASH = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the base says: its suite, and what it keeps for the record's machine.

    ``expected`` are the cases of the suite that this change is measured for; ``may_change`` says
    that the change touches the suite file, so that a case may compute something else by now.
    """

    suite: Suite
    base: Tree
    head: Tree
    expected: Collection[str]
    may_change: bool
    permissions: Permissions
    noise: KnownNoise = field(default_factory=KnownNoise)
    stored: Mapping[str, StoredJobs] = field(default_factory=dict)
    plain: Mapping[str, PlainFigures] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def decide_again(
    record: Record, rules: Rules, *, measured_by_fork: bool
) -> tuple[Decision, Record]:
    """The decision of ``rules`` about what ``record`` measured, and the record as they see it.

    Raises ConfigurationError for a record that contradicts the base, or whose numbers are none that
    a launch can have.
    """
    judged = by_the_base(record, rules)
    try:
        decision = decide(
            judged, baselines=rules.stored, plain=rules.plain, permissions=rules.permissions
        )
    except (ArithmeticError, ValueError) as error:
        raise _refused(f"its numbers cannot be judged ({type(error).__name__})") from error
    cases = (*decision.cases, *_missing(judged, rules))
    outcome = conclude(cases, judged.policy)
    decision = decision.model_copy(
        update={
            "cases": cases,
            "counts": counts_of(cases),
            "verdict": outcome.verdict,
            "conclusion": outcome.conclusion,
            "exit_code": int(outcome.exit_code),
            "measured_by_fork": measured_by_fork,
        }
    )
    return decision, judged


def by_the_base(record: Record, rules: Rules) -> Record:
    """The record with everything that is not measured taken from the base."""
    refuse_impossible(record)
    known = {case.id: case for case in rules.suite.cases}
    cases = [
        _judged(case, known[case.id], rules) if case.id in known else _new(case)
        for case in record.cases
    ]
    policy = rules.suite.gate.policy()
    notes = [*rules.notes, *rules.noise.notes]
    if record.policy != policy:
        notes.append("the job measured by another policy than the base's, which is the one used")
    return record.model_copy(
        update={
            "suite": rules.suite.name,
            "policy": policy,
            "base": rules.base,
            "head": rules.head,
            "cases": tuple(case for case in cases if _says_something(case)),
            "notes": tuple(notes),
            "share": None,  # the whole policy is what it is judged by
        }
    )


def joined(records: Sequence[Record]) -> Record | None:
    """One record of several with different cases of one comparison and machine; else None."""
    first = records[0]
    ids = [case.id for one in records for case in one.cases]
    alike = all(_comparison(one) == _comparison(first) for one in records)
    if len(set(ids)) != len(ids) or not alike:
        return None
    return first.model_copy(
        update={
            "cases": tuple(case for one in records for case in one.cases),
            "interrupted": next((one.interrupted for one in records if one.interrupted), None),
        }
    )


def _comparison(record: Record) -> tuple[object, ...]:
    """What was compared, and where."""
    base = record.base.commit if record.base is not None else None
    machine = record.fingerprint
    return base, record.head.commit, machine.hardware_key, machine.must_match


def _judged(found: CaseRecord, case: Case, rules: Rules) -> CaseRecord:
    """A case of the base's suite, as that has it; only launches are the record's."""
    if found.workload_hash != case.workload_hash():
        raise _refused(
            f"its case {case.id} computes something else than the base's suite says; the base may "
            "have moved since"
        )
    changed = found.origin is Origin.WORKLOAD_CHANGED and rules.may_change
    return CaseRecord(
        id=case.id,
        workload_hash=case.workload_hash(),
        workload=case.workload(),
        origin=Origin.WORKLOAD_CHANGED if changed else Origin.JUDGED,
        allow=case.allow.reasons(),
        launches=found.launches,
        history=rules.noise.histories.get(case.id, ()),
        accuracy=accuracy_of(found, case),
        stopped=found.stopped,
        equal_gates=rules.noise.equal_gates.get(case.id),
        refused=rules.noise.refused.get(case.id),
    )


def accuracy_of(found: CaseRecord, case: Case) -> Accuracy | None:
    """The record's score beside the base's minimum; a score that was left out is told as such."""
    if case.accuracy is None or not found.launches:
        return None
    told = found.accuracy
    return Accuracy(
        score=told.score if told is not None else None,
        minimum=case.accuracy.minimum,
        failure=told.failure if told is not None else "the record holds no score",
    )


def _says_something(case: CaseRecord) -> bool:
    """Whether there is anything to judge or to tell; a name alone does not make a case measured."""
    return bool(case.launches or case.refused) or case.origin is Origin.WORKLOAD_CHANGED


def _new(found: CaseRecord) -> CaseRecord:
    """A case that the base does not know: told, never judged."""
    return CaseRecord(
        id=found.id,
        workload_hash=found.workload_hash,
        origin=Origin.NEW,
        launches=found.launches,
        stopped=found.stopped,
    )


def _missing(judged: Record, rules: Rules) -> tuple[CaseDecision, ...]:
    """The expected cases of which the record holds nothing."""
    held = {case.id for case in judged.cases}
    why = "not measured: the base's suite has this case, and the record has no launch of it"
    return tuple(
        CaseDecision(id=case.id, verdict=Verdict.MISSING, detail=why, sentence=why)
        for case in rules.suite.cases
        if case.id in rules.expected and case.id not in held
    )


def refuse_impossible(record: Record) -> None:
    """Raise ConfigurationError for what no job of ours would have left."""
    if len(record.cases) > MAX_CASES:
        raise _refused(f"it has more than {MAX_CASES} cases")
    ids = [case.id for case in record.cases]
    if len(set(ids)) != len(ids):
        raise _refused("it has a case twice")
    for case in record.cases:
        if not _CASE_ID.fullmatch(case.id) or not _HASH.fullmatch(case.workload_hash):
            raise _refused(f"{short(case.id)!r} is no case of a suite")
        if len(case.launches) > MAX_LAUNCHES:
            raise _refused(f"its case {case.id} has more than {MAX_LAUNCHES} launches")
        if not all(map(_is_numbered, case.launches)):
            raise _refused(f"its case {case.id} numbers its launches as no job does")


def _is_numbered(launch: Launch) -> bool:
    numbers = (launch.order, launch.pair or 0, launch.server or 0)
    return all(0 <= number <= _MAX_NUMBER for number in numbers)


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the record is refused: {why}",
        fix="Measure again on the newest base, with the workflow that perfgate's "
        "docs/forks.md shows.",
    )
