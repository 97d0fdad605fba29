"""Which devices of this host a job may measure on, and what its processes see of them. No lease.

Devices are counted as a process sees them: ``cuda:1`` is the second that CUDA_VISIBLE_DEVICES
shows. torch is never imported: what is there comes from the drivers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast

from perfgate.errors import ConfigurationError, DeviceError
from perfgate.profile.ascend import ask_npu_smi, parse_npu_smi
from perfgate.profile.devices.device import DeviceKind
from perfgate.profile.host import read_accelerators
from perfgate.profile.nvidia import read_nvidia
from perfgate.profile.nvml import Nvml
from perfgate.profile.visible import VARIABLES, present_kind, visible_gpus, visible_npus

DEVICE_VARIABLE: Final = "PERFGATE_DEVICE"
"""Tells a benchmark which kind of device it is measured on."""
_CHOICE: Final = re.compile(r"(auto|cpu)|(cuda|npu)(?::(\d{1,4}))?")
_NOT_IN_FILE_NAMES: Final = re.compile(r"[^A-Za-z0-9-]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What a person asks for; without ``index`` any device of the kind will do."""

    kind: Literal["auto"] | DeviceKind = "auto"
    index: int | None = None

    def __str__(self) -> str:
        return self.kind if self.index is None else f"{self.kind}:{self.index}"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostDevice:
    """One device: ``index`` is its driver's number, ``lease`` its name among all of the host."""

    kind: DeviceKind
    index: int
    lease: str
    uuid: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Devices:
    """What a job may use: ``usable`` of the ``visible`` ones, which a process sees unrestricted."""

    kind: DeviceKind
    visible: tuple[HostDevice, ...]
    usable: tuple[HostDevice, ...]
    hides_accelerators: bool = False

    def first(self, count: int) -> tuple[HostDevice, ...]:
        """The first ``count`` usable ones; raises DeviceError where there are fewer."""
        if count > len(self.usable):
            raise DeviceError(
                f"the selected cases need {count} {self.kind} devices, and {len(self.usable)} of "
                f"{len(self.visible)} visible ones may be used",
                fix="Select cases that need fewer with --case, give --device no index, or show "
                "this process more devices.",
            )
        return self.usable[:count]

    def seen(self, leased: Sequence[HostDevice]) -> dict[str, str]:
        """The variables that show a process these devices alone."""
        told = {DEVICE_VARIABLE: str(self.kind)}
        if self.kind == "cpu":
            hidden = VARIABLES.values() if self.hides_accelerators else ()
            return {**told, **dict.fromkeys(hidden, "")}
        if len(leased) == len(self.visible):
            # Nothing to hide; what is set may name a part of a device.
            return told
        # CUDA counts the fastest first, the driver by bus: a UUID means the same to both.
        names = ",".join(device.uuid or str(device.index) for device in leased)
        return {**told, VARIABLES[self.kind]: names}


def parse_choice(text: str) -> Choice:
    """Read ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``npu`` or ``npu:1``.

    Raises ConfigurationError for anything else.
    """
    match = _CHOICE.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"{text[:40]!r} is no device", fix="Write auto, cpu, cuda, cuda:1, npu or npu:1."
        )
    kind = cast("DeviceKind", match[1] or match[2])
    return Choice(kind=kind, index=None if match[3] is None else int(match[3]))


def find_devices(
    choice: Choice,
    environ: Mapping[str, str],
    *,
    root: Path = Path("/"),
    nvml: Nvml | None = None,
    ask_npu: Callable[[], str] = ask_npu_smi,
) -> Devices:
    """The devices of this host that ``choice`` means.

    Raises DeviceError where the kind is absent or the index out of range, with what there is.
    """
    kind = present_kind(environ, nvml=nvml, root=root) if choice.kind == "auto" else choice.kind
    if kind == "cpu":
        # Two jobs on the CPUs of one host disturb each other, whichever cores they use.
        host = (HostDevice(kind="cpu", index=0, lease="cpu"),)
        return Devices(
            kind="cpu", visible=host, usable=host, hides_accelerators=choice.kind == "cpu"
        )
    if kind == "cuda":
        visible, problem = _cuda(environ, nvml)
    else:
        visible, problem = _npu(environ, root, ask_npu)
    if not visible:
        hidden = VARIABLES[kind] if VARIABLES[kind] in environ else ""
        why = "; ".join(part for part in (problem, hidden and f"{hidden} is set") if part)
        raise DeviceError(
            f"--device {choice}: no {kind} device is visible here" + (f" ({why})" if why else ""),
            fix="Run `perfgate doctor`, which says what is missing; --device cpu measures the CPU.",
        )
    if choice.index is None:
        return Devices(kind=kind, visible=visible, usable=visible)
    if choice.index >= len(visible):
        there_are = ", ".join(f"{kind}:{position}" for position in range(len(visible)))
        raise DeviceError(
            f"--device {choice}: the index is out of range; there is {there_are}",
            fix=f"Give one of these, or --device {kind} for the first that is free.",
        )
    return Devices(kind=kind, visible=visible, usable=(visible[choice.index],))


def _cuda(environ: Mapping[str, str], nvml: Nvml | None) -> tuple[tuple[HostDevice, ...], str]:
    nvidia = read_nvidia(nvml)
    uuids = {gpu.index: gpu.uuid for gpu in nvidia.gpus}
    found = tuple(
        HostDevice(
            kind="cuda", index=index, lease=_lease("cuda", uuids[index], index), uuid=uuids[index]
        )
        for index in visible_gpus(environ, nvidia.gpus)
    )
    return found, nvidia.problem


def _npu(
    environ: Mapping[str, str], root: Path, ask_npu: Callable[[], str]
) -> tuple[tuple[HostDevice, ...], str]:
    """Device files are enough: npu-smi may be missing in a container that can compute."""
    problem = ""
    count = read_accelerators(root=root).ascend_files
    if not count:
        try:
            count = len(parse_npu_smi(ask_npu())[0])
        except DeviceError as error:
            problem = error.problem
    found = tuple(
        HostDevice(kind="npu", index=index, lease=_lease("npu", "", index))
        for index in visible_npus(environ, count)
    )
    return found, problem


def _lease(kind: str, uuid: str, index: int) -> str:
    """A UUID is the same in every container of the host, an index is not."""
    return f"{kind}-{_NOT_IN_FILE_NAMES.sub('-', uuid) or index}"
