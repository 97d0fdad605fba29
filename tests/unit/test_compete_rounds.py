"""The loop that compares frameworks: its order, and that one failure stops no other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from perfgate.app.compete.contest import Contest, Entry
from perfgate.app.compete.rounds import Rounds, run_rounds
from perfgate.app.measuring.budget import Budget
from perfgate.errors import ConfigurationError, DeviceError
from perfgate.records import Conditions, Launch
from perfgate.records.results import Failure, FailureKind
from perfgate.suite import Case
from tests.factories import a_launch
from tests.measuring import Silent


def an_entry(framework: str, case_id: str = "wan") -> Entry:
    case = Case(id=case_id, backend="command", command=f"./{framework}")
    return Entry(case=case, framework=framework)


def a_contest(*frameworks: str, cases: tuple[str, ...] = ("wan",), repeats: int = 2) -> Contest:
    entries = tuple(an_entry(name, case_id) for case_id in cases for name in frameworks)
    return Contest(entries=entries, repeats=repeats)


@dataclass
class Bench:
    """Launches that take six seconds; ``ends`` says what a framework's launch comes to instead."""

    ends: Mapping[str, Callable[[int], Launch | None]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    timeouts_s: list[float] = field(default_factory=list)

    def __call__(self, entry: Entry, *, repeat: int, order: int, timeout_s: float) -> Launch:
        self.calls.append(f"{entry.case.id} {entry.framework} {repeat}")
        self.timeouts_s.append(timeout_s)
        end = self.ends.get(entry.framework)
        special = end(repeat) if end is not None else None
        usual = a_launch(pair=repeat, order=order, duration_s=min(6.0, timeout_s))
        return special or usual


def failing(why: str) -> Callable[[int], Launch]:
    return lambda repeat: a_launch(pair=repeat, failure=why)


def raising(error: BaseException) -> Callable[[int], Launch]:
    def end(_: int) -> Launch:
        raise error

    return end


def run(contest: Contest, bench: Bench, *, budget_s: float = 1e6, **broken: Failure) -> Rounds:
    return run_rounds(
        contest,
        broken={f"wan · {name}": failure for name, failure in broken.items()},
        budget=Budget(limit_s=budget_s),
        launcher=bench,
        progress=Silent(),
    )


def kinds(rounds: Rounds) -> dict[str, list[FailureKind]]:
    return {key: [one.kind for one in found] for key, found in rounds.failures.items()}


class TestOrder:
    def test_every_repeat_visits_every_framework__and_turns_round(self) -> None:
        bench = Bench()
        run(a_contest("a", "b", "c", repeats=3), bench)
        assert [call.split(" ", 1)[1] for call in bench.calls] == [
            *("a 0", "b 0", "c 0"),
            *("c 1", "b 1", "a 1"),
            *("a 2", "b 2", "c 2"),
        ]

    def test_one_case_after_the_other(self) -> None:
        bench = Bench()
        run(a_contest("a", "b", cases=("wan", "flux"), repeats=1), bench)
        assert bench.calls == ["wan a 0", "wan b 0", "flux a 0", "flux b 0"]


class TestFailures:
    def test_a_framework_that_fails_stops_no_other(self) -> None:
        bench = Bench(ends={"a": failing("crashed: gone")})
        rounds = run(a_contest("a", "b", repeats=4), bench)
        assert len(rounds.launches["wan · b"]) == 4
        assert "wan · b" not in rounds.failures

    def test_two_failures_in_a_row_end_a_cell(self) -> None:
        rounds = run(a_contest("a", repeats=6), Bench(ends={"a": failing("timed out: 20 m")}))
        assert kinds(rounds) == {"wan · a": [FailureKind.TIMEOUT] * 2}

    def test_one_failure_among_others_does_not(self) -> None:
        bench = Bench(ends={"a": lambda n: a_launch(failure="crashed: x") if n in (0, 2) else None})
        rounds = run(a_contest("a", repeats=4), bench)
        assert len(rounds.launches["wan · a"]) == 4
        assert len(rounds.failures["wan · a"]) == 2

    @pytest.mark.parametrize(
        "kind", ["framework missing", "out of memory", "not the native backend", "not compiled"]
    )
    def test_what_would_end_the_same_again_is_not_tried_again(self, kind: str) -> None:
        bench = Bench(ends={"a": failing(f"{kind}: so it is")})
        assert kinds(run(a_contest("a", repeats=4), bench)) == {"wan · a": [FailureKind(kind)]}

    def test_what_failed_in_one_case_is_tried_in_the_next(self) -> None:
        bench = Bench(ends={"a": failing("out of memory: 80 GiB")})
        run(a_contest("a", cases=("wan", "flux"), repeats=3), bench)
        assert bench.calls == ["wan a 0", "flux a 0"]

    def test_what_could_not_be_set_up_is_never_launched(self) -> None:
        bench, failure = Bench(), Failure(kind=FailureKind.SETUP, text="no such package")
        rounds = run(a_contest("a", "b"), bench, a=failure)
        assert rounds.failures == {"wan · a": [failure]}
        assert bench.calls == ["wan b 0", "wan b 1"]

    def test_code_that_is_not_what_was_to_be_measured(self) -> None:
        bench = Bench(ends={"a": raising(ConfigurationError("it ran another tree", fix=""))})
        rounds = run(a_contest("a", "b"), bench)
        assert rounds.failures["wan · a"][0].text == "it ran another tree"
        assert len(rounds.launches["wan · b"]) == 2

    def test_an_unfit_device_is_a_failure_of_its_own(self) -> None:
        unfit = a_launch().model_copy(
            update={"conditions": Conditions(unfit=("throttled: GPU 0",))}
        )
        rounds = run(a_contest("a"), Bench(ends={"a": lambda _: unfit}))
        assert kinds(rounds) == {"wan · a": [FailureKind.UNFIT] * 2}


class TestEnds:
    def test_the_budget__what_was_measured_counts(self) -> None:
        rounds = run(a_contest("a", "b", repeats=3), Bench(), budget_s=20)
        assert {key: len(found) for key, found in rounds.launches.items()} == {
            "wan · a": 1,
            "wan · b": 2,
        }
        (note,) = rounds.notes
        assert note.startswith("the budget of device minutes left no time for more of: wan · a")

    def test_a_launch_that_the_budget_ended_has_not_failed(self) -> None:
        ended = Bench(ends={"b": lambda _: a_launch(failure="timed out: budget", duration_s=4.0)})
        rounds = run(a_contest("a", "b", repeats=1), ended, budget_s=10)
        assert ended.timeouts_s[-1] == 4.0
        assert rounds.failures == {}

    def test_an_interrupt__what_was_measured_counts(self) -> None:
        bench = Bench(ends={"b": raising(KeyboardInterrupt("SIGTERM"))})
        rounds = run(a_contest("a", "b"), bench)
        assert rounds.interrupted == "SIGTERM"
        assert rounds.notes == ["stopped by SIGTERM: what was measured until then counts"]
        assert list(rounds.launches) == ["wan · a"]

    def test_a_device_that_is_taken__before_and_after_something_was_measured(self) -> None:
        lost = raising(DeviceError("others are on it", fix=""))
        with pytest.raises(DeviceError):
            run(a_contest("a", "b"), Bench(ends={"a": lost}))
        rounds = run(a_contest("a", "b"), Bench(ends={"b": lost}))
        assert rounds.notes == ["the device was taken: others are on it"]
