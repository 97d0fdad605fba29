"""How large a device's last cache is, so that inputs can be kept in it or out of it. Only reads."""

from __future__ import annotations

import re
from pathlib import Path

import torch

from perfgate.profile.devices.device import Device

_SIZE = re.compile(r"(\d+)([KMG]?)")
_UNIT_BYTES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
_CPU_CACHES = "sys/devices/system/cpu/cpu0/cache"

NPU_CACHE_BYTES = 192 * 2**20
"""The L2 of an Ascend 910B, the largest of its line; torch_npu tells none."""
UNKNOWN_CPU_CACHE_BYTES = 64 * 2**20
"""Where the kernel tells none, as in some virtual machines."""


def last_cache_bytes(device: Device, *, root: Path = Path("/")) -> int:
    """The size of the last cache before the device's memory, in bytes."""
    if device.kind == "cuda":
        return int(torch.cuda.get_device_properties(device.index).L2_cache_size)
    if device.kind == "npu":
        return NPU_CACHE_BYTES
    sizes = [_bytes(path) for path in (root / _CPU_CACHES).glob("index*/size")]
    return max(sizes, default=0) or UNKNOWN_CPU_CACHE_BYTES


def _bytes(path: Path) -> int:
    """``32768K`` in bytes; 0 for anything else."""
    match = _SIZE.fullmatch(path.read_text(encoding="ascii").strip())
    return int(match[1]) * _UNIT_BYTES[match[2]] if match else 0
