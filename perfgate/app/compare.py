"""Decides from files that perfgate wrote; measures nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from perfgate.baselines.native import Baseline, add_job, parse_baseline
from perfgate.errors import ConfigurationError
from perfgate.records import (
    CaseRecord,
    Decision,
    Launch,
    Origin,
    Record,
    Side,
    parse_record,
)
from perfgate.verdict.baseline import StoredJobs
from perfgate.verdict.decide import decide

_ACCEPTED = (
    "Give one paired record.json of a gate, two records of one machine and suite, "
    "or a baseline file and a record."
)


def compare(base: Path, head: Path | None) -> Decision:
    """The decision from one paired record, two records, or a baseline and a record.

    One record is decided again as its job did. Two records of one job become pairs in the order
    of their head launches; those of two jobs, or a baseline and a record, go by the baseline rule.
    Raises ConfigurationError for anything else.
    """
    first = _read(base)
    if head is None:
        return decide(_need_record(first, base))
    second = _need_record(_read(head), head)
    if isinstance(first, Baseline):
        return _against(second, {first.case: first.stored_jobs()}, head)
    if first.job and first.job == second.job:
        return decide(_joined(first, second))
    stored = {case.id: add_job(None, first, case.id).stored_jobs() for case in first.cases}
    return _against(second, stored, head)


def _against(record: Record, stored: Mapping[str, StoredJobs], path: Path) -> Decision:
    cases = tuple(
        case.model_copy(update={"origin": Origin.JUDGED})
        for case in record.cases
        if case.id in stored
    )
    if not cases:
        raise ConfigurationError(
            f"{path} has none of the cases {', '.join(sorted(stored))}", fix=_ACCEPTED
        )
    policy = record.policy.model_copy(update={"strategy": "baseline"})
    return decide(record.model_copy(update={"policy": policy, "cases": cases}), baselines=stored)


def _read(path: Path) -> Record | Baseline:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", fix=_ACCEPTED) from error
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is not JSON: {error}", fix=_ACCEPTED) from error
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema == "perfgate.baseline":
        return parse_baseline(text, source=str(path))
    if schema == "perfgate.record":
        return parse_record(text, source=str(path))
    raise ConfigurationError(f"{path} is neither a record nor a baseline", fix=_ACCEPTED)


def _need_record(document: Record | Baseline, path: Path) -> Record:
    if isinstance(document, Baseline):
        raise ConfigurationError(f"{path} is a baseline where a record must be", fix=_ACCEPTED)
    return document


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
