"""Says which devices a process may use, and of which kind they are. Never imports torch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from perfgate.profile.devices.device import DeviceKind
from perfgate.profile.host import read_accelerators
from perfgate.profile.nvidia import GpuFacts, read_nvidia
from perfgate.profile.nvml import Nvml

VARIABLES: Final[Mapping[Literal["cuda", "npu"], str]] = MappingProxyType(
    {"cuda": "CUDA_VISIBLE_DEVICES", "npu": "ASCEND_RT_VISIBLE_DEVICES"}
)
_INDEX: Final = re.compile(r"\+?(\d{1,4})")
_MIG_OF_GPU: Final = re.compile(r"MIG-(GPU-[0-9a-fA-F-]+)/\d+/\d+")


def present_kind(
    environ: Mapping[str, str], *, nvml: Nvml | None = None, root: Path = Path("/")
) -> DeviceKind:
    """The kind that a job measures on where it names none: cuda, else npu, else cpu.

    A kind is present where one of its devices is visible, whatever the torch here was built for:
    a job on a GPU machine whose torch cannot use it must fail, not measure the CPU.
    """
    if visible_gpus(environ, read_nvidia(nvml).gpus):
        return "cuda"
    if visible_npus(environ, read_accelerators(root=root).ascend_files):
        return "npu"
    return "cpu"


def visible_gpus(environ: Mapping[str, str], gpus: Sequence[GpuFacts]) -> tuple[int, ...]:
    """Indices of the devices that CUDA shows a process, in its order.

    As the CUDA programming guide says of ``CUDA_VISIBLE_DEVICES``: indices or (shortened) UUIDs,
    the first that is wrong ends the list, one that stands twice empties it, empty is none, and of
    the parts of partitioned devices one alone is seen (none where none was made). Indices are
    NVML's, by PCI bus; CUDA counts the fastest first on a machine of several models unless
    ``CUDA_DEVICE_ORDER=PCI_BUS_ID``.
    """
    listed = environ.get(VARIABLES["cuda"])
    usable = [gpu for gpu in gpus if gpu.mig != "on" or gpu.slices]
    if listed is None:
        whole = tuple(gpu.index for gpu in usable if not gpu.slices)
        return whole or tuple(gpu.index for gpu in usable[:1])
    found: list[int] = []
    for entry in listed.split(","):
        name = entry.strip()
        index = _named_gpu(name, usable)
        if index is None:
            break
        if index in found:
            return ()
        found.append(index)
        if name.startswith("MIG-"):
            break
    return tuple(found)


def visible_npus(environ: Mapping[str, str], count: int) -> tuple[int, ...]:
    """Indices of the devices that CANN shows a process.

    As CANN's reference says of ``ASCEND_RT_VISIBLE_DEVICES``: whole numbers, the first other
    character (a blank too) or number without a device ends the list; empty is taken for none.
    """
    listed = environ.get(VARIABLES["npu"])
    if listed is None:
        return tuple(range(count))
    found: list[int] = []
    for entry in listed.split(","):
        match = re.match(r"\d{1,4}", entry)
        if match is None or int(match[0]) >= count or int(match[0]) in found:
            break
        found.append(int(match[0]))
        if match[0] != entry:
            break
    return tuple(found)


def _named_gpu(name: str, gpus: Sequence[GpuFacts]) -> int | None:
    """The device that an index, a UUID, or a part's name means; None where that is not one."""
    if match := _INDEX.match(name):
        return next((gpu.index for gpu in gpus if gpu.index == int(match[1])), None)
    if match := _MIG_OF_GPU.fullmatch(name):
        name = match[1]
    uuids = [(uuid, gpu.index) for gpu in gpus for uuid in _uuids(gpu, name)]
    exact = [index for uuid, index in uuids if uuid == name]
    short = [index for uuid, index in uuids if len(name) > len("GPU-") and uuid.startswith(name)]
    return exact[0] if exact else short[0] if len(short) == 1 else None


def _uuids(gpu: GpuFacts, name: str) -> list[str]:
    return [part.uuid for part in gpu.slices] if name.startswith("MIG-") else [gpu.uuid]
