"""Opens the device that a case or a person asks for, or says why it cannot. torch comes late."""

from __future__ import annotations

import difflib
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from perfgate.errors import DeviceError
from perfgate.profile.devices.absent import AcceleratorKind, Surroundings, absent
from perfgate.profile.devices.cpu import CpuDevice
from perfgate.profile.devices.cuda import CudaDevice
from perfgate.profile.devices.device import Device
from perfgate.profile.devices.loading import import_torch
from perfgate.profile.devices.npu import NpuDevice

_ACCELERATORS: Mapping[AcceleratorKind, type[CudaDevice | NpuDevice]] = {
    "cuda": CudaDevice,
    "npu": NpuDevice,
}
_NAMES = ("auto", "cpu", *_ACCELERATORS)
_OTHER_NAMES = {"gpu": "cuda", "nvidia": "cuda", "ascend": "npu"}
_WANTED = re.compile(r"(?P<name>[a-z_]+)(?::(?P<index>[0-9]{1,4}))?")
_ALLOWED = "Use auto, cpu, cuda, npu, or one of several as in cuda:1."
_MOST_SAID_CHARS = 300


def open_device(
    wanted: str = "auto",
    *,
    torch: Any = None,  # noqa: ANN401 - the module; imported where it is needed and not handed in
    root: Path = Path("/"),
    environ: Mapping[str, str] = os.environ,
) -> Device:
    """The device called ``wanted``: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``npu`` or ``npu:0``.

    ``auto`` is the accelerator that torch sees, else the CPU, which needs no torch; an accelerator
    that is there and broken is an error, not a measurement of the CPU. An accelerator is made this
    process's current one of its kind. Raises DeviceError for a device that is absent
    or refuses, an index out of range and a name that is none; ConfigurationError where torch is
    needed and missing.
    """
    name, index = _parse(wanted)
    if name == "cpu":
        _check_index("cpu", index, 1)
        return CpuDevice(root=root)
    if name == "auto" and torch is None and find_spec("torch") is None:
        return CpuDevice(root=root)
    torch = torch or import_torch()
    around = Surroundings(torch=torch, root=root, environ=environ)
    if name != "auto":
        return _open(cast("AcceleratorKind", name), index, around)
    for kind in _ACCELERATORS:
        count, warning = _count(kind, torch)
        if count or (warning and around.has_file(kind)):
            return _open(kind, 0, around)
    return CpuDevice(root=root)


def _parse(wanted: str) -> tuple[str, int]:
    shown = repr(wanted[:40])
    match = _WANTED.fullmatch(wanted)
    if match is None:
        raise DeviceError(f"{shown} names no device", fix=_ALLOWED)
    name, index = match["name"], match["index"]
    if name not in _NAMES:
        near = [_OTHER_NAMES.get(name), *difflib.get_close_matches(name, _NAMES, n=1)]
        meant = next((f" Did you mean {one}?" for one in near if one), "")
        raise DeviceError(f"there is no device {shown}.{meant}", fix=_ALLOWED)
    if name == "auto" and index:
        raise DeviceError(f"{shown}: auto takes no index", fix=_ALLOWED)
    return name, int(index or 0)


def _open(kind: AcceleratorKind, index: int, around: Surroundings) -> Device:
    torch = around.torch
    count, warning = _count(kind, torch)
    if not count:
        raise absent(kind, replace(around, warning=warning))
    _check_index(kind, index, count)
    device = _ACCELERATORS[kind](torch=torch, index=index)
    try:
        # The first touch makes the context: a device that is full or taken refuses here.
        getattr(torch, kind).set_device(index)
        device.synchronise()
    except RuntimeError as error:
        raise DeviceError(
            f"{device.torch_device} is visible but cannot be used ({_one_line(error)})",
            fix="See with nvidia-smi or npu-smi whether another process holds it or its memory, "
            "and whether the driver reports an error.",
        ) from error
    return device


def _count(kind: AcceleratorKind, torch: Any) -> tuple[int, str]:  # noqa: ANN401 - the module
    """How many devices of a kind torch can use now, and what it said while it looked.

    Asked at run time: a CUDA build of torch also calls itself CUDA where there is no GPU.
    """
    module = getattr(torch, kind, None)
    if module is None:
        return 0, ""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            count = int(module.device_count()) if module.is_available() else 0
        except RuntimeError as error:
            raise DeviceError(
                f"torch cannot tell how many {kind} devices there are ({_one_line(error)})",
                fix="Check the driver with nvidia-smi or npu-smi info, and that torch was built "
                "for it.",
            ) from error
    return count, _one_line(warned[-1].message) if warned else ""


def _check_index(kind: str, index: int, count: int) -> None:
    if index >= count:
        there_are = "there is 1 such device" if count == 1 else f"there are {count} such devices"
        last = "" if count == 1 else f" to {kind}:{count - 1}"
        raise DeviceError(
            f"{kind}:{index} is out of range: {there_are}", fix=f"Use {kind}:0{last}."
        )


def _one_line(said: object) -> str:
    return " ".join(str(said).split())[:_MOST_SAID_CHARS]
