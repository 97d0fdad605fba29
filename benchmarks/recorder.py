"""Measures what the stage recorder costs: ``make bench-profile``.

    python -m benchmarks.recorder [--rounds 200]

Every round times each contender once, some hundred `with` blocks around nothing, and the order
changes from round to round, so that whatever else the machine does meets all of them alike. The
cost of a stage is a contender's time less the empty loop's; the minimum over the rounds is what the
code costs, the median what it cost here and now. Garbage is collected as in any program.

Exit code 1 where a goal is missed. No figure is kept: it is this machine's, now.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from timeit import Timer

from perfgate.profile.devices.cpu import CpuDevice
from perfgate.profile.recorder import NO_RECORDER, StageRecorder, Sync

GOAL_ON_NS = 1500.0
GOAL_OFF_NS = 100.0
GOAL_SHARE = 0.001

STEPS, STAGES = 50, 6
STEP_NS, NS_PER_S = 1e6, 1e9
"""The step of the run that the cost is held against: 1 ms, the shortest that the goal speaks of.

The CPU presets take tens of milliseconds a step, and a real model hundreds.
"""

SYNCS: tuple[Sync, ...] = ("stage", "events", "off")
OFF = "recorder off"
NOTHING = "nothing (the empty loop)"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to time a stage: ``block`` is run, with what ``made`` makes before each round."""

    name: str
    block: str
    made: Callable[[], object]
    goal_ns: float | None = None
    blocks: int = 500

    def timer(self) -> Timer:
        return Timer(
            self.block,
            setup="import gc; gc.enable(); made = make()",  # timeit switches the collection off
            globals={"make": self.made},
        )


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Nanoseconds a stage, over the empty loop."""

    minimum_ns: float
    median_ns: float


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and say with the exit code whether every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200, help="how often each is timed")
    rounds = parser.parse_args(arguments).rounds
    contenders = all_contenders()
    costs = measure(contenders, rounds=rounds)
    print(f"Python {sys.version.split()[0]}, {CpuDevice().name()}, {rounds} interleaved rounds\n")
    print(f"{'nanoseconds a stage':42} {'minimum':>9} {'median':>9}   goal")
    for contender in contenders:
        print(_row(contender, costs[contender.name]))
    print(f"\n{STEPS} steps of {STEP_NS / 1e6:g} ms in {STAGES} stages: share of the run, as calls")
    print(f"times minimum cost {'':23} {'share':>9} {'':>9}   goal")
    shares = {sync: share(costs, sync, memory=False) for sync in SYNCS}
    for sync in SYNCS:
        told = _against(shares[sync] <= GOAL_SHARE, f"≤ {GOAL_SHARE:.1%}")
        print(f"  {on(sync):40} {shares[sync]:>9.3%} {'':>9}   {told}")
    for sync in SYNCS:
        told = "none: only if asked for"
        print(
            f"  {on(sync, memory=True):40} {share(costs, sync, memory=True):>9.3%} {'':>9}   {told}"
        )
    met = [costs[one.name].minimum_ns <= one.goal_ns for one in contenders if one.goal_ns]
    return 0 if all(met) and all(one <= GOAL_SHARE for one in shares.values()) else 1


def on(sync: Sync, *, memory: bool = False) -> str:
    """What a recorder that is switched on is called."""
    return f"recorder on, sync={sync}{', memory' if memory else ''}"


def all_contenders() -> list[Contender]:
    """Ours and their peers; torch's only where there is torch."""
    opened = 'with made("DenoisingStage"): pass'
    found = [
        Contender(name=NOTHING, block="pass", made=object),
        Contender(name="contextlib.nullcontext", block=opened, made=lambda: nullcontext),
        Contender(name="generator context manager", block=opened, made=lambda: generated),
    ]
    try:
        from torch.profiler import record_function  # noqa: PLC0415 - heavy, and may be missing
    except ModuleNotFoundError:
        print("torch is not installed: torch.profiler.record_function is left out\n")
    else:
        name = "torch.profiler.record_function"
        found.append(Contender(name=name, block=opened, made=lambda: record_function))
    found += [ours(sync, memory=memory) for memory in (False, True) for sync in SYNCS]
    block = 'with made.stage("DenoisingStage"): pass'
    return [*found, Contender(name=OFF, block=block, made=lambda: NO_RECORDER, goal_ns=GOAL_OFF_NS)]


def ours(sync: Sync, *, memory: bool) -> Contender:
    """A recorder as a request has it, on the CPU, whose events and waits are the cheapest."""
    device = CpuDevice()
    return Contender(
        name=on(sync, memory=memory),
        block='with made.stage("DenoisingStage"): pass',
        made=lambda: StageRecorder(device=device, sync=sync, capture_memory=memory),
        goal_ns=None if memory else GOAL_ON_NS,
        blocks=50 if memory else 500,
    )


def measure(contenders: Sequence[Contender], *, rounds: int) -> dict[str, Cost]:
    """Time each contender once a round, beginning with another one each round."""
    timers = [(one, one.timer()) for one in contenders]
    seen: dict[str, list[float]] = {one.name: [] for one in contenders}
    for turn in range(rounds):
        first = turn % len(timers)
        for one, timer in (*timers[first:], *timers[:first]):
            seen[one.name].append(timer.timeit(one.blocks) / one.blocks * NS_PER_S)
    least, usual = min(seen[NOTHING]), statistics.median(seen[NOTHING])
    return {
        name: Cost(minimum_ns=min(times) - least, median_ns=statistics.median(times) - usual)
        for name, times in seen.items()
        if name != NOTHING
    } | {NOTHING: Cost(minimum_ns=least, median_ns=usual)}


def share(costs: Mapping[str, Cost], sync: Sync, *, memory: bool) -> float:
    """Of a run's steps alone; every step, every stage and the request is one call."""
    plain_ns = costs[on(sync)].minimum_ns
    stage_ns = costs[on(sync, memory=memory)].minimum_ns
    return ((STEPS + 1) * plain_ns + STAGES * stage_ns) / (STEPS * STEP_NS)


@contextmanager
def generated(_name: str) -> Iterator[None]:
    """The usual way to write a context manager."""
    yield


def _row(contender: Contender, cost: Cost) -> str:
    goal = contender.goal_ns
    told = "" if goal is None else _against(cost.minimum_ns <= goal, f"≤ {goal:.0f}")
    return f"  {contender.name:40} {cost.minimum_ns:>9.0f} {cost.median_ns:>9.0f}   {told}"


def _against(met: bool, goal: str) -> str:
    return f"{goal}  {'met' if met else 'MISSED'}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
