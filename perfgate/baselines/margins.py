"""Which metrics of an entry are judged, and by how much they may move: a gate's own plan; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perfgate.baselines.change import beyond
from perfgate.records import GatePolicy
from perfgate.verdict.judge import MEMORY_RATIO
from perfgate.verdict.metrics import END_TO_END, PEAK_MEMORY, MetricPlan, Unit, plan_metric


@dataclass(frozen=True, kw_only=True)
class Margins:
    """The plan of a gate with this policy, on a device or on a CPU."""

    policy: GatePolicy
    on_device: bool

    @classmethod
    def of_machine(cls, hardware_key: str, policy: GatePolicy) -> Margins:
        """Those on the machines of a hardware key."""
        return cls(policy=policy, on_device=not hardware_key.startswith("cpu-"))

    def of(self, name: str, values: Mapping[str, float]) -> float | None:
        """The margin of a metric of an entry with these figures; None for one only shown."""
        plan = self._plan(name, values)
        if not plan.judged:
            return None
        return MEMORY_RATIO if name == PEAK_MEMORY else plan.margin

    def unit(self, name: str) -> Unit:
        return "MiB" if name == PEAK_MEMORY else "ms"

    def apart(self, name: str, one: Mapping[str, float], other: Mapping[str, float]) -> bool:
        """Whether the metric differs by more than its margin, whichever of the two is more."""
        margin = self.of(name, one)
        if margin is None:
            return False
        less, more = sorted((one[name], other[name]))
        return beyond(less, more, margin=margin, unit=self.unit(name))

    def _plan(self, name: str, values: Mapping[str, float]) -> MetricPlan:
        return plan_metric(
            name,
            value=values[name],
            total=values.get(END_TO_END, values[name]),
            margin=self.policy.margin,
            stage_margin=self.policy.stage_margin,
            stage_floor_ms=self.policy.stage_floor_ms,
            on_device=self.on_device,
        )
