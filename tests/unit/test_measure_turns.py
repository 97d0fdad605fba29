"""Whose pair the measuring loop launches next. No process runs here."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from perfgate.app.measuring.turns import Open, next_case
from perfgate.records import (
    GatePolicy,
    Side,
    Verdict,
)
from perfgate.verdict.decide import decide
from perfgate.verdict.hierarchy import plan_hierarchy
from perfgate.verdict.judge import CaseJudge
from tests.measuring import (
    Bench,
    a_case,
    measured,
    recorded,
)


class TestTurns:
    """Whose pair is next, and what that is worth when there is too little time for all."""

    SUITE = tuple(a_case(name) for name in ("video", "wan", "flux", "qwen"))
    NOISE: Mapping[str, float] = {"video": 0.02, "wan": 0.01, "flux": 0.01, "qwen": 0.01}
    SECONDS: Mapping[str, float] = {"video": 40.0, "wan": 10.0, "flux": 10.0, "qwen": 10.0}

    def bench(self, seed: int) -> Bench:
        return Bench(noise=self.NOISE, duration_s=self.SECONDS, seed=seed)

    def in_plain_turns(self, bench: Bench, *, budget_s: float) -> int:
        """How many cases are decided when each open one gets a pair in its turn."""
        burn_ins = {
            one.case.id: bench(one.case.id, Side.HEAD, pair=None, order=0, timeout_s=99)
            for one in self.SUITE
        }
        left = budget_s - sum(launch.duration_s for launch in burn_ins.values())
        hierarchy = plan_hierarchy(policy=GatePolicy(), burn_ins=burn_ins, on_device=False)
        judges = [
            CaseJudge(case_id=one.case.id, policy=GatePolicy(), hierarchy=hierarchy)
            for one in self.SUITE
        ]
        for pair in range(12):
            for judge in judges:
                pair_s = 2 * self.SECONDS[judge.case_id]
                if judge.state != "continue" or left < pair_s:
                    continue
                left -= pair_s
                both = (
                    bench(judge.case_id, side, pair=pair, order=0, timeout_s=99) for side in Side
                )
                judge.observe(*both)
        return sum(judge.state in ("passed", "regressed") for judge in judges)

    def decided(self, seed: int, *, budget_s: float) -> int:
        result = measured(self.bench(seed), *self.SUITE, budget_min=budget_s / 60, finish=True)
        return sum(case.verdict is Verdict.PASSED for case in decide(recorded(result)).cases)

    @pytest.mark.parametrize("budget_s", [455, 605, 705])
    def test_a_tight_budget_decides_more_cases_than_plain_turns(self, budget_s: float) -> None:
        seeds = range(20)
        ours = [self.decided(seed, budget_s=budget_s) for seed in seeds]
        turns = [self.in_plain_turns(self.bench(seed), budget_s=budget_s) for seed in seeds]
        assert sum(ours) > sum(turns)

    def test_every_case_gets_its_fewest_pairs_the_shortest_launches_first(self) -> None:
        bench = self.bench(1)
        measured(bench, *self.SUITE, budget_min=60)
        pairs = [call for call in bench.calls if "base" in call]
        turn = ["wan", "flux", "qwen", "video"]
        assert pairs[:12] == [f"{case} base {pair}" for pair in range(3) for case in turn]

    def test_then_comes_what_is_decided_with_the_fewest_device_seconds(self) -> None:
        waiting = [
            Open(case_id="many", pairs=3, pairs_left=9, more_pairs=6, pair_s=10),
            Open(case_id="long", pairs=3, pairs_left=9, more_pairs=2, pair_s=40),
            Open(case_id="soon", pairs=9, pairs_left=3, more_pairs=3, pair_s=10),
            Open(case_id="never", pairs=4, pairs_left=8, more_pairs=None, pair_s=1),
            Open(case_id="too many", pairs=4, pairs_left=1, more_pairs=9, pair_s=1),
        ]
        order = []
        while waiting:
            order.append(next_case(waiting))
            waiting = [one for one in waiting if one.case_id != order[-1]]
        assert order == ["soon", "many", "long", "too many", "never"]

    def test_before_all_comes_the_case_whose_servers_are_loaded(self) -> None:
        new = Open(case_id="new", pairs=0, pairs_left=12, more_pairs=None, pair_s=1)
        loaded = Open(case_id="loaded", pairs=9, pairs_left=3, more_pairs=9, pair_s=99, stays=True)
        assert next_case([new, loaded]) == "loaded"
