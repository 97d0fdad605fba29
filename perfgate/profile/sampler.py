"""Samples device and host around a launch, once a second, in a thread of perfgate's own process.

Judges nothing. A reader that fails or hangs is told in the conditions; it ends no launch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from perfgate.profile.fitness import Process, conditions_of
from perfgate.profile.samples import DeviceSample, HostSample
from perfgate.records import Conditions

INTERVAL_S = 1.0
READING_LIMIT_S = 5.0
"""A driver that lost its device may never answer: no reading is waited for longer."""
_MAX_TROUBLES = 5
_MAX_TROUBLE_CHARS = 200


class Stop(Protocol):
    """What the sampler waits on between two samples: :class:`threading.Event`, or a test's own."""

    def wait(self, timeout: float) -> bool: ...

    def set(self) -> None: ...


class Sampler:
    """Samples before, during and after its block: a throttle may last a second.

    ``whose`` says of a process on a device whose it is, at the moment when it is first seen.
    """

    def __init__(
        self,
        *,
        read_host: Callable[[], HostSample],
        read_devices: Callable[[], Sequence[DeviceSample]],
        whose: Callable[[int], Process],
        stop: Stop,
        reading_limit_s: float = READING_LIMIT_S,
    ) -> None:
        self._read_host = read_host
        self._read_devices = read_devices
        self._whose = whose
        self._stop = stop
        self._reading_limit_s = reading_limit_s
        self._hosts: list[HostSample] = []
        self._devices: list[tuple[DeviceSample, ...]] = []
        self._processes: dict[int, Process] = {}
        self._troubles: dict[str, int] = {}
        self._first = threading.Event()
        self._thread = threading.Thread(target=self._run, name="perfgate-sampler", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._first.wait(self._reading_limit_s)
        except BaseException:
            self._stop.set()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(self._reading_limit_s)
        if self._thread.is_alive():
            self._trouble(f"a reading did not return within {self._reading_limit_s:g} s")

    def conditions(self) -> Conditions:
        """What was seen, after the block."""
        times = [
            text if count == 1 else f"{text} ({count} times)"
            for text, count in self._troubles.items()
        ]
        return conditions_of(
            tuple(self._hosts),
            tuple(self._devices),
            processes=dict(self._processes),
            troubles=times,
        )

    def _run(self) -> None:
        self._sample()
        self._first.set()
        while not self._stop.wait(INTERVAL_S):
            self._sample()
        self._sample()

    def _sample(self) -> None:
        for what, read in (("host", self._sample_host), ("device", self._sample_devices)):
            try:
                read()
            except Exception as error:  # noqa: BLE001 - whatever a driver's reader raises is told
                self._trouble(f"{what}: {error or type(error).__name__}")

    def _sample_host(self) -> None:
        self._hosts.append(self._read_host())

    def _sample_devices(self) -> None:
        moment: tuple[DeviceSample, ...] = ()
        try:
            moment = tuple(self._read_devices())
            for pid in {pid for sample in moment for pid in sample.processes}:
                if pid not in self._processes:
                    self._processes[pid] = self._whose(pid)
        finally:
            # Also where nothing could be read: the first moment has to stay the one before.
            self._devices.append(moment)

    def _trouble(self, text: str) -> None:
        text = " ".join(text.split())[:_MAX_TROUBLE_CHARS]
        if text in self._troubles or len(self._troubles) < _MAX_TROUBLES:
            self._troubles[text] = self._troubles.get(text, 0) + 1
