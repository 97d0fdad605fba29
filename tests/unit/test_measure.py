"""The measuring loop: who is launched when, and why it stops. No process runs here."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Literal

import pytest

from perfgate.app.measure import Known, Measured, measure
from perfgate.app.progress import SoFar
from perfgate.app.record import unfit_alone
from perfgate.app.selection import Chosen
from perfgate.app.turns import Open, next_case
from perfgate.errors import DeviceError
from perfgate.records import (
    CaseRecord,
    Conditions,
    GatePolicy,
    Launch,
    Origin,
    Record,
    Side,
    Verdict,
)
from perfgate.suite import Case
from perfgate.verdict.baseline import StoredJob, StoredJobs
from perfgate.verdict.conditions import burn_in_of, condition_warnings
from perfgate.verdict.decide import decide
from perfgate.verdict.hierarchy import plan_hierarchy
from perfgate.verdict.judge import CaseJudge
from perfgate.verdict.metrics import launch_metrics
from tests.factories import a_fingerprint, a_launch, a_record


def a_case(case_id: str, origin: Origin = Origin.JUDGED) -> Chosen:
    return Chosen(case=Case(id=case_id, backend="command", command="true"), origin=origin)


class Bench:
    """Launches that take 1000 ms, more or less, times what ``slowdowns`` says for head.

    What a launch takes depends on its case, side and pair alone, not on when it is launched.
    """

    def __init__(
        self,
        *,
        noise: float | Mapping[str, float] = 0.003,
        duration_s: float | Mapping[str, float] = 6.0,
        seed: int = 1,
        **slowdowns: float,
    ) -> None:
        self.calls: list[str] = []
        self.fails: Callable[[str, Side, int | None], str | None] = lambda *_: None
        self.unfit: Callable[[str, Side, int | None], str | None] = lambda *_: None
        self.timeouts_s: list[float] = []
        self._seed = seed
        self._noise, self._duration_s, self._slowdowns = noise, duration_s, slowdowns

    def __call__(
        self, case_id: str, side: Side, *, pair: int | None, order: int, timeout_s: float
    ) -> Launch:
        self.calls.append(f"{case_id} {side.value} {'burn-in' if pair is None else pair}")
        self.timeouts_s.append(timeout_s)
        chance = random.Random(f"{self._seed} {case_id} {side} {pair}")
        slower = 1 + (self._slowdowns.get(case_id, 0.0) if side is Side.HEAD else 0.0)
        unfit = self.unfit(case_id, side, pair)
        if unfit is not None:
            # What a throttled device measures must not matter, however slow or fast it is.
            slower *= chance.choice([0.01, 100.0])
        launch = a_launch(
            side.value,
            pair,
            1000 * slower * chance.lognormvariate(0, of(self._noise, case_id)),
            order=order,
            duration_s=min(of(self._duration_s, case_id), timeout_s),
            failure=self.fails(case_id, side, pair),
        )
        return launch.model_copy(
            update={"conditions": Conditions(samples=7, unfit=(unfit,) if unfit else ())}
        )


def of(what: float | Mapping[str, float], case_id: str) -> float:
    return what if isinstance(what, float | int) else what[case_id]


class Silent:
    """Nobody listens."""

    def note(self, text: str) -> None: ...
    def launch_started(self, case_id: str, side: Side, pair: int | None) -> None: ...
    def launch_ended(self, case_id: str, launch: Launch, *, left_s: float | None) -> None: ...
    def so_far(self, case_id: str, seen: SoFar) -> None: ...


def measured(
    bench: Bench,
    *chosen: Chosen,
    strategy: Literal["paired", "baseline", "auto"] = "paired",
    stored: Mapping[str, StoredJobs] | None = None,
    histories: Mapping[str, tuple[float, ...]] | None = None,
    earlier: Measured | None = None,
    finish: bool = False,
    budget_min: float = 60,
) -> Measured:
    return measure(
        chosen,
        policy=GatePolicy(strategy=strategy, budget_min=budget_min),
        fingerprint=a_fingerprint(),
        known=Known(
            stored=stored or {},
            histories=histories or {},
            earlier={case.id: case for case in earlier.cases} if earlier else {},
        ),
        finish=finish,
        launcher=bench,
        progress=Silent(),
    )


def stopped(result: Measured) -> dict[str, str | None]:
    return {case.id: case.stopped for case in result.cases}


def test_order__a_burn_in_then_pairs_that_take_turns() -> None:
    bench = Bench()
    measured(bench, a_case("wan"))
    assert bench.calls[:7] == [
        "wan head burn-in",
        "wan base 0",
        "wan head 0",
        "wan head 1",
        "wan base 1",
        "wan base 2",
        "wan head 2",
    ]


def test_order__cases_take_turns_pair_by_pair() -> None:
    bench = Bench()
    measured(bench, a_case("wan"), a_case("flux"))
    assert bench.calls[:6] == [
        "wan head burn-in",
        "flux head burn-in",
        "wan base 0",
        "wan head 0",
        "flux base 0",
        "flux head 0",
    ]


def test_launches_stop_as_soon_as_a_case_is_decided() -> None:
    bench = Bench()
    result = measured(bench, a_case("wan"))
    assert 7 <= len(bench.calls) <= 15
    assert stopped(result) == {"wan": None}
    assert len(result.cases[0].launches) == len(bench.calls)


def test_a_slower_case_ends_the_suite() -> None:
    bench = Bench(noise=0.02, wan=0.6)
    result = measured(bench, a_case("wan"), a_case("flux"))
    assert stopped(result) == {
        "wan": None,
        "flux": "wan is slower already (--finish measures on)",
    }


def test_finish__decides_every_case() -> None:
    bench = Bench(wan=0.2)
    result = measured(bench, a_case("wan"), a_case("flux"), finish=True)
    assert stopped(result) == {"wan": None, "flux": None}


def test_budget__no_pair_starts_that_could_not_end_within_it() -> None:
    bench = Bench(noise=0.1, duration_s=60)
    result = measured(bench, a_case("wan"), budget_min=6)
    assert bench.calls == [
        "wan head burn-in",
        "wan base 0",
        "wan head 0",
        "wan head 1",
        "wan base 1",
    ]
    assert stopped(result) == {"wan": "the budget of device minutes was spent"}


def test_budget__a_launch_of_unknown_length_gets_what_is_left() -> None:
    bench = Bench(duration_s=600)
    bench.fails = lambda *_: "the benchmark did not end within 60 s and was killed"
    result = measured(bench, a_case("wan"), a_case("flux"), budget_min=1)
    assert bench.timeouts_s == [60.0]
    assert stopped(result) == {
        "wan": "the budget of device minutes ended during a launch",
        "flux": "the budget of device minutes was spent",
    }
    assert result.cases[0].launches == ()


def test_a_launch_that_dies_ends_its_case_and_no_other() -> None:
    bench = Bench()
    bench.fails = lambda case, _side, pair: "exited with 1" if (case, pair) == ("wan", 0) else None
    result = measured(bench, a_case("wan"), a_case("flux"))
    assert [call for call in bench.calls if call.startswith("wan")] == [
        "wan head burn-in",
        "wan base 0",
    ]
    assert result.cases[0].launches[-1].failure == "exited with 1"
    assert len(result.cases[1].launches) >= 7


def test_a_burn_in_that_dies_is_kept_with_its_reason() -> None:
    bench = Bench()
    bench.fails = lambda *_: "exited with 1"
    result = measured(bench, a_case("wan"))
    assert [launch.failure for launch in result.cases[0].launches] == ["exited with 1"]


def test_new_cases_get_head_launches_only() -> None:
    bench = Bench()
    measured(bench, a_case("wan", Origin.NEW))
    assert bench.calls == ["wan head burn-in", "wan head 0", "wan head 1", "wan head 2"]


def test_a_changed_workload_is_not_launched() -> None:
    bench = Bench()
    result = measured(bench, a_case("wan", Origin.WORKLOAD_CHANGED))
    assert bench.calls == []
    assert result.cases[0].origin is Origin.WORKLOAD_CHANGED


def test_without_pairs_base_is_never_launched() -> None:
    bench = Bench()
    measured(bench, a_case("wan"), strategy="baseline")
    assert bench.calls == ["wan head burn-in", "wan head 0", "wan head 1", "wan head 2"]


def test_a_signal_keeps_what_was_measured() -> None:
    bench = Bench()

    def interrupt(_case: str, _side: Side, pair: int | None) -> None:
        if pair == 1:
            raise KeyboardInterrupt("SIGTERM")

    bench.fails = interrupt
    result = measured(bench, a_case("wan"))
    assert result.interrupted == "SIGTERM"
    assert len(result.cases[0].launches) == 3


def ten_jobs(chosen: Chosen) -> StoredJobs:
    """Ten jobs of 1000 ms on this machine, 0.3 % apart."""
    noise = random.Random(2)

    def job() -> StoredJob:
        two = [launch_metrics(a_launch(total=1000 * noise.lognormvariate(0, 0.003))) for _ in "ab"]
        return StoredJob(burn_in=two[0], launches=(two[1],))

    return StoredJobs(
        workload_hash=chosen.case.workload_hash(),
        must_match=a_fingerprint().must_match,
        jobs=tuple(job() for _ in range(10)),
    )


def lost_device(after: int) -> Callable[[str, Side, int | None], str | None]:
    """A bench whose device is taken by somebody else after some launches."""
    left = iter(range(after))

    def fails(case_id: str, side: Side, pair: int | None) -> None:
        if next(left, None) is None:
            raise DeviceError("waited 60 s for pid 4711", fix="End it.")

    return fails


def test_a_device_that_is_taken__keeps_what_was_measured_and_says_why() -> None:
    bench = Bench()
    bench.fails = lost_device(after=4)
    result = measured(bench, a_case("wan"), a_case("flux"))
    assert [len(case.launches) for case in result.cases] == [3, 1]
    assert set(stopped(result).values()) == {"the device was taken: waited 60 s for pid 4711"}


def test_a_device_that_is_taken__before_anything_was_measured_ends_the_job() -> None:
    bench = Bench()
    bench.fails = lost_device(after=0)
    with pytest.raises(DeviceError, match="waited 60 s"):
        measured(bench, a_case("wan"))


def test_auto__the_screen_passes_a_case_on_two_launches() -> None:
    bench, wan = Bench(), a_case("wan")
    measured(bench, wan, strategy="auto", stored={"wan": ten_jobs(wan)})
    assert bench.calls == ["wan head burn-in", "wan head 0"]


def test_auto__what_the_screen_does_not_pass_goes_to_pairs_with_its_launch() -> None:
    bench, wan = Bench(wan=0.1), a_case("wan")
    measured(bench, wan, strategy="auto", stored={"wan": ten_jobs(wan)})
    assert bench.calls[:5] == [
        "wan head burn-in",
        "wan head 0",
        "wan base 0",
        "wan head 1",
        "wan base 1",
    ]


def test_auto__without_enough_stored_jobs_pairs_decide() -> None:
    bench = Bench()
    measured(bench, a_case("wan"), strategy="auto")
    assert bench.calls[:3] == ["wan head burn-in", "wan base 0", "wan head 0"]


SLOWDOWN = "hardware slowdown: on device 0 in 3 of 40 samples"
THROTTLED = f"the device was throttled: {SLOWDOWN}; cool it or lower its power limit"


def unfit_at(*places: tuple[Side, int | None]) -> Callable[[str, Side, int | None], str | None]:
    """A device that slows down in these launches."""
    return lambda _case, side, pair: SLOWDOWN if (side, pair) in places else None


def recorded(result: Measured, **policy: object) -> Record:
    return a_record(result.cases, fingerprint=a_fingerprint(), **policy)


class TestUnfit:
    """What ran on a throttled device is kept, paid for, and shown to no judge."""

    def test_a_pair_with_an_unfit_launch_uses_up_its_number(self) -> None:
        bench = Bench()
        bench.unfit = unfit_at((Side.HEAD, 0), (Side.HEAD, 1))
        result = measured(bench, a_case("wan"))
        assert bench.calls[:6] == [
            "wan head burn-in",
            "wan base 0",
            "wan head 0",
            "wan head 1",
            "wan base 2",
            "wan head 2",
        ], "what would complete a pair that nobody looks at is not launched"
        decision, launches = decide(recorded(result)), len(bench.calls)
        assert decision.cases[0].verdict is Verdict.PASSED
        assert decision.cases[0].warnings == (
            f"2 of {launches} launches were measured under hardware slowdown and not judged",
        )
        assert decision.cost.launches == launches

    def test_three_unfit_pairs_in_a_row_end_the_case_undecided(self) -> None:
        bench = Bench()
        bench.unfit = unfit_at(*((side, pair) for side in Side for pair in (1, 2, 3)))
        result = measured(bench, a_case("wan"), a_case("flux"))
        assert [call for call in bench.calls if call.startswith("wan")] == [
            "wan head burn-in",
            "wan base 0",
            "wan head 0",
            "wan head 1",
            "wan base 2",
            "wan head 3",
        ]
        assert stopped(result) == {"wan": THROTTLED, "flux": THROTTLED}
        decision = decide(recorded(result))
        assert {case.verdict for case in decision.cases} == {Verdict.INCONCLUSIVE}
        assert decision.cases[0].detail == THROTTLED

    def test_two_in_a_row_and_a_fit_one_go_on(self) -> None:
        bench = Bench(noise=0.05)
        bench.unfit = lambda _case, side, pair: (
            SLOWDOWN if side is Side.HEAD and pair is not None and pair % 3 else None
        )
        result = measured(bench, a_case("wan"))
        assert stopped(result) == {"wan": "only 4 of 12 pairs were measured on a fit device"}

    @pytest.mark.parametrize(("unfit", "burn_ins"), [(1, 2), (2, 3)])
    def test_an_unfit_burn_in_is_repeated(self, unfit: int, burn_ins: int) -> None:
        bench, left = Bench(), iter(range(unfit))
        bench.unfit = lambda _case, _side, pair: (
            SLOWDOWN if pair is None and next(left, None) is not None else None
        )
        result = measured(bench, a_case("wan"))
        assert bench.calls[: burn_ins + 1] == ["wan head burn-in"] * burn_ins + ["wan base 0"]
        assert burn_in_of(result.cases[0].launches) == result.cases[0].launches[unfit]

    @pytest.mark.parametrize("strategy", ["paired", "baseline", "auto"])
    def test_an_unfit_burn_in_is_repeated_twice_and_no_more(
        self, strategy: Literal["paired", "baseline", "auto"]
    ) -> None:
        bench = Bench()
        bench.unfit = unfit_at((Side.HEAD, None))
        result = measured(bench, a_case("wan"), strategy=strategy)
        assert bench.calls == ["wan head burn-in"] * 3
        assert stopped(result) == {"wan": THROTTLED}

    def test_an_unfit_head_launch_is_not_judged_by_the_baseline(self) -> None:
        bench = Bench()
        bench.unfit = unfit_at((Side.HEAD, 1))
        result = measured(bench, a_case("wan"), strategy="baseline")
        assert bench.calls == ["wan head burn-in", "wan head 0", "wan head 1", "wan head 2"]
        stored = {"wan": ten_jobs(a_case("wan"))}
        (case,) = decide(recorded(result, strategy="baseline"), baselines=stored).cases
        assert case.verdict is Verdict.PASSED
        assert "2 launches against 10 jobs" in case.sentence

    def test_head_launches_that_are_all_unfit_decide_nothing(self) -> None:
        bench, wan = Bench(), a_case("wan")
        bench.unfit = lambda _case, _side, pair: SLOWDOWN if pair is not None else None
        stored = {"wan": ten_jobs(wan)}
        result = measured(bench, wan, strategy="baseline", stored=stored)
        assert stopped(result) == {"wan": THROTTLED}
        (case,) = decide(recorded(result, strategy="baseline"), baselines=stored).cases
        assert (case.verdict, case.detail) == (Verdict.INCONCLUSIVE, THROTTLED)

    def test_the_screen_does_not_look_at_an_unfit_launch(self) -> None:
        bench, wan = Bench(), a_case("wan")
        bench.unfit = unfit_at((Side.HEAD, 0))
        stored = {"wan": ten_jobs(wan)}
        result = measured(bench, wan, strategy="auto", stored=stored)
        assert bench.calls[:4] == [
            "wan head burn-in",
            "wan head 0",
            "wan head 1",
            "wan base 1",
        ]
        assert decide(recorded(result, strategy="auto"), baselines=stored).cases[0].pairs >= 2

    @pytest.mark.parametrize(
        ("unfit", "alone"),
        [((), False), ((0, 1), False), ((0, 1, 2), True), ((None,), True)],
    )
    def test_a_job_for_the_baselines_says_when_there_is_nothing_to_keep(
        self, unfit: tuple[int | None, ...], alone: bool
    ) -> None:
        bench = Bench()
        bench.unfit = unfit_at(*((Side.HEAD, pair) for pair in unfit))
        result = measured(bench, a_case("wan"), strategy="baseline")
        assert unfit_alone(result.cases[0]) is alone

    def test_what_a_forged_record_says_stays_short(self) -> None:
        forged = Conditions(unfit=("x" * 9999,), warnings=tuple(f"{n}: y" for n in range(99)))
        launch = a_launch().model_copy(update={"conditions": forged})
        warnings = condition_warnings([launch])
        assert len(warnings) == 10
        assert all(len(one) < 200 for one in warnings)

    def test_a_shared_device_is_named(self) -> None:
        bench = Bench()
        other = "load of other processes: pid 7 (python3) on device 0 in 2 of 9 samples"
        bench.unfit = lambda *_: other
        result = measured(bench, a_case("wan"))
        assert stopped(result) == {
            "wan": f"the device was shared: {other}; end them, or measure on another device"
        }


def fit_alone(case: CaseRecord) -> CaseRecord:
    """The case as if nothing had ever been launched on a throttled device."""
    fit = [one for one in case.launches if one.conditions and not one.conditions.unfit]
    return case.model_copy(update={"launches": tuple(fit)})


def throttled_at_random(
    seed: int, strategy: Literal["paired", "baseline", "auto"]
) -> tuple[Measured, Mapping[str, StoredJobs]]:
    """Two cases, one perhaps slower, on a device that a quarter of all launches meet throttled.

    Those are a hundred times too slow or too fast: one look at them shows.
    """
    chance, wan = random.Random(seed), a_case("wan")
    bench = Bench(noise=0.01, wan=chance.choice([0.0, 0.2]))
    bench.unfit = lambda *_: SLOWDOWN if chance.random() < 0.25 else None
    stored = {"wan": ten_jobs(wan)}
    result = measured(bench, wan, a_case("flux"), strategy=strategy, stored=stored, finish=True)
    return result, stored


@pytest.mark.parametrize("strategy", ["paired", "baseline"])
@pytest.mark.parametrize("seed", range(40))
def test_no_judge_looks_at_an_unfit_launch(
    seed: int, strategy: Literal["paired", "baseline"]
) -> None:
    result, stored = throttled_at_random(seed, strategy)
    told = decide(recorded(result, strategy=strategy), baselines=stored)
    without = Measured(cases=tuple(map(fit_alone, result.cases)))
    as_if = decide(recorded(without, strategy=strategy), baselines=stored)
    assert [(case.verdict, case.metrics, case.pairs) for case in told.cases] == [
        (case.verdict, case.metrics, case.pairs) for case in as_if.cases
    ]


@pytest.mark.parametrize("strategy", ["paired", "auto"])
@pytest.mark.parametrize("seed", range(40))
def test_the_replay_decides_what_the_loop_decided(
    seed: int, strategy: Literal["paired", "auto"]
) -> None:
    result, stored = throttled_at_random(seed, strategy)
    told = decide(recorded(result, strategy=strategy), baselines=stored)
    assert {case.id: case.stopped is None for case in result.cases} == {
        case.id: case.verdict is not Verdict.INCONCLUSIVE for case in told.cases
    }


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
