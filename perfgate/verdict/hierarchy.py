"""Splits the suite's one false-block rate over all metrics before a pair is seen; judges nothing.

End-to-end of each of C cases is primary and shares 80 % of the rate (Bonferroni); the S judged
stage, step and load metrics of the whole suite share the rest. Once a case's end-to-end is
blocked, its part of the primary rate has been won and passes down to that case's own S_case
secondary metrics: serial gatekeeping (Westfall and Krishen, "Optimally weighted, fixed sequence
and gatekeeper multiple testing procedures", 2001, doi:10.1016/S0378-3758(01)00077-5; in general
Goeman and Solari, "The sequential rejection principle", 2010, doi:10.1214/10-AOS829).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from perfgate.records import CaseRecord, Fingerprint, GatePolicy, Launch, Origin, Record
from perfgate.verdict.conditions import burn_in_of
from perfgate.verdict.metrics import MetricPlan, plan_metric, plan_metrics
from perfgate.verdict.sequential import Policy

PRIMARY_SHARE = 0.8
SECONDARY_SHARE = 0.2


@dataclass(frozen=True, kw_only=True)
class Hierarchy:
    """How many metrics share the false-block rate, and which these are for each case."""

    policy: GatePolicy
    on_device: bool
    plans: Mapping[str, Mapping[str, MetricPlan]]
    burn_ins: Mapping[str, Launch] = field(default_factory=dict)

    @property
    def primaries(self) -> int:
        return max(len(self.plans), 1)

    @cached_property
    def secondaries(self) -> int:
        return max(sum(self.secondaries_of(case_id) for case_id in self.plans), 1)

    def secondaries_of(self, case_id: str) -> int:
        return sum(plan.kind == "secondary" for plan in self.plans.get(case_id, {}).values())

    @property
    def primary_level(self) -> float:
        return PRIMARY_SHARE * self.policy.false_block / self.primaries

    @property
    def secondary_level(self) -> float:
        return SECONDARY_SHARE * self.policy.false_block / self.secondaries

    def level_after_block(self, case_id: str) -> float:
        """The level of a case's secondary metrics once its end-to-end is blocked."""
        passed_down = self.primary_level / max(self.secondaries_of(case_id), 1)
        return max(self.secondary_level, passed_down)

    def rule(self, plan: MetricPlan) -> Policy:
        """The sequential rule of one metric."""
        primary = plan.kind == "primary"
        return Policy(
            margin=plan.margin,
            false_block=self.primary_level if primary else self.secondary_level,
            miss=self.policy.miss,
            min_pairs=min(2, self.policy.max_pairs),
            max_pairs=self.policy.max_pairs,
        )

    def plan_of(self, name: str, *, value: float, total: float) -> MetricPlan:
        """The plan that a metric of this size would have had in a burn-in."""
        return plan_metric(
            name,
            value=value,
            total=total,
            margin=self.policy.margin,
            stage_margin=self.policy.stage_margin,
            stage_floor_ms=self.policy.stage_floor_ms,
            on_device=self.on_device,
        )


def plan_hierarchy(
    *, policy: GatePolicy, burn_ins: Mapping[str, Launch], on_device: bool
) -> Hierarchy:
    """Count the metrics of the judged cases from their burn-in launches.

    Give every case that is to be judged, also one whose burn-in failed, and none that is new.
    """
    return Hierarchy(
        policy=policy,
        on_device=on_device,
        plans={
            case_id: plan_metrics(
                [launch],
                margin=policy.margin,
                stage_margin=policy.stage_margin,
                stage_floor_ms=policy.stage_floor_ms,
                on_device=on_device,
            )
            for case_id, launch in burn_ins.items()
        },
        burn_ins=dict(burn_ins),
    )


def hierarchy_of(record: Record) -> Hierarchy:
    """The hierarchy that the job used, found again in its record."""
    burn_ins = {
        case.id: launch
        for case in record.cases
        if case.origin is Origin.JUDGED and (launch := _burn_in(case)) is not None
    }
    return plan_hierarchy(
        policy=record.policy,
        burn_ins=burn_ins,
        on_device=is_device(record.fingerprint),
    )


def _burn_in(case: CaseRecord) -> Launch | None:
    """The discarded launch; a record without one is planned from its first head launch."""
    burn_in = burn_in_of(case.launches)
    if burn_in is not None:
        return burn_in
    heads = [launch for launch in case.launches if launch.side == "head"]
    return next(iter(heads or case.launches), None)


def is_device(fingerprint: Fingerprint) -> bool:
    """Whether the hardware key names a GPU or NPU: only there is memory judged."""
    return not fingerprint.hardware_key.startswith("cpu-")
