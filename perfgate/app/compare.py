"""Decides from files: perfgate's records and baselines, sglang's dumps; measures nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from perfgate.app.documents import ACCEPTED, Document, Dump, read_document
from perfgate.app.tolerance import compare_dump, compare_dumps, compare_record
from perfgate.baselines.entry import add_job
from perfgate.baselines.native import Baseline
from perfgate.baselines.sglang import SglangBaseline
from perfgate.errors import ConfigurationError
from perfgate.records import CaseRecord, Decision, Launch, Origin, Record, Side
from perfgate.verdict.baseline import StoredJobs
from perfgate.verdict.decide import decide
from perfgate.verdict.explain import CaseEvidence, evidence_of

_PAIRS = "Give the record.json of a gate that measured pairs, or two records of one job."


def compare(
    base: Path, head: Path | None, *, scenario: str | None = None, profile: str = "pr_test"
) -> Decision:
    """The decision from one or two files.

    One record is decided again as its job did. Two records of one job become pairs in the order
    of their head launches; those of two jobs, or a baseline and a record, go by the baseline rule.
    Two sglang dumps, or a dump or record against an sglang baseline file, go by that format's own
    tolerances: ``scenario`` says which one a dump is of, ``profile`` which tolerances.
    Raises ConfigurationError for anything else, BaselineError for a baseline not to be trusted.
    """
    first = read_document(base)
    if head is None:
        _refuse_scenario(scenario)
        return decide(_need_record(first, base))
    second = read_document(head)
    if isinstance(first, Dump) and isinstance(second, Dump):
        return compare_dumps(first, second, scenario=scenario, profile=profile)
    if isinstance(first, SglangBaseline) and isinstance(second, Dump):
        return compare_dump(first, second, path=base, scenario=scenario, profile=profile)
    measured = _need_record(second, head)
    if isinstance(first, SglangBaseline):
        return compare_record(first, measured, path=base, scenario=scenario, profile=profile)
    _refuse_scenario(scenario)
    if isinstance(first, Baseline):
        return _against(measured, {first.case: first.stored_jobs()}, head)
    return _two_records(_need_record(first, base), measured, head)


def explain(base: Path, head: Path | None, *, most_metrics: int) -> tuple[CaseEvidence, ...]:
    """What each pair of a paired record, or of two records of one job, said.

    Raises ConfigurationError where nothing is decided by pairs.
    """
    record = _need_record(read_document(base), base)
    if head is not None:
        second = _need_record(read_document(head), head)
        if not _one_visit(record, second):
            raise ConfigurationError(
                "these are no records of one job on one machine: nothing is paired", fix=_PAIRS
            )
        record = _joined(record, second)
    found = evidence_of(record, decide(record), most_metrics=most_metrics)
    if not any(case.metrics for case in found):
        raise ConfigurationError(f"no pair was judged in {base}", fix=_PAIRS)
    return found


def _two_records(first: Record, second: Record, path: Path) -> Decision:
    if _one_visit(first, second):
        return decide(_joined(first, second))
    stored = {case.id: add_job(None, first, case.id).stored_jobs() for case in first.cases}
    return _against(second, stored, path)


def _one_visit(first: Record, second: Record) -> bool:
    """Whether the launches of two records may be pairs: of one job, on one machine."""
    one, other = first.fingerprint, second.fingerprint
    same_machine = (one.hardware_key, one.must_match) == (other.hardware_key, other.must_match)
    return bool(first.job) and first.job == second.job and same_machine


def _against(record: Record, stored: Mapping[str, StoredJobs], path: Path) -> Decision:
    cases = tuple(
        case.model_copy(update={"origin": Origin.JUDGED})
        for case in record.cases
        if case.id in stored
    )
    if not cases:
        raise ConfigurationError(
            f"{path} has none of the cases {', '.join(sorted(stored))}", fix=ACCEPTED
        )
    policy = record.policy.model_copy(update={"strategy": "baseline"})
    return decide(record.model_copy(update={"policy": policy, "cases": cases}), baselines=stored)


def _need_record(document: Document, path: Path) -> Record:
    if isinstance(document, Record):
        return document
    kind = {Dump: "an sglang dump", SglangBaseline: "an sglang baseline"}.get(
        type(document), "a baseline"
    )
    raise ConfigurationError(f"{path} is {kind} where a record must be", fix=ACCEPTED)


def _refuse_scenario(scenario: str | None) -> None:
    if scenario is not None:
        raise ConfigurationError(
            "--scenario is for sglang's dumps and baseline files, and none was given", fix=ACCEPTED
        )


def _joined(base: Record, head: Record) -> Record:
    """Two records of one job as one: base's head launches pair with head's, in order."""
    earlier = {case.id: case for case in base.cases}
    cases = tuple(_paired(earlier.get(case.id), case) for case in head.cases)
    lost = sorted(set(earlier) - {case.id for case in head.cases})
    update = {
        "base": base.head,
        "cases": cases,
        "notes": (f"only in the first record: {', '.join(lost)}",) if lost else (),
        "policy": base.policy.model_copy(update={"strategy": "paired"}),
    }
    return head.model_copy(update=update)


def _paired(base: CaseRecord | None, head: CaseRecord) -> CaseRecord:
    if base is None:
        return head.model_copy(update={"origin": Origin.NEW})
    if base.workload_hash != head.workload_hash:
        return head.model_copy(update={"origin": Origin.WORKLOAD_CHANGED})
    launches = [
        *_numbered(base, Side.BASE),
        *_numbered(head, Side.HEAD),
        *(one for one in head.launches if one.pair is None),
    ]
    update = {"launches": tuple(launches), "origin": Origin.JUDGED, "stopped": None}
    return head.model_copy(update=update)


def _numbered(case: CaseRecord, side: Side) -> list[Launch]:
    heads = [one for one in case.launches if one.side is Side.HEAD and one.pair is not None]
    return [one.model_copy(update={"side": side, "pair": index}) for index, one in enumerate(heads)]
