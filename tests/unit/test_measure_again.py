"""The measuring loop with what was measured before. No process runs here."""

from __future__ import annotations

import random
from typing import Any

import pytest

from perfgate.app.measuring.measure import Measured
from perfgate.records import (
    Origin,
    Verdict,
)
from perfgate.verdict.decide import decide
from tests.factories import a_record
from tests.measuring import (
    Bench,
    a_case,
    lost_device,
    measured,
    recorded,
    stopped,
    ten_jobs,
)


class TestGoesOn:
    """A job that goes on from what an earlier part of it measured."""

    def places(self, result: Measured, case: int = 0) -> list[tuple[str, int | None]]:
        return [(str(one.side), one.pair) for one in result.cases[case].launches]

    def test_an_interrupted_case_gets_its_next_pairs(self) -> None:
        bench, wan = Bench(), a_case("wan")
        bench.fails = lost_device(after=4)
        first = measured(bench, wan)
        bench.fails = lambda *_: None
        second = measured(bench, wan, earlier=first)
        assert self.places(second)[:4] == self.places(first)
        assert self.places(second)[3:6] == [("head", 1), ("base", 2), ("head", 2)], (
            "the half of a pair is kept, and its number used up"
        )
        assert len(set(self.places(second))) == len(self.places(second))
        assert [one.order for one in second.cases[0].launches] == list(
            range(len(second.cases[0].launches))
        )
        assert decide(recorded(second)).cases[0].verdict is Verdict.PASSED

    def test_what_is_decided_is_not_launched_again(self) -> None:
        bench = Bench(noise={"wan": 0.003, "flux": 0.2})
        cases = a_case("wan"), a_case("flux")
        first = measured(bench, *cases, budget_min=2.5)
        assert [case.verdict for case in decide(recorded(first)).cases] == [
            Verdict.PASSED,
            Verdict.INCONCLUSIVE,
        ]
        bench.calls.clear()
        second = measured(bench, *cases, earlier=first)
        assert {call.split()[0] for call in bench.calls} == {"flux"}
        assert second.cases[0] == first.cases[0]
        assert not any("burn-in" in call for call in bench.calls)

    def test_a_case_that_used_up_its_pairs_gets_as_many_again(self) -> None:
        bench, wan = Bench(noise=0.3), a_case("wan")
        first = measured(bench, wan)
        second = measured(bench, wan, earlier=first)
        third = measured(bench, wan, earlier=second)
        assert [decide(recorded(one)).cases[0].pairs for one in (first, second, third)] == [
            *(12, 24, 36),
        ]

    def test_the_budget_counts_only_what_is_launched_now(self) -> None:
        bench, wan = Bench(noise=0.3, duration_s=60), a_case("wan")
        first = measured(bench, wan, budget_min=6)
        second = measured(bench, wan, earlier=first, budget_min=6)
        assert (len(first.cases[0].launches), len(second.cases[0].launches)) == (5, 9)
        assert stopped(second) == {"wan": "the budget of device minutes was spent"}

    def test_a_case_whose_burn_in_never_came_starts_now(self) -> None:
        bench, cases = Bench(), (a_case("wan"), a_case("flux"))
        bench.fails = lost_device(after=1)
        first = measured(bench, *cases)
        assert self.places(first, 1) == []
        bench.fails = lambda *_: None
        second = measured(bench, *cases, earlier=first)
        assert self.places(second, 1)[:2] == [("head", None), ("base", 0)]
        assert self.places(second, 0).count(("head", None)) == 1

    def test_what_the_screen_passed_gets_no_pairs(self) -> None:
        bench, wan = Bench(), a_case("wan")
        stored = {"wan": ten_jobs(wan)}
        first = measured(bench, wan, strategy="auto", stored=stored)
        second = measured(bench, wan, strategy="auto", stored=stored, earlier=first)
        assert second == first

    def test_new_cases_get_the_head_launches_that_are_left(self) -> None:
        bench, wan = Bench(), a_case("wan", Origin.NEW)
        bench.fails = lost_device(after=2)
        first = measured(bench, wan)
        bench.fails = lambda *_: None
        second = measured(bench, wan, earlier=first)
        assert self.places(second) == [("head", None), ("head", 0), ("head", 1), ("head", 2)]

    @pytest.mark.parametrize("seed", range(20))
    def test_two_parts_decide_as_one_job_does(self, seed: int) -> None:
        cases = a_case("wan"), a_case("flux")
        noise = {"wan": 0.01, "flux": 0.03}
        parts = measured(Bench(noise=noise, seed=seed), *cases, budget_min=1.8, finish=True)
        parts = measured(
            Bench(noise=noise, seed=seed), *cases, earlier=parts, budget_min=60, finish=True
        )
        whole = measured(Bench(noise=noise, seed=seed), *cases, finish=True)
        assert [case.metrics for case in decide(recorded(parts)).cases] == [
            case.metrics for case in decide(recorded(whole)).cases
        ]


class TestHistory:
    """Stored differences of equal sides: what they save, and that the record carries them."""

    NOISE = 0.003

    def history(self) -> dict[str, tuple[float, ...]]:
        """What 20 pairs of equal sides showed on the same bench."""
        chance = random.Random(7)
        spread = self.NOISE * 2**0.5
        return {"wan": tuple(chance.gauss(0, spread) for _ in range(20))}

    def launches(self, slowdown: float, **known: Any) -> list[int]:
        runs = [
            measured(Bench(noise=self.NOISE, seed=seed, wan=slowdown), a_case("wan"), **known)
            for seed in range(20)
        ]
        wanted = Verdict.REGRESSED if slowdown else Verdict.PASSED
        assert {decide(recorded(one)).cases[0].verdict for one in runs} == {wanted}
        return [len(one.cases[0].launches) for one in runs]

    @pytest.mark.parametrize("slowdown", [0.0, 0.05])
    def test_a_calibrated_machine_needs_fewer_launches(self, slowdown: float) -> None:
        without = self.launches(slowdown)
        with_history = self.launches(slowdown, histories=self.history())
        assert sum(with_history) <= sum(without) - 2 * len(without), "a pair less, on average"

    def test_the_record_carries_what_it_was_judged_with(self) -> None:
        history = self.history()
        result = measured(Bench(noise=self.NOISE), a_case("wan"), histories=history)
        assert result.cases[0].history == history["wan"]
        forgotten = result.cases[0].model_copy(update={"history": ()})
        assert decide(recorded(result)).cases[0].verdict is Verdict.PASSED
        assert decide(a_record([forgotten])).cases[0].verdict is Verdict.INCONCLUSIVE
