"""Reads from an exception that torch raised whether a device ran out of memory. Text in, value out.

By class name and text alone, so that it needs no torch; the figures are in the text if anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from perfgate.profile.devices.device import DeviceKind

_MOST_READ_CHARS = 4000

_TEXTS: tuple[tuple[DeviceKind, re.Pattern[str]], ...] = (
    ("cpu", re.compile(r"DefaultCPUAllocator: (?:can't allocate|not enough) memory")),
    # The caching allocator's own text, the runtime's, and cuBLAS's where its workspace fails.
    ("cuda", re.compile(r"(?:CUDA|HIP) out of memory|CUDA error: out of memory")),
    ("cuda", re.compile(r"CUBLAS_STATUS_ALLOC_FAILED")),
    ("npu", re.compile(r"NPU out of memory")),
)
# torch: "Tried to allocate 20.00 MiB. GPU 0 has … 12.06 MiB is free"; torch_npu: "Tried to
# allocate 2.00 GiB (NPU 0; 60.97 GiB total capacity; … 1.20 GiB free; …)"; the CPU counts in bytes.
_SIZE = r"(\d+(?:\.\d+)?) (bytes|[KMGT]iB)"
_ASKED = re.compile(rf"tried to allocate {_SIZE}", re.IGNORECASE)
_FREE = re.compile(rf"{_SIZE} (?:is )?free")
_UNIT_BYTES = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@dataclass(frozen=True, kw_only=True, slots=True)
class OutOfMemory:
    """A device that could not give memory; what the text does not tell is ``None``.

    torch rounds the sizes to a hundredth of the unit that it prints.
    """

    kind: DeviceKind | None
    asked_bytes: int | None
    free_bytes: int | None


def out_of_memory(error: BaseException) -> OutOfMemory | None:
    """What ``error`` says of a lack of memory, ``None`` if it is another failure.

    Knows torch.OutOfMemoryError, the texts of torch's CPU and CUDA allocators and of torch_npu's,
    and Python's own MemoryError.
    """
    text = str(error)[:_MOST_READ_CHARS]
    kind = next((kind for kind, pattern in _TEXTS if pattern.search(text)), None)
    if kind is None and isinstance(error, MemoryError):
        kind = "cpu"
    if kind is None and all(one.__name__ != "OutOfMemoryError" for one in type(error).__mro__):
        return None
    return OutOfMemory(kind=kind, asked_bytes=_bytes(_ASKED, text), free_bytes=_bytes(_FREE, text))


def _bytes(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    return round(float(match[1]) * _UNIT_BYTES[match[2]]) if match else None
