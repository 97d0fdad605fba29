"""Times calls side by side on one device, in interleaved rounds. Knows no kernel, imports no torch.

A block is many calls between two events of the device's queue, which on a CPU are readings of the
host's clock: long enough that neither the events nor a gap before the first call count. In every
round each contender has its turn, and another one begins, so that whatever else the machine does
meets all of them alike. A CPU is shared: its blocks are so short that most run undisturbed, and a
sample is the fastest of several. Samples are kept raw; which quantile of them counts is decided
elsewhere.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from perfgate.profile.devices.device import Device

Method: TypeAlias = Literal["host clock", "events", "graph"]
Run: TypeAlias = Callable[[], object]
Capture: TypeAlias = Callable[[Run], Run]
"""Makes a device graph of what a function hands to the device; returns what replays it.

Raises RuntimeError where that cannot be captured.
"""

LAUNCH_BOUND_US = 100.0
"""A call below it may be the host's time: starting a kernel takes 3 to 10 µs, and one has several.

Such calls are captured as a graph, which the host starts at once.
"""
LEAST_ROUNDS = 6
"""The fewest that an interval can be told from."""
MOST_CALLS = 20_000
"""In one block, however short a call is."""
_US_PER_MS = 1e3
_FASTEST_GROWTH = 10
_ABOVE = 1.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Contender:
    """Something to time: ``calls`` makes a function that hands so many calls to the device.

    ``prepare`` runs before every block, outside of its time. A block is of ``least_calls`` or more.
    """

    name: str
    calls: Callable[[int], Run]
    prepare: Callable[[], object]
    least_calls: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How long to look: blocks of at least ``block_ms``, as many ``rounds`` as fit ``limit_ms``.

    In a round each contender has ``tries`` blocks, in turns too, of which the fastest is its
    sample. The limit is on the time of all blocks together, and leaves at least LEAST_ROUNDS.
    """

    rounds: int = 15
    block_ms: float = 4.0
    tries: int = 1
    limit_ms: float = 60_000.0


def usual_plan(device: Device, *, rounds: int) -> Plan:
    """Ten blocks of half a millisecond on a CPU; one of 4 ms on a device that nobody shares.

    A scheduler takes a CPU away for milliseconds at a time: of blocks that long none is spared.
    """
    if device.kind == "cpu":
        return Plan(rounds=rounds, block_ms=0.5, tries=10)
    return Plan(rounds=rounds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """Microseconds a call, one sample a round: the mean over its fastest block of ``calls``."""

    method: Method
    calls: int
    samples_us: tuple[float, ...]

    def told(self) -> dict[str, Any]:
        """As it stands in a document."""
        samples = list(self.samples_us)
        return {"method": self.method, "calls": self.calls, "samples_us": samples}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Block:
    contender: Contender
    calls: int
    method: Method
    run: Run


def time_rounds(
    device: Device,
    contenders: Sequence[Contender],
    plan: Plan,
    *,
    capture: Capture | None = None,
) -> Mapping[str, Times]:
    """Time every contender once a round; ``capture`` is there where the device has graphs.

    What a contender raises is passed on: call each of them once before.
    """
    blocks = [_block(device, one, plan, capture) for one in contenders]
    samples: dict[str, list[float]] = {one.name: [] for one in contenders}
    spent_ms = 0.0
    with _no_garbage_collected():
        for turn in range(plan.rounds):
            if turn >= LEAST_ROUNDS and spent_ms > plan.limit_ms:
                break
            first = turn % len(blocks)
            took_ms: dict[str, list[float]] = {one.name: [] for one in contenders}
            for block in (*blocks[first:], *blocks[:first]) * plan.tries:
                took_ms[block.contender.name].append(_took_ms(device, block.contender, block.run))
            spent_ms += math.fsum(map(math.fsum, took_ms.values()))
            for block in blocks:
                fastest_ms = min(took_ms[block.contender.name])
                samples[block.contender.name].append(fastest_ms * _US_PER_MS / block.calls)
    return {
        block.contender.name: Times(
            method=block.method,
            calls=block.calls,
            samples_us=tuple(samples[block.contender.name]),
        )
        for block in blocks
    }


def _block(device: Device, contender: Contender, plan: Plan, capture: Capture | None) -> _Block:
    """A block of the right length; growing to it warms the contender up."""
    calls, call_us = _calls_of(device, contender, plan.block_ms)
    run = contender.calls(calls)
    method: Method = "host clock" if device.kind == "cpu" else "events"
    if capture is not None and call_us < LAUNCH_BOUND_US:
        try:
            run, method = capture(run), "graph"
        except RuntimeError:
            # What waits for the device, or allocates past the graph's pool, cannot be captured;
            # its times say that they are those of events.
            run = contender.calls(calls)
    return _Block(contender=contender, calls=calls, method=method, run=run)


def _calls_of(device: Device, contender: Contender, block_ms: float) -> tuple[int, float]:
    """How many calls fill a block, and what one took in microseconds."""
    calls = contender.least_calls
    most_calls = max(MOST_CALLS, calls)
    while True:
        took_ms = _took_ms(device, contender, contender.calls(calls))
        if took_ms >= block_ms or calls >= most_calls:
            return calls, took_ms * _US_PER_MS / calls
        most = min(_FASTEST_GROWTH * calls, most_calls)
        wanted = math.ceil(_ABOVE * calls * block_ms / took_ms) if took_ms > 0 else most
        calls = min(most, max(calls + 1, wanted))


def _took_ms(device: Device, contender: Contender, run: Run) -> float:
    contender.prepare()
    device.synchronise()
    began = device.event()
    run()
    ended = device.event()
    device.synchronise()
    return began.elapsed_ms(ended)


@contextmanager
def _no_garbage_collected() -> Iterator[None]:
    """Nothing of the calls makes cycles, and a collection within a block would be theirs."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
