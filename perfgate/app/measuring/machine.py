"""The machine as a job measures on it: leases its devices, looks at who else is there, samples it.

Everything that reads the machine comes in; :func:`real_machine` is the one that reads this host.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from perfgate.app.measuring.devices import Choice, Devices, HostDevice, find_devices
from perfgate.profile.ascend import read_samples
from perfgate.profile.devices.device import DeviceKind
from perfgate.profile.fingerprint import fingerprint_of
from perfgate.profile.fitness import Process
from perfgate.profile.host import read_host_sample
from perfgate.profile.lease import Leases, Note, Waiting, inherited, lease_folder
from perfgate.profile.nvidia import open_nvml, read_sample
from perfgate.profile.processes import ancestors, sees_pids_of_host, whose
from perfgate.profile.sampler import Sampler, Stop
from perfgate.profile.samples import DeviceSample, HostSample
from perfgate.records import Fingerprint

ReadDevices = Callable[[], Sequence[DeviceSample]]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a job may measure on.

    ``open_devices`` gives a reader of the devices with these indices that works while its block
    runs; ``whose`` says whose a process on a device is.
    """

    devices: Devices
    leases: Leases
    lease_timeout_s: float
    fingerprint_of: Callable[[Sequence[int]], Fingerprint]
    read_host: Callable[[], HostSample]
    open_devices: Callable[[Sequence[int]], contextlib.AbstractContextManager[ReadDevices]]
    whose: Callable[[int], Process]
    new_stop: Callable[[], Stop] = threading.Event

    @property
    def kind(self) -> DeviceKind:
        return self.devices.kind

    def fingerprint(self, count: int) -> Fingerprint:
        """The fingerprint of a job on ``count`` devices; DeviceError where there are fewer."""
        return self.fingerprint_of([device.index for device in self.devices.first(self.of(count))])

    @contextlib.contextmanager
    def hold(self, count: int) -> Iterator[Held]:
        """Lease ``count`` devices, the first free ones, for as long as the block runs.

        Raises DeviceError when none came free within the timeout, naming who holds them.
        """
        self.devices.first(self.of(count))
        known = {device.lease: device for device in self.devices.usable}
        with self.leases.hold(
            tuple(known), count=self.of(count), timeout_s=self.lease_timeout_s
        ) as names:
            devices = tuple(known[name] for name in names)
            with self.open_devices([device.index for device in devices]) as read_devices:
                yield Held(machine=self, devices=devices, read_devices=read_devices)

    def of(self, count: int) -> int:
        """A host has one CPU to lease, however many devices a case would take elsewhere."""
        return 1 if self.kind == "cpu" else count


@dataclass(frozen=True, kw_only=True)
class Held:
    """The devices that a job holds; ``adopted`` are processes on them that are its own."""

    machine: Machine
    devices: tuple[HostDevice, ...]
    read_devices: ReadDevices
    adopted: set[int] = field(default_factory=set)

    def fingerprint(self) -> Fingerprint:
        """The fingerprint of the very devices that are held."""
        return self.machine.fingerprint_of([device.index for device in self.devices])

    def environment(self, count: int) -> dict[str, str]:
        """What the processes of a case on ``count`` devices are told."""
        seen = self.devices[: self.machine.of(count)]
        names = [device.lease for device in self.devices]
        return {**self.machine.devices.seen(seen), **self.machine.leases.told_to_children(names)}

    def wait_until_alone(self) -> None:
        """Wait while others compute on the held devices: who takes no lease is still in the way.

        Raises DeviceError when the timeout of the lease is over, naming the processes.
        """
        machine = self.machine
        waiting = Waiting(leases=machine.leases, timeout_s=machine.lease_timeout_s)
        while others := self._others():
            waiting.again(f"the end of {'; '.join(others)}")

    def sampler(self) -> Sampler:
        """A sampler for one launch."""
        return Sampler(
            read_host=self.machine.read_host,
            read_devices=self.read_devices,
            whose=self._whose,
            stop=self.machine.new_stop(),
        )

    def adopt(self) -> None:
        """Take the unseen processes that are on the devices now for this job's own servers.

        In a container nothing tells whose a process is. To be called right after a server was
        started on devices where no other was.
        """
        with contextlib.suppress(Exception):  # the launch's sampler meets the same and tells it
            seen = {pid for sample in self.read_devices() for pid in sample.processes}
            self.adopted.update(pid for pid in seen if self._whose(pid).relation == "unseen")

    def free_memory_mb(self, count: int) -> float | None:
        """What is free on each of the first ``count`` held devices, in MiB, or on the host.

        None where nothing tells it.
        """
        if self.machine.kind == "cpu":
            return self.machine.read_host().free_memory_mb
        wanted = [device.index for device in self.devices[: self.machine.of(count)]]
        free = [one.free_memory_mb for one in self.read_devices() if one.index in wanted]
        known = [value for value in free if value is not None]
        return min(known) if known and len(known) == len(wanted) else None

    def _whose(self, pid: int) -> Process:
        found = self.machine.whose(pid)
        own = found.relation == "unseen" and pid in self.adopted
        return replace(found, relation="own") if own else found

    def _others(self) -> list[str]:
        """Processes on the held devices that are not this job's: its own are resident servers."""
        try:
            samples = self.read_devices()
        except Exception:  # noqa: BLE001 - the launch's sampler meets the same and tells it
            return []
        found = {
            (process.told(), sample.index)
            for sample in samples
            for process in map(self._whose, sample.processes)
            if process.relation != "own"
        }
        return [f"{told} on device {index}" for told, index in sorted(found)]


def real_machine(
    choice: Choice,
    *,
    environ: Mapping[str, str],
    now: Callable[[], str],
    tell: Callable[[str], None],
    job: str,
    lease_timeout_s: float,
) -> Machine:
    """This host. Raises DeviceError for a device that is not there, ConfigurationError where no
    folder for leases can be written."""
    devices = find_devices(choice, environ)
    note = Note(
        pid=os.getpid(),
        host=platform.node(),
        user=_user(),
        job=job,
        since=now()[:16].replace("T", " "),
    )
    openers: dict[
        DeviceKind, Callable[[Sequence[int]], contextlib.AbstractContextManager[ReadDevices]]
    ]
    openers = {"cpu": _no_devices, "cuda": _cuda_devices, "npu": _npu_devices}
    return Machine(
        devices=devices,
        leases=Leases(
            folder=lease_folder(environ),
            note=note,
            held=inherited(environ, ancestors=ancestors()),
            tell=tell,
            wait=time.sleep,
            clock=time.monotonic,
        ),
        lease_timeout_s=lease_timeout_s,
        fingerprint_of=lambda indices: fingerprint_of(
            devices.kind, visible=tuple(indices), environ=environ
        ),
        read_host=read_host_sample,
        open_devices=openers[devices.kind],
        whose=partial(whose, pids_of_host=sees_pids_of_host()),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that no user has.
        return str(os.getuid())


@contextlib.contextmanager
def _no_devices(indices: Sequence[int]) -> Iterator[ReadDevices]:  # noqa: ARG001 - the host's CPUs
    yield list


@contextlib.contextmanager
def _cuda_devices(indices: Sequence[int]) -> Iterator[ReadDevices]:
    with open_nvml() as nvml:
        yield lambda: [read_sample(nvml, index) for index in indices]


@contextlib.contextmanager
def _npu_devices(indices: Sequence[int]) -> Iterator[ReadDevices]:
    yield lambda: [sample for sample in read_samples() if sample.index in indices]
