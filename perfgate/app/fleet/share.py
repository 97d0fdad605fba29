"""One shard's part of a comparison: its policy, and the proof that it is the one planned. Pure."""

from __future__ import annotations

from perfgate.app.comparison import Comparison
from perfgate.errors import ConfigurationError
from perfgate.records import FleetPlan, GatePolicy, Shard, Share, Tree

_PLAN_ANEW = "Run `perfgate plan` on the commits that are measured, in the same workflow run."


def shared(policy: GatePolicy, share: Share | None) -> GatePolicy:
    """The policy of a job that measures a part of the suite.

    With c of the C judged cases it may block innocent changes at c/C of the suite's rate: each of
    its cases then has the threshold that it would have in the whole suite, and the parts add up to
    the suite's rate (Bonferroni), for stages and steps as well.
    """
    if share is None:
        return policy
    return policy.model_copy(update={"false_block": policy.false_block * share.fraction})


def find_shard(plan: FleetPlan, name: str) -> Shard:
    """The shard of that name; ConfigurationError tells which there are."""
    found = plan.shard(name)
    if found is None:
        there_are = ", ".join(shard.name for shard in plan.shards[:10])
        more = f" and {len(plan.shards) - 10} more" if len(plan.shards) > 10 else ""
        raise ConfigurationError(
            f"the plan has no shard {name[:60]!r}", fix=f"It has: {there_are}{more}."
        )
    return found


def refuse_another_plan(plan: FleetPlan, found: Comparison) -> None:
    """Raise ConfigurationError unless the plan is of what is compared here.

    The cases of ``found`` may be a part of the plan's.
    """
    selection, policy = found.selection, found.policy
    for what, was, here in (
        ("suite", plan.suite, selection.name),
        ("strategy", plan.strategy, policy.strategy),
        ("false-block rate", plan.false_block, policy.false_block),
    ):
        if was != here:
            raise another(what, f"it was {was}, it is {here} here")
    refuse_another_tree("base", plan.base, found.base)
    refuse_another_tree("head", plan.head, found.head)
    for one in selection.chosen:
        planned = plan.by_id.get(one.case.id)
        if planned is None:
            raise another("suite", f"the plan has no case {one.case.id}")
        if (planned.workload_hash, planned.origin) != (one.case.workload_hash(), one.origin):
            raise another(f"case {one.case.id}", "it computes something else, or came in otherwise")


def refuse_another_tree(side: str, planned: Tree, here: Tree) -> None:
    """Raise ConfigurationError unless both are one commit, with the same files as measured."""
    if planned.commit != here.commit:
        raise another(side, f"it was {planned.commit[:12]}, it is {here.commit[:12]} here")
    if planned.content and here.content and planned.content != here.content:
        raise another(side, "files of the working tree are not those that were planned")


def another(what: str, how: str) -> ConfigurationError:
    """The plan is not of what is here."""
    return ConfigurationError(f"the plan is of another {what}: {how}", fix=_PLAN_ANEW)
