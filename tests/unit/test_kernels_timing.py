"""How calls are timed in rounds: on a device with a queue and a clock of its own."""

from __future__ import annotations

import gc

import pytest

from perfgate.profile.devices.cpu import CpuDevice
from perfgate.workloads.kernels.timing import (
    LEAST_ROUNDS,
    MOST_CALLS,
    Contender,
    Plan,
    time_rounds,
    usual_plan,
)
from tests.fakes.queued_device import Clock, QueuedDevice


class Bench:
    """Contenders whose every call takes the device as long as they say; ``began`` is the order."""

    def __init__(self) -> None:
        self.device = QueuedDevice(Clock())
        self.began: list[str] = []
        self.prepared_ms = 0.0

    def contender(self, name, call_ms):
        def calls(count):
            def run():
                self.began.append(name)
                for _ in range(count):
                    self.device.launch(call_ms)

            return run

        return Contender(name=name, calls=calls, prepare=self._prepare)

    def _prepare(self):
        if self.prepared_ms:
            self.device.launch(self.prepared_ms)

    def timed(self, plan=None, capture=None, **call_ms):
        contenders = [self.contender(name, ms) for name, ms in call_ms.items()]
        return time_rounds(self.device, contenders, plan or Plan(rounds=8), capture=capture)


def test_times__are_the_devices_own_however_soon_the_host_is_done():
    found = Bench().timed(slow=0.5, fast=0.125)
    assert found["slow"].samples_us == pytest.approx([500.0] * 8)
    assert found["fast"].samples_us == pytest.approx([125.0] * 8)
    assert found["slow"].method == "events"


def test_times__of_what_is_prepared_are_nobodys():
    bench = Bench()
    bench.prepared_ms = 50.0
    assert bench.timed(one=0.5)["one"].samples_us == pytest.approx([500.0] * 8)


def test_blocks__are_as_long_as_asked_for_and_no_more_calls_than_bounded():
    bench = Bench()
    found = bench.timed(Plan(rounds=6, block_ms=4.0), short=0.02, long=10.0)
    assert found["long"].calls == 1
    assert 200 <= found["short"].calls <= 300
    nothing = Contender(name="nothing", calls=lambda _: lambda: None, prepare=lambda: None)
    found = time_rounds(bench.device, [nothing], Plan(rounds=6))
    assert found["nothing"].calls == MOST_CALLS


def test_rounds__everyone_has_a_turn_and_another_one_begins():
    bench = Bench()
    bench.timed(Plan(rounds=6, block_ms=1.0), a=2.0, b=2.0, c=2.0)
    turns = ["".join(bench.began[place : place + 3]) for place in range(0, len(bench.began), 3)]
    assert turns == ["abc", *("abc", "bca", "cab") * 2], "the first three are for the length"


def test_samples__are_the_fastest_of_the_tries_which_take_turns_too():
    bench = Bench()
    durations = iter([2.0, 2.0, *[9.0, 4.0, 3.0, 2.0, 8.0, 6.0] * 6])

    def calls(name):
        def made(_count):
            def run():
                bench.began.append(name)
                bench.device.launch(next(durations))

            return run

        return made

    two = [Contender(name=name, calls=calls(name), prepare=lambda: None) for name in "ab"]
    plan = Plan(rounds=6, block_ms=1.0, tries=3)
    found = time_rounds(bench.device, two, plan)
    assert "".join(bench.began[2:14]) == "ababab" + "bababa"
    assert found["a"].samples_us == pytest.approx([3000.0, 2000.0] * 3)
    assert found["b"].samples_us == pytest.approx([2000.0, 3000.0] * 3)


def test_blocks__go_through_all_that_a_contender_has():
    many = MOST_CALLS + 1
    bench, counts = Bench(), []
    contender = Contender(
        name="cold",
        calls=lambda count: lambda: (counts.append(count), bench.device.launch(9.0)),
        prepare=lambda: None,
        least_calls=many,
    )
    assert time_rounds(bench.device, [contender], Plan(rounds=6))["cold"].calls == many
    assert set(counts) == {many}


def test_plan__a_shared_cpu_has_short_blocks_and_several_tries():
    plan = usual_plan(CpuDevice(), rounds=9)
    assert (plan.rounds, plan.tries) == (9, 10)
    assert plan.block_ms < 1.0
    assert usual_plan(Bench().device, rounds=9).tries == 1


def test_rounds__end_early_where_they_take_too_long_but_never_too_early():
    found = Bench().timed(Plan(rounds=100, limit_ms=1.0), one=2.0)
    assert len(found["one"].samples_us) == LEAST_ROUNDS
    found = Bench().timed(Plan(rounds=100, block_ms=2.0, limit_ms=100.0), one=2.0)
    assert len(found["one"].samples_us) == 51


def test_graphs__replay_what_would_be_the_hosts_time_and_nothing_longer():
    bench, replayed = Bench(), []

    def capture(run):
        def replay():
            replayed.append(run)
            bench.device.launch(1.0)

        return replay

    found = bench.timed(capture=capture, short=0.05, long=0.5)
    assert (found["short"].method, found["long"].method) == ("graph", "events")
    assert len(replayed) == 8
    assert found["short"].samples_us == pytest.approx([1000.0 / found["short"].calls] * 8)


def test_graphs__what_cannot_be_captured_is_timed_by_events_and_says_so():
    def capture(run):
        raise RuntimeError("operation not permitted when stream is capturing")

    found = Bench().timed(capture=capture, short=0.05)
    assert found["short"].method == "events"
    assert found["short"].samples_us == pytest.approx([50.0] * 8)


def test_cpu__is_timed_by_the_hosts_clock():
    contender = Contender(name="sum", calls=lambda n: lambda: sum(range(n)), prepare=lambda: None)
    found = time_rounds(CpuDevice(), [contender], Plan(rounds=6, block_ms=0.01))
    assert found["sum"].method == "host clock"
    assert len(found["sum"].samples_us) == 6


def test_garbage__is_collected_again_after_the_rounds_also_where_they_fail():
    def calls(count):
        def run():
            if gc.isenabled():
                return
            raise RuntimeError("within the rounds")

        return run

    broken = Contender(name="broken", calls=calls, prepare=lambda: None)
    with pytest.raises(RuntimeError, match="within the rounds"):
        time_rounds(CpuDevice(), [broken], Plan(rounds=6, block_ms=0.0))
    assert gc.isenabled()
