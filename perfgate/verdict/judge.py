"""Judges one case from its pairs, live or replayed: pairs in, state and verdicts out; no effect."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from perfgate.records import GatePolicy, Launch
from perfgate.verdict.attribution import Attribution, attribute
from perfgate.verdict.hierarchy import Hierarchy
from perfgate.verdict.metrics import (
    END_TO_END,
    PEAK_MEMORY,
    MetricPlan,
    failure_of,
    launch_metrics,
    medians_of,
    ordered_names,
)
from perfgate.verdict.output import OutputCheck, check_outputs
from perfgate.verdict.sequential import Evidence, SequentialGate, add_pairs, evidence_of

CaseState: TypeAlias = Literal["continue", "passed", "regressed", "inconclusive", "failed"]

DOUBT = 3.0
"""A case does not pass while a judged stage has this much evidence against it."""
PAIRS_TO_NAME_A_STAGE = 3
MEMORY_RATIO, MEMORY_MIB = 0.01, 128.0
SCREEN_SHARE_OF_MISS = 0.2
"""What the pass-only screen of ``auto`` has already spent of the miss rate."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What can be told while a case is being measured; ``ratio`` is end-to-end head/base."""

    pairs: int
    ratio: float
    more_pairs: int | None


class CaseJudge:
    """Takes the pairs of one case and says after each whether to go on.

    ``history`` are stored end-to-end differences of equal sides; ``allow`` is the case's own;
    ``screened`` says that the screen of ``auto`` looked at this case and did not pass it;
    ``permitted`` are the metrics that may be slower, which leaves the others to be decided.
    """

    def __init__(
        self,
        *,
        case_id: str,
        policy: GatePolicy,
        hierarchy: Hierarchy,
        history: Sequence[float] = (),
        allow: Mapping[str, str] | None = None,
        screened: bool = False,
        permitted: Collection[str] = (),
    ) -> None:
        self.case_id = case_id
        self.hierarchy = hierarchy
        self.state: CaseState = "continue"
        self.failure: Launch | None = None
        self.output = OutputCheck(state="not checked")
        self.pairs: list[tuple[Launch, Launch]] = []
        self._policy = policy
        self._history = history
        self._allow = dict(allow or {})
        self._screened = screened
        self._permitted = frozenset(permitted)
        self._values: list[tuple[dict[str, float], dict[str, float]]] = []
        self._gates: dict[str, SequentialGate] = {}
        self._accused: set[str] = set()
        self._blocked_at: int | None = None
        self._known_evidence: dict[str, Evidence] = {}
        self._known_medians: tuple[dict[str, float], dict[str, float]] | None = None

    def observe(self, base: Launch, head: Launch) -> CaseState:
        """Take in the launches of one pair; the new state is also in :attr:`state`."""
        self.pairs.append((base, head))
        broken = next((launch for launch in (base, head) if failure_of(launch) is not None), None)
        self.failure = self.failure or broken
        if broken is None:
            self._measure(launch_metrics(base), launch_metrics(head))
            self._accuse()
        self.output = self._check_output()
        self.state = self._next_state()
        return self.state

    @property
    def so_far(self) -> Progress | None:
        """End-to-end so far, for a line of progress; None before the first pair."""
        gate = self._gates.get(END_TO_END)
        if gate is None or not gate.pairs:
            return None
        evidence = gate.evidence()
        return Progress(pairs=gate.pairs, ratio=evidence.ratio, more_pairs=evidence.more_pairs)

    @property
    def more_pairs(self) -> int | None:
        """Pairs that end-to-end is still expected to need; None where that cannot be foretold."""
        gate = self._gates.get(END_TO_END)
        return None if gate is None else gate.more_pairs_needed()

    @property
    def names(self) -> list[str]:
        """Every metric that either side had, in the order of the table."""
        return ordered_names(side for values in self._values for side in values)

    @property
    def accused(self) -> frozenset[str]:
        """The metrics that are regressed."""
        return frozenset(self._accused)

    @property
    def end_to_end_is_blocked(self) -> bool:
        """Whether this case's part of the primary rate has passed down to its stages."""
        return self._blocked_at is not None

    def plan(self, name: str) -> MetricPlan:
        """How the metric is treated; one that no burn-in had was not counted and cannot block."""
        planned = self.hierarchy.plans.get(self.case_id, {}).get(name)
        if planned is not None:
            return planned
        seen = [side for values in self._values for side in values if name in side]
        made_up = self.hierarchy.plan_of(
            name,
            value=max(side[name] for side in seen),
            total=max(side[END_TO_END] for side in seen),
        )
        if made_up.kind != "secondary" or not all(name in side for side in self.medians()):
            return made_up
        return replace(made_up, kind="shown", why_not_judged="the burn-in launch did not have it")

    def gate(self, name: str) -> SequentialGate | None:
        """The metric's own test, None for memory and for what was never measured in a pair."""
        return self._gates.get(name)

    def evidence(self, name: str) -> Evidence | None:
        """What is told of a metric's pairs, drawn for all metrics at once; None without a pair."""
        if not self._known_evidence:
            drawn = evidence_of(list(self._gates.values()))
            self._known_evidence = dict(zip(self._gates, drawn, strict=True))
        return self._known_evidence.get(name)

    def medians(self) -> tuple[dict[str, float], dict[str, float]]:
        """Every metric's median over the launches of base, and of head."""
        if self._known_medians is None:
            base, head = zip(*self._values, strict=True) if self._values else ((), ())
            self._known_medians = medians_of(base), medians_of(head)
        return self._known_medians

    def attribution(self) -> Attribution:
        return attribute(*self.medians())

    def _measure(self, base: dict[str, float], head: dict[str, float]) -> None:
        self._values.append((base, head))
        self._known_medians = None
        self._known_evidence = {}
        both = [name for name in base if name in head and name != PEAK_MEMORY]
        for name in both:
            if name not in self._gates:
                self._gates[name] = self._new_gate(self.plan(name))
        add_pairs([self._gates[name] for name in both], [(base[name], head[name]) for name in both])

    def _new_gate(self, plan: MetricPlan) -> SequentialGate:
        rule = self.hierarchy.rule(plan)
        if self._screened:
            rule = replace(rule, miss=rule.miss * (1.0 - SCREEN_SHARE_OF_MISS))
        return SequentialGate(rule, self._history if plan.kind == "primary" else ())

    def _accuse(self) -> None:
        """Add what the evidence accuses now; an accusation once made stands."""
        if self._gates[END_TO_END].blocks() and self._blocked_at is None:
            self._blocked_at = len(self.pairs)
            self._accused.add(END_TO_END)
        level = self.hierarchy.secondary_level
        if self._blocked_at is not None:
            level = self.hierarchy.level_after_block(self.case_id)
        self._accused.update(
            name for name, gate in self._secondaries() if gate.blocks(block_at=1.0 / level)
        )
        # Memory hardly varies between launches: no test, but two launches of each side.
        if len(self._values) >= 2 and self._memory_grew():
            self._accused.add(PEAK_MEMORY)
        else:
            self._accused.discard(PEAK_MEMORY)

    def _memory_grew(self) -> bool:
        planned = self.hierarchy.plans.get(self.case_id, {}).get(PEAK_MEMORY)
        if planned is not None and planned.kind != "memory":
            return False
        base, head = (
            [{PEAK_MEMORY: one[PEAK_MEMORY]} for one in side if PEAK_MEMORY in one]
            for side in zip(*self._values, strict=True)
        )
        if not (base and head) or self.plan(PEAK_MEMORY).kind != "memory":
            return False
        return memory_grew(medians_of(base), medians_of(head))

    def _secondaries(self) -> list[tuple[str, SequentialGate]]:
        planned = self.hierarchy.plans.get(self.case_id, {})
        return [
            (name, gate)
            for name, gate in self._gates.items()
            if name in planned and planned[name].kind == "secondary"
        ]

    def _check_output(self) -> OutputCheck:
        burn_in = self.hierarchy.burn_ins.get(self.case_id)
        return check_outputs(
            [base for base, _ in self.pairs],
            [head for _, head in self.pairs],
            burn_in=burn_in if burn_in is not None and burn_in.pair is None else None,
            allow=self._allow,
        )

    def _next_state(self) -> CaseState:
        if self.output.state == "changed" or (self.failure is not None and not self._accused):
            return "failed"
        last = self.failure is not None or len(self.pairs) >= self._policy.max_pairs
        if self._accused - {PEAK_MEMORY}:
            leaves_open = self._leaves_others_open()
            if not last and (leaves_open or self._wants_to_name_a_stage()):
                return "continue"
            return "inconclusive" if leaves_open else "regressed"
        if not last and not self._clean():
            return "continue"
        if self._accused:
            return "regressed"
        return "passed" if self._clean() else "inconclusive"

    @property
    def accuses_only_the_permitted(self) -> bool:
        """Whether something is slower, and nothing that may not be."""
        return bool(self._accused) and self._accused <= self._permitted

    def _leaves_others_open(self) -> bool:
        """Whether a permitted slowdown is seen, and not yet what else there is to decide."""
        if not self.accuses_only_the_permitted:
            return False
        whole = END_TO_END in self._accused or self._gates[END_TO_END].passes()
        return not whole or bool(self.doubtful())

    def _clean(self) -> bool:
        return self._gates[END_TO_END].passes() and not self.doubtful()

    def doubtful(self) -> list[str]:
        """Judged stages with too much evidence against them to pass, too little to block."""
        return [
            name
            for name, gate in self._secondaries()
            if gate.e_block >= DOUBT and name not in self._accused
        ]

    def _wants_to_name_a_stage(self) -> bool:
        """Whether a few more pairs may name the stage that made a blocked end-to-end slower."""
        if self._blocked_at is None:
            return False
        if len(self.pairs) >= self._blocked_at + PAIRS_TO_NAME_A_STAGE:
            return False
        culprit = self.attribution().culprit
        if culprit is None or culprit in self._accused:
            return False
        # Evidence below 1 speaks against a slowdown of the stage's margin: pairs will not name it.
        return any(name == culprit and gate.e_block > 1.0 for name, gate in self._secondaries())


def memory_grew(base: Mapping[str, float], head: Mapping[str, float]) -> bool:
    """Whether the median peak rose by more than 1 % and by more than 128 MiB."""
    if PEAK_MEMORY not in base or PEAK_MEMORY not in head:
        return False
    rise = head[PEAK_MEMORY] - base[PEAK_MEMORY]
    return rise > MEMORY_MIB and rise > MEMORY_RATIO * base[PEAK_MEMORY]
