"""Plans and the records of their shards, from the names that a test is about; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perfgate.app.fleet.arrivals import Found
from perfgate.app.fleet.share import shared
from perfgate.records import (
    CaseInPlan,
    CaseRecord,
    FleetPlan,
    GatePolicy,
    Origin,
    Record,
    Shard,
    Tree,
    to_json,
)
from tests.factories import BASE_COMMIT, HEAD_COMMIT, WORKLOAD, a_case_record, a_record

POLICY = GatePolicy(strategy="paired")


def a_plan(
    shards: Mapping[str, Sequence[str]], *, new: Sequence[str] = (), **rest: Any
) -> FleetPlan:
    """A plan whose shards have these cases; those of ``new`` can block nothing."""
    return FleetPlan(
        **{
            "perfgate": "0.1.0",
            "suite": "perfgate",
            "path": "perfgate.yml",
            "base": Tree(commit=BASE_COMMIT, ref="main"),
            "head": Tree(commit=HEAD_COMMIT, ref="feature"),
            "strategy": POLICY.strategy,
            "false_block": POLICY.false_block,
            "budget_s": 60.0 * POLICY.budget_min,
            "cases": tuple(
                CaseInPlan(
                    id=case,
                    workload_hash=WORKLOAD,
                    origin=Origin.NEW if case in new else Origin.JUDGED,
                    launches=9,
                    most_launches=25,
                    timeout_s=60.0,
                )
                for cases in shards.values()
                for case in cases
            ),
            "shards": tuple(
                Shard(name=name, runs_on=("ubuntu-latest",), cases=tuple(cases))
                for name, cases in shards.items()
            ),
            **rest,
        }
    )


def of_shard(
    plan: FleetPlan, name: str, cases: Sequence[CaseRecord] | None = None, **rest: Any
) -> Record:
    """What the job of a shard left; every case unchanged unless ``cases`` are given."""
    shard = plan.shard(name)
    assert shard is not None
    share = plan.share_of(shard)
    if cases is None:
        cases = [a_case_record(case, origin=plan.by_id[case].origin) for case in shard.cases]
    record = a_record(cases, base=plan.base, head=plan.head, **rest)
    return record.model_copy(update={"share": share, "policy": shared(POLICY, share)})


def arrived(record: Record, where: str = "") -> Found:
    """The file with a record."""
    name = record.share.shard if record.share is not None else "elsewhere"
    return Found(where=where or f"{name}/record.json", text=to_json(record), record=record)
