"""The loop of a search over made-up commits: what is launched, kept, skipped and gone on with."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from perfgate.app.bisect.search import Search
from perfgate.app.bisect.state import refuse_another
from perfgate.app.measuring.budget import Budget
from perfgate.errors import BenchmarkError, ConfigurationError, DeviceError, PerfgateError
from perfgate.records import Conditions, GatePolicy, Launch, Side
from perfgate.records.bisected import BisectState, Commit
from perfgate.verdict.bisection_told import told
from tests.factories import WHEN, WORKLOAD, a_fingerprint, a_launch
from tests.measuring import Silent

CULPRIT = 5
COMMITS = tuple(Commit(id=f"{place:040x}", subject=f"change {place}") for place in range(9))


def a_state(**rest: object) -> BisectState:
    values = {
        "perfgate": "0.1.0",
        "created_at": WHEN,
        "case": "wan",
        "workload_hash": WORKLOAD,
        "metric": "end-to-end",
        "margin": 0.03,
        "policy": GatePolicy(),
        "fingerprint": a_fingerprint(),
        "commits": COMMITS,
    }
    return BisectState.model_validate({**values, **rest})


@dataclass
class Bench:
    """Commits of a second that are 5 % slower from the culprit on.

    ``ends`` says what a commit's launch comes to instead, ``breaks`` why one cannot be prepared.
    """

    ends: Mapping[int, Callable[[Launch], Launch]] = field(default_factory=dict)
    breaks: Mapping[int, PerfgateError] = field(default_factory=dict)
    slower: float = 0.05
    calls: list[str] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(4))

    def prepare(self, commit: str) -> None:
        error = self.breaks.get(int(commit, 16))
        if error is not None:
            raise error

    def launch(
        self, commit: str, side: Side, *, pair: int | None, order: int, timeout_s: float
    ) -> Launch:
        place = int(commit, 16)
        self.calls.append(f"{place} {'burn-in' if pair is None else pair}")
        self.orders.append(order)
        ratio = 1 + self.slower if place >= CULPRIT else 1.0
        ms = 1000 * ratio * self.chance.lognormvariate(0, 0.003)
        usual = a_launch(side.value, pair, ms, order=order, duration_s=min(6.0, timeout_s))
        end = self.ends.get(place)
        return usual if end is None else end(usual)


def run(
    bench: Bench, state: BisectState | None = None, *, budget_s: float = 1e6
) -> tuple[Search, list[BisectState]]:
    """A search until its end, and every state that was kept."""
    kept: list[BisectState] = []
    search = Search(
        state=state or a_state(),
        bench=bench,
        keep=kept.append,
        progress=Silent(),
        budget=Budget(limit_s=budget_s),
        timeout_s=100.0,
    )
    search.run()
    return search, kept


def failing(why: str) -> Callable[[Launch], Launch]:
    return lambda one: one.model_copy(
        update={"reports": (), "failure": why, "log_tail": "CUDA error 700"}
    )


def unfit(times: int) -> Callable[[Launch], Launch]:
    left = iter(range(times))

    def end(one: Launch) -> Launch:
        if next(left, None) is None:
            return one
        conditions = Conditions(samples=3, unfit=("thermal throttling: device 0",))
        return one.model_copy(update={"conditions": conditions})

    return end


def raising(error: BaseException) -> Callable[[Launch], Launch]:
    def end(_: Launch) -> Launch:
        raise error

    return end


# The usual way


def test_the_culprit_is_found__with_its_change_and_what_it_took():
    search, _ = run(Bench())
    found = told(search.state)
    assert found.outcome == "found"
    assert [one.id for one in found.suspects] == [COMMITS[CULPRIT].id]
    assert found.before == COMMITS[CULPRIT - 1]
    assert found.change is not None
    assert found.change.low < 1.05 < found.change.high
    assert found.change.pairs >= 3
    assert found.launches == 1 + 2 * found.pairs
    assert found.device_minutes == pytest.approx(found.launches * 0.1)
    assert [one.commit for one in found.measured][-1] == COMMITS[-1]


def test_launches__a_burn_in_then_the_older_commit_first_in_every_other_pair():
    bench = Bench()
    run(bench)
    assert bench.calls[:5] == ["8 burn-in", "0 0", "8 0", "8 1", "0 1"]
    assert bench.orders == [*range(len(bench.orders))]


def test_every_pair_is_kept_before_the_next_one():
    search, kept = run(Bench())
    assert [len(state.pairs) for state in kept] == [0, *range(1, len(search.state.pairs) + 1)]
    assert kept[-1] == search.state


def test_equal_ends__says_so_and_stops():
    search, _ = run(Bench(slower=0.0))
    found = told(search.state)
    assert found.outcome == "not slower"
    assert {pair.after for pair in search.state.pairs} == {COMMITS[-1].id}


# What cannot answer


@pytest.mark.parametrize(
    ("bench", "why"),
    [
        (
            Bench(breaks={4: BenchmarkError("setup of head exited with 1: make\nno nvcc", fix="")}),
            "setup of head exited with 1: make",
        ),
        (Bench(ends={4: failing("the benchmark exited with 3")}), "the benchmark exited with 3"),
        (Bench(ends={4: raising(ConfigurationError("holds no perfgate", fix=""))}), "no perfgate"),
    ],
    ids=["does not build", "dies", "cannot be launched"],
)
def test_a_commit_that_does_not_answer__is_skipped_and_named(bench, why):
    search, _ = run(bench)
    found = told(search.state)
    assert [one.id for one in found.skipped] == [COMMITS[4].id]
    assert why in found.skipped[0].why
    # The culprit comes right after it: the two cannot be told apart.
    assert found.outcome == "narrowed"
    assert found.suspects == COMMITS[4:6]
    assert found.before == COMMITS[3]
    assert found.change is not None


def test_the_end_of_a_log_is_kept():
    search, _ = run(Bench(ends={4: failing("the benchmark exited with 3")}))
    assert search.state.skipped[0].log_tail == "CUDA error 700"


def test_a_commit_without_the_metric__is_skipped():
    def without(one: Launch) -> Launch:
        return one.model_copy(update={"reports": a_launch(total=900, EncodingStage=9.0).reports})

    search, _ = run(Bench(ends={4: without}), a_state(metric="DenoisingStage", margin=0.03))
    assert search.state.skipped[0].why == "its report has no DenoisingStage"


@pytest.mark.parametrize("place", [0, 8])
@pytest.mark.parametrize("end", ["dies", "does not build"])
def test_an_end_of_the_search_has_to_answer(place, end):
    broken = BenchmarkError("setup failed", fix="Mend it.")
    bench = (
        Bench(ends={place: failing("the benchmark exited with 3")})
        if end == "dies"
        else Bench(breaks={place: broken})
    )
    with pytest.raises(BenchmarkError, match=r"exited with 3|setup failed"):
        run(bench)


# Unfit devices


def test_an_unfit_pair_is_kept_and_not_looked_at():
    search, _ = run(Bench(ends={8: unfit(2)}))
    found = told(search.state)
    assert found.outcome == "found"
    assert len(search.state.burn_ins) == 3
    # The two burn-ins that were unfit are spent launches all the same.
    assert found.launches == 3 + 2 * found.pairs


@pytest.mark.parametrize("place", [0, 8])
def test_nothing_but_unfit_launches__the_search_stops_and_can_go_on(place):
    search, _ = run(Bench(ends={place: unfit(99)}))
    found = told(search.state, why=search.why)
    assert found.outcome == "stopped"
    assert "throttled" in found.why
    again, _ = run(Bench(), search.state)
    assert told(again.state).outcome == "found"


# Ends before the end


def test_a_spent_budget__nothing_is_launched_twice():
    first, _ = run(Bench(), budget_s=60.0)
    assert told(first.state, why=first.why).outcome == "stopped"
    assert "budget" in first.why
    assert len(first.state.launches()) <= 10
    second, _ = run(Bench(), first.state)
    assert second.state.pairs[: len(first.state.pairs)] == first.state.pairs
    assert told(second.state).suspects == (COMMITS[CULPRIT],)


def test_a_launch_that_the_budget_ended__is_no_failure_of_its_commit():
    def late(one: Launch) -> Launch:
        return failing("did not end in time")(one).model_copy(update={"duration_s": 20.0})

    search, _ = run(Bench(ends={8: late}), budget_s=20.0)
    assert search.why == "the budget of device minutes ended during a launch"
    assert search.state.launches() == ()


def test_an_interrupt__keeps_the_half_of_the_pair():
    kept: list[BisectState] = []
    bench = Bench(ends={4: raising(KeyboardInterrupt("SIGTERM"))})
    search = Search(
        state=a_state(),
        bench=bench,
        keep=kept.append,
        progress=Silent(),
        budget=Budget(limit_s=1e6),
        timeout_s=100.0,
    )
    with pytest.raises(KeyboardInterrupt):
        search.run()
    halves = [pair for pair in search.state.pairs if len(pair.launches) == 1]
    found = told(search.state, interrupted="SIGTERM")
    assert found.outcome == "stopped"
    assert found.launches == 1 + 2 * found.pairs + len(halves)
    again, _ = run(Bench(), kept[-1])
    assert told(again.state).outcome == "found"


def test_a_lost_device__before_anything_was_launched_is_an_error():
    with pytest.raises(DeviceError):
        run(Bench(ends={8: raising(DeviceError("waited 60 s for pid 4711", fix="End it."))}))


def test_a_lost_device__later_stops_the_search():
    search, _ = run(Bench(ends={4: raising(DeviceError("waited 60 s for pid 4711", fix=""))}))
    assert search.why == "the device was taken: waited 60 s for pid 4711"


# Going on


def test_a_state_goes_through_its_file_unchanged():
    search, _ = run(Bench(ends={3: failing("the benchmark exited with 3")}))
    text = search.state.model_dump_json()
    assert BisectState.model_validate_json(text) == search.state
    assert '"schema":"perfgate.bisect"' in text


@pytest.mark.parametrize(
    ("now", "told_as"),
    [
        ({"workload_hash": "f" * 16}, "computes something else now"),
        ({"fingerprint": a_fingerprint(torch="2.14.0")}, "torch was 2.13.0, it is 2.14.0 now"),
        ({"fingerprint": a_fingerprint("nvidia-h100-x1")}, "another machine: hardware key"),
    ],
)
def test_launches_of_another_comparison_do_not_stand_beside(now, told_as):
    same = {"workload_hash": WORKLOAD, "fingerprint": a_fingerprint()}
    refuse_another(a_state(), **same)
    with pytest.raises(ConfigurationError, match=told_as):
        refuse_another(a_state(), **{**same, **now})


@pytest.mark.parametrize(
    "damage",
    [
        {"commits": COMMITS[:1]},
        {"commits": (*COMMITS, COMMITS[3])},
        {"pairs": [{"before": COMMITS[4].id, "after": COMMITS[2].id, "launches": []}]},
        {"pairs": [{"before": "e" * 40, "after": COMMITS[2].id, "launches": []}]},
        {"skipped": [{"id": COMMITS[0].id, "why": "?"}]},
        {"skipped": [{"id": "e" * 40, "why": "?"}]},
        {"margin": 0.0},
    ],
)
def test_a_state_that_contradicts_itself_is_refused(damage):
    with pytest.raises(ValueError, match="validation error"):
        a_state(**damage)
