"""Judges whether a launch was measured under conditions that its times may be compared in. Pure.

A throttled or shared device makes a launch unfit. The host's CPUs only warn: their counters belong
to everything that runs on the host, the launch itself included. Each text is a reason, a colon, and
where it was seen, so that reasons can be counted over launches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from perfgate.profile.samples import DeviceSample, HostSample, Throttle
from perfgate.records import Conditions

UNFIT: frozenset[Throttle] = frozenset(
    {"hardware slowdown", "hardware thermal", "software thermal", "power brake"}
)
"""The device ran below the clocks that it was set to. The others (power cap, sync boost) are usual
in large matrix products: they are told."""

PRESSURE_SHARE = 0.20
"""Of the launch in which some task waited for a CPU. The launch's own threads wait for each other
too, so that less is usual where they are as many as the CPUs."""
STEAL_SHARE = 0.01
"""Of the host's CPU time that a hypervisor gave to others: 1 % is what a margin can be."""
THROTTLED_SHARE = 0.01
"""Of the launch in which the cgroup's quota stopped it; several CPUs add up."""

_LEAST_INTERVAL_NS = 500_000_000
_READINGS = ("clock_mhz", "memory_clock_mhz", "temperature_c", "power_w")
_MAX_TOLD = 5

Relation: TypeAlias = Literal["own", "foreign", "unseen"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """A process on a device; ``unseen`` is one that this host's ``/proc`` does not show.

    The driver counts processes as the host does. In a container their numbers mean nothing, so that
    the launch's own cannot be known by them.
    """

    pid: int
    relation: Relation
    name: str = ""

    def told(self) -> str:
        """``pid 4711 (python3)``."""
        return f"pid {self.pid} ({self.name})" if self.name else f"pid {self.pid}"


def conditions_of(
    hosts: Sequence[HostSample],
    devices: Sequence[Sequence[DeviceSample]],
    *,
    processes: Mapping[int, Process],
    troubles: Sequence[str] = (),
) -> Conditions:
    """What the samples of one launch say: the first was taken before it, the last after it.

    ``devices`` holds the leased devices at each moment, ``processes`` whose each process seen on
    them is, ``troubles`` what could not be read.
    """
    unfit, warnings = _throttled(devices)
    foreign, lingering = _others(devices, processes)
    shares = _shares(hosts)
    return Conditions(
        samples=max(len(hosts), len(devices)),
        unfit=(*unfit, *foreign),
        warnings=(
            *warnings,
            *lingering,
            *_host_warnings(shares),
            *(f"conditions that could not be sampled: {trouble}" for trouble in troubles),
        ),
        readings={**_readings(devices), **_share_readings(hosts, shares)},
    )


def _throttled(devices: Sequence[Sequence[DeviceSample]]) -> tuple[list[str], list[str]]:
    """Reasons that make the launch unfit, and those that are only told."""
    seen: dict[tuple[Throttle, int], int] = {}
    for sample in _each(devices):
        for throttle in sample.throttles:
            seen[throttle, sample.index] = seen.get((throttle, sample.index), 0) + 1
    unfit: list[str] = []
    told: list[str] = []
    for (throttle, index), times in sorted(seen.items()):
        text = f"{throttle}: on device {index} in {times} of {len(devices)} samples"
        (unfit if throttle in UNFIT else told).append(text)
    return unfit, told


def _others(
    devices: Sequence[Sequence[DeviceSample]], processes: Mapping[int, Process]
) -> tuple[list[str], list[str]]:
    """Foreign processes make a launch unfit; one that cannot be told apart and stays is told.

    An unseen one that was there before the launch is foreign. One that came and went with the
    launch is taken for the launch's own.
    """
    seen: dict[tuple[int, int], int] = {}
    for sample in _each(devices):
        for pid in set(sample.processes):
            seen[pid, sample.index] = seen.get((pid, sample.index), 0) + 1
    before, after = (
        {pid for sample in moment for pid in sample.processes}
        for moment in (devices[0] if devices else (), devices[-1] if devices else ())
    )
    foreign, lingering = [], []
    for (pid, index), times in sorted(seen.items()):
        process = processes.get(pid, Process(pid=pid, relation="unseen"))
        where = f"{process.told()} on device {index} in {times} of {len(devices)} samples"
        if process.relation == "foreign" or (process.relation == "unseen" and pid in before):
            foreign.append(f"load of other processes: {where}")
        elif process.relation == "unseen" and pid in after:
            lingering.append(f"possible load of other processes: {where}, and after it")
    return foreign[:_MAX_TOLD], lingering[:_MAX_TOLD]


def _shares(hosts: Sequence[HostSample]) -> dict[str, float]:
    """The host's shares from the first sample to the last."""
    return _between(hosts[0], hosts[-1]) if len(hosts) >= 2 else {}


def _between(one: HostSample, other: HostSample) -> dict[str, float]:
    elapsed_us = (other.at_ns - one.at_ns) / 1000.0
    counters = {
        "pressure_share": (one.pressure_us, other.pressure_us, elapsed_us),
        "steal_share": (
            one.steal_ticks,
            other.steal_ticks,
            (other.total_ticks or 0) - (one.total_ticks or 0),
        ),
        "throttled_share": (one.throttled_us, other.throttled_us, elapsed_us),
    }
    return {
        name: max(0.0, (last - first) / whole)
        for name, (first, last, whole) in counters.items()
        if first is not None and last is not None and whole > 0
    }


def _host_warnings(shares: Mapping[str, float]) -> Iterator[str]:
    rules = (
        ("pressure_share", PRESSURE_SHARE, "CPU pressure: a task waited for a CPU for {} of it"),
        ("steal_share", STEAL_SHARE, "stolen CPU time: {} went to others of the host"),
        ("throttled_share", THROTTLED_SHARE, "a CPU quota: it stopped the cgroup for {} of it"),
    )
    for name, threshold, text in rules:
        if shares.get(name, 0.0) > threshold:
            yield text.format(f"{100.0 * shares[name]:.0f} %")


def _readings(devices: Sequence[Sequence[DeviceSample]]) -> dict[str, tuple[float, float]]:
    found = {
        name: [value for one in _each(devices) if (value := getattr(one, name)) is not None]
        for name in _READINGS
    }
    return {name: (min(values), max(values)) for name, values in found.items() if values}


def _share_readings(
    hosts: Sequence[HostSample], whole: Mapping[str, float]
) -> dict[str, tuple[float, float]]:
    """Each share's lowest and highest second; a launch shorter than that has one interval."""
    seconds = [
        _between(one, other)
        for one, other in pairwise(hosts)
        if other.at_ns - one.at_ns >= _LEAST_INTERVAL_NS
    ]
    found = {
        name: [second[name] for second in seconds if name in second] or [share]
        for name, share in whole.items()
    }
    return {name: (min(values), max(values)) for name, values in found.items()}


def _each(devices: Sequence[Sequence[DeviceSample]]) -> Iterator[DeviceSample]:
    for moment in devices:
        yield from moment
