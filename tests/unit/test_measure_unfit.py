"""The measuring loop on a device that is throttled or shared. No process runs here."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Literal

import pytest

from perfgate.app.measuring.measure import Measured
from perfgate.app.record import unfit_alone
from perfgate.records import (
    CaseRecord,
    Conditions,
    Side,
    Verdict,
)
from perfgate.verdict.baseline import StoredJobs
from perfgate.verdict.conditions import burn_in_of, condition_warnings
from perfgate.verdict.decide import decide
from tests.factories import a_launch
from tests.measuring import (
    Bench,
    a_case,
    measured,
    recorded,
    stopped,
    ten_jobs,
)

SLOWDOWN = "hardware slowdown: on device 0 in 3 of 40 samples"
THROTTLED = f"the device was throttled: {SLOWDOWN}; cool it or lower its power limit"


def unfit_at(*places: tuple[Side, int | None]) -> Callable[[str, Side, int | None], str | None]:
    """A device that slows down in these launches."""
    return lambda _case, side, pair: SLOWDOWN if (side, pair) in places else None


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
