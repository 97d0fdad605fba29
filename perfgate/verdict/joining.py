"""Joins the decisions about the parts of one suite: one word, one list of cases, no new number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perfgate.records import (
    CaseDecision,
    Cost,
    Decision,
    FleetPlan,
    GatePolicy,
    Part,
    Share,
    Split,
    Verdict,
)
from perfgate.verdict.conclude import conclude
from perfgate.verdict.decide import counts_of
from perfgate.verdict.sharing import share_told

SEVERAL = "several"
"""Stands for the hardware key of a decision with cases of more than one."""


@dataclass(frozen=True, kw_only=True)
class Decided:
    """The decision about one part."""

    share: Share
    decision: Decision
    policy: GatePolicy


def join(
    plan: FleetPlan,
    decided: Sequence[Decided],
    *,
    policy: GatePolicy,
    lost: Mapping[str, str],
    notes: Sequence[str] = (),
) -> Decision:
    """One decision about every case of the plan, by ``policy``, the whole suite's.

    A case that no part decided is missing: ``lost`` says why for each shard that did not come.
    The figures are those of the parts; ``notes`` come before theirs.
    """
    keys = sorted({one.decision.hardware_key for one in decided})
    found = {
        case.id: _placed(case, one.decision, several=len(keys) > 1)
        for one in decided
        for case in one.decision.cases
    }
    gone = {
        case: lost.get(shard.name, f"the record of shard {shard.name} does not have it")
        for shard in plan.shards
        for case in shard.cases
    }
    cases = tuple(found.get(one.id) or _missing(one.id, gone[one.id]) for one in plan.cases)
    outcome = conclude(cases, policy)
    parts = tuple(map(_part, decided))
    return Decision(
        perfgate=plan.perfgate,
        suite=plan.suite,
        conclusion=outcome.conclusion,
        verdict=outcome.verdict,
        exit_code=int(outcome.exit_code),
        strategy=plan.strategy,
        hardware_key=keys[0] if len(keys) == 1 else SEVERAL if keys else "unknown",
        base=plan.base,
        head=plan.head,
        counts=counts_of(cases),
        cost=Cost(
            launches=sum(part.cost.launches for part in parts),
            device_minutes=sum(part.cost.device_minutes for part in parts),
        ),
        cases=cases,
        notes=tuple(dict.fromkeys((*notes, *_told_once(decided)))),
        told=_alike([one.decision.told for one in decided]),
        interrupted=next((x for one in decided if (x := one.decision.interrupted)), None),
        split=Split(
            plan=plan.digest,
            shards=len(plan.shards),
            judged=len(plan.judged),
            false_block=plan.false_block,
            parts=parts,
        ),
    )


def _placed(case: CaseDecision, decision: Decision, *, several: bool) -> CaseDecision:
    """The case with the machine that it was measured on, where that is not every case's."""
    if not several:
        return case
    return case.model_copy(update={"hardware_key": decision.hardware_key})


def _missing(case_id: str, why: str) -> CaseDecision:
    return CaseDecision(id=case_id, verdict=Verdict.MISSING, detail=why, sentence=why)


def _part(one: Decided) -> Part:
    return Part(
        shard=one.share.shard,
        hardware_key=one.decision.hardware_key,
        judged=one.share.judged,
        cases=len(one.decision.cases),
        cost=one.decision.cost,
    )


def _told_once(decided: Sequence[Decided]) -> list[str]:
    """What the parts note, each sentence once; which part each was is told otherwise."""
    own = {share_told(one.share, one.policy.false_block) for one in decided}
    notes = dict.fromkeys(note for one in decided for note in one.decision.notes)
    return [note for note in notes if note not in own]


def _alike(told: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The facts in which all machines agree."""
    if not told:
        return {}
    first, *others = told
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }
