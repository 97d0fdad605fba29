"""Whether a launch ran under conditions that its times may be compared in, and who samples them."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from perfgate.profile.fitness import Process, conditions_of
from perfgate.profile.processes import ancestors, sees_pids_of_host, whose
from perfgate.profile.sampler import Sampler
from perfgate.profile.samples import DeviceSample, HostSample, Throttle
from perfgate.records import Conditions

OWN = {1: Process(pid=1, relation="own", name="bench")}


def a_device(*throttles: Throttle, index: int = 0, **readings: Any) -> DeviceSample:
    return DeviceSample(index=index, throttles=frozenset(throttles), **readings)


def hosts(*, pressure: float = 0, steal: float = 0, quota: float = 0, seconds: int = 10) -> Any:
    """A sample a second, each counter growing by its share of the second."""
    return [
        HostSample(
            at_ns=second * 10**9,
            pressure_us=round(second * pressure * 1e6),
            steal_ticks=round(second * steal * 1000),
            total_ticks=second * 1000,
            throttled_us=round(second * quota * 1e6),
        )
        for second in range(seconds + 1)
    ]


def judged(*moments: Sequence[DeviceSample], **known: Any) -> Conditions:
    return conditions_of([], moments, **{"processes": OWN, **known})


class TestDevice:
    @pytest.mark.parametrize(
        "throttle", ["hardware slowdown", "hardware thermal", "software thermal", "power brake"]
    )
    def test_running_below_its_clocks_is_unfit(self, throttle: Throttle) -> None:
        moments = [[a_device(throttle)]] * 3 + [[a_device()]] * 37
        seen = judged(*moments)
        assert seen.unfit == (f"{throttle}: on device 0 in 3 of 40 samples",)
        assert seen.warnings == ()
        assert seen.samples == 40

    @pytest.mark.parametrize("throttle", ["software power cap", "sync boost"])
    def test_what_large_products_usually_meet_is_told(self, throttle: Throttle) -> None:
        seen = judged([a_device(throttle)], [a_device(throttle)])
        assert seen.unfit == ()
        assert seen.warnings == (f"{throttle}: on device 0 in 2 of 2 samples",)

    def test_one_throttled_device_of_several_is_named(self) -> None:
        seen = judged([a_device(index=4), a_device("power brake", index=7)])
        assert seen.unfit == ("power brake: on device 7 in 1 of 1 samples",)

    def test_readings_are_the_lowest_and_the_highest(self) -> None:
        seen = judged(
            [a_device(clock_mhz=1980, temperature_c=40, power_w=120.5)],
            [a_device(clock_mhz=1200, temperature_c=83)],
            [a_device(clock_mhz=1755, temperature_c=71)],
        )
        assert seen.readings == {
            "clock_mhz": (1200, 1980),
            "temperature_c": (40, 83),
            "power_w": (120.5, 120.5),
        }

    def test_no_device_and_no_host__nothing_is_made_up(self) -> None:
        assert judged() == Conditions()


class TestProcesses:
    def test_the_launch_s_own_are_no_trouble(self) -> None:
        assert judged([a_device()], [a_device(processes=(1,))]).unfit == ()

    def test_a_foreign_one_makes_it_unfit_and_is_named(self) -> None:
        known = {**OWN, 4711: Process(pid=4711, relation="foreign", name="python3")}
        seen = judged([a_device()], [a_device(processes=(1, 4711))], processes=known)
        assert seen.unfit == (
            "load of other processes: pid 4711 (python3) on device 0 in 1 of 2 samples",
        )

    @pytest.mark.parametrize(
        ("moments", "unfit", "told"),
        [
            ("..x.", False, False),
            ("..xx", False, True),
            ("xxxx", True, False),
            ("x...", True, False),
        ],
        ids=["came and went", "came and stayed", "was there before", "was there before and left"],
    )
    def test_one_that_a_container_cannot_look_up(
        self, moments: str, unfit: bool, told: bool
    ) -> None:
        """By its number alone it may be the launch's own: by when it was there it is not."""
        samples = [[a_device(processes=(9,) if one == "x" else ())] for one in moments]
        seen = judged(*samples, processes={9: Process(pid=9, relation="unseen")})
        assert bool(seen.unfit) is unfit
        assert bool(seen.warnings) is told

    def test_many_foreign_ones_do_not_fill_the_record(self) -> None:
        crowd = {pid: Process(pid=pid, relation="foreign") for pid in range(1000)}
        assert len(judged([a_device(processes=tuple(crowd))], processes=crowd).unfit) == 5


class TestHost:
    @pytest.mark.parametrize(
        ("shares", "told"),
        [
            ({"pressure": 0.31}, "CPU pressure: a task waited for a CPU for 31 % of it"),
            ({"steal": 0.04}, "stolen CPU time: 4 % went to others of the host"),
            ({"quota": 0.12}, "a CPU quota: it stopped the cgroup for 12 % of it"),
        ],
    )
    def test_a_busy_host_warns_and_never_makes_unfit(self, shares: Any, told: str) -> None:
        seen = conditions_of(hosts(**shares), [], processes={})
        assert seen.warnings == (told,)
        assert seen.unfit == ()

    def test_a_quiet_host_is_silent(self) -> None:
        seen = conditions_of(hosts(pressure=0.2, steal=0.01, quota=0.01), [], processes={})
        assert seen.warnings == ()

    def test_readings_hold_the_lowest_and_the_highest_second(self) -> None:
        calm, busy = hosts(pressure=0.0, seconds=2), hosts(pressure=0.5, seconds=2)
        first = calm[-1]
        later = [
            HostSample(at_ns=first.at_ns + one.at_ns, pressure_us=one.pressure_us)
            for one in busy[1:]
        ]
        seen = conditions_of([*calm, *later], [], processes={})
        assert seen.readings["pressure_share"] == (0.0, 0.5)

    def test_a_launch_shorter_than_a_second_has_one_share(self) -> None:
        two = [HostSample(at_ns=0, pressure_us=0), HostSample(at_ns=10**8, pressure_us=50_000)]
        seen = conditions_of(two, [], processes={})
        assert seen.readings == {"pressure_share": (0.5, 0.5)}

    def test_what_the_kernel_does_not_count_is_left_out(self) -> None:
        two = [HostSample(at_ns=0), HostSample(at_ns=10**9)]
        assert conditions_of(two, [], processes={}) == Conditions(samples=2)


class Turns:
    """A stop that passes when the test says so: no second is waited for."""

    def __init__(self) -> None:
        self._asked: queue.Queue[float] = queue.Queue()
        self._answers: queue.Queue[bool] = queue.Queue()

    def wait(self, timeout: float) -> bool:
        self._asked.put(timeout)
        return self._answers.get()

    def set(self) -> None:
        self._answers.put(True)

    def tick(self) -> None:
        """Let a second pass; what is sampled in it is done when the next one is waited for."""
        assert self._asked.get(timeout=10) == 1.0
        self._answers.put(False)


def a_sampler(
    stop: Any,
    read_devices: Callable[[], Sequence[DeviceSample]] = list,
    read_host: Callable[[], HostSample] = lambda: HostSample(at_ns=0),
    asks: Callable[[int], Process] = lambda pid: Process(pid=pid, relation="own"),
    **limit: float,
) -> Sampler:
    return Sampler(read_host=read_host, read_devices=read_devices, whose=asks, stop=stop, **limit)


class TestSampler:
    def test_before_during_and_after(self) -> None:
        stop, clocks = Turns(), iter([1980, 1200, 1980, 1500])
        with a_sampler(stop, lambda: [a_device(clock_mhz=next(clocks))]) as sampler:
            stop.tick()
            stop.tick()
        seen = sampler.conditions()
        assert seen.samples == 4
        assert seen.readings["clock_mhz"] == (1200, 1980)

    def test_a_throttle_that_lasts_a_second_is_seen(self) -> None:
        stop = Turns()
        moments = iter([[a_device()], [a_device("hardware slowdown")], [a_device()]])
        with a_sampler(stop, lambda: next(moments)) as sampler:
            stop.tick()
        assert sampler.conditions().unfit == ("hardware slowdown: on device 0 in 1 of 3 samples",)

    def test_the_first_sample_is_taken_before_the_block(self) -> None:
        taken: list[str] = []
        with a_sampler(Turns(), lambda: taken.append("sample") or []):
            assert taken == ["sample"]

    def test_a_reader_that_raises_is_told_and_ends_nothing(self) -> None:
        def lost() -> Sequence[DeviceSample]:
            raise OSError("GPU is lost\nreboot")

        stop = Turns()
        with a_sampler(stop, lost) as sampler:
            stop.tick()
        seen = sampler.conditions()
        assert seen.warnings == (
            "conditions that could not be sampled: device: GPU is lost reboot (3 times)",
        )
        assert seen.samples == 3

    def test_a_process_is_looked_up_once_while_it_is_there(self) -> None:
        stop, asked = Turns(), []

        def asks(pid: int) -> Process:
            asked.append(pid)
            return Process(pid=pid, relation="foreign", name="other")

        with a_sampler(stop, lambda: [a_device(processes=(7,))], asks=asks) as sampler:
            stop.tick()
        assert asked == [7]
        assert "pid 7 (other)" in sampler.conditions().unfit[0]

    def test_a_failed_first_reading_does_not_make_the_launch_s_own_foreign(self) -> None:
        stop, moments = Turns(), iter([None, [a_device(processes=(7,))], [a_device()]])

        def read() -> Sequence[DeviceSample]:
            found = next(moments)
            if found is None:
                raise OSError("busy")
            return found

        unseen = lambda pid: Process(pid=pid, relation="unseen")  # noqa: E731
        with a_sampler(stop, read, asks=unseen) as sampler:
            stop.tick()
        assert sampler.conditions().unfit == ()

    def test_a_reader_that_hangs_is_left_behind(self) -> None:
        released = threading.Event()
        hangs = a_sampler(threading.Event(), lambda: released.wait() and [], reading_limit_s=0.01)
        with hangs as sampler:
            pass
        released.set()
        assert "a reading did not return" in sampler.conditions().warnings[0]

    def test_an_interrupted_launch_ends_the_sampling(self) -> None:
        sampler = a_sampler(threading.Event())
        with pytest.raises(KeyboardInterrupt), sampler:
            raise KeyboardInterrupt
        assert sampler.conditions().samples == 2


class TestWhose:
    @pytest.fixture
    def child(self) -> Any:
        """A process that was started as launches are: the leader of its own session."""
        script = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True);"
        with subprocess.Popen(
            [sys.executable, "-c", script + "sys.stdin.read()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            yield process
            os.killpg(process.pid, 9)

    def test_a_child_and_what_it_started_are_own(self, child: Any) -> None:
        grandchild = int(child.stdout.readline())
        assert whose(child.pid, pids_of_host=True).relation == "own"
        assert whose(grandchild, pids_of_host=True) == Process(
            pid=grandchild, relation="own", name="sleep"
        )

    def test_the_benchmark_around_an_inner_perfgate_is_own(self) -> None:
        assert whose(os.getppid(), pids_of_host=True).relation == "own"
        assert os.getppid() in ancestors()

    def test_one_that_nobody_here_started_is_foreign(self) -> None:
        line = ["setsid", "--fork", "sh", "-c", "echo $$; exec sleep 60 >/dev/null 2>&1"]
        pid = int(subprocess.run(line, capture_output=True, text=True, check=True).stdout)
        try:
            assert whose(pid, pids_of_host=True).relation == "foreign"
        finally:
            os.kill(pid, 9)

    def test_one_that_ended_is_unseen(self) -> None:
        done = subprocess.Popen(["true"])
        done.wait()
        assert whose(done.pid, pids_of_host=True).relation == "unseen"

    def test_in_a_container_a_number_names_nothing(self, tmp_path: Path) -> None:
        assert whose(os.getpid(), pids_of_host=False).relation == "unseen"
        assert not sees_pids_of_host(root=tmp_path)
