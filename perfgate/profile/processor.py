"""Names a processor and counts its cores from what a host tells. Pure."""

from __future__ import annotations

import math
import re
from typing import Final

from perfgate.profile.host import HostFacts

_FLAGS: Final = (
    *("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16"),
    *("amx_int8", "asimd", "asimddp", "sve", "sve2", "bf16", "i8mm"),
)
_MAX_SLUG_CHARS: Final = 48
_MARKETING: Final = re.compile(
    r"\((?:r|tm|c)\)|@.*$|\bwith\b.*$|\b(?:cpu|processor)\b|\b\d+-core\b", re.IGNORECASE
)
_X86_FIELDS: Final = ("cpu family", "model")
_ARM_FIELDS: Final = ("CPU implementer", "CPU part")


def cpu_model(host: HostFacts) -> str:
    """The model's name; Arm kernels tell none, so there it is implementer and part number."""
    if name := _first(host.cpuinfo, "model name"):
        return " ".join(name.split())
    if all(_first(host.cpuinfo, key) for key in _ARM_FIELDS):
        return f"arm {cpu_id(host.cpuinfo)}"
    return host.fallback_model or "unknown"


def cpu_flags(host: HostFacts) -> tuple[str, ...]:
    """Those of the processor's instruction sets that multiply matrices fast."""
    told = _first(host.cpuinfo, "flags") or _first(host.cpuinfo, "Features")
    return tuple(flag for flag in _FLAGS if flag in told.split())


def model_slug(model: str) -> str:
    """The model's name as lower-case letters, digits and dashes, without marketing words."""
    plain = _MARKETING.sub(" ", model).lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return slug[:_MAX_SLUG_CHARS].rstrip("-") or "unknown"


def usable_cores(host: HostFacts) -> int:
    """Cores this process may keep busy: its affinity, or less under a cgroup's quota."""
    limits = [len(host.affinity)]
    for text in host.cpu_max:
        quota, _, period = text.partition(" ")
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            limits.append(math.ceil(int(quota) / int(period)))
    return max(1, min(limits))


def _first(cpuinfo: str, key: str) -> str:
    match = re.search(rf"^{re.escape(key)}\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    return match[1].strip() if match else ""


def cpu_id(cpuinfo: str) -> str:
    """Family and model numbers: clouds hide several generations behind one model name."""
    for keys in (_X86_FIELDS, _ARM_FIELDS):
        values = [_first(cpuinfo, key) for key in keys]
        if all(values):
            return "-".join(values)
    return ""


def ranges(numbers: frozenset[int]) -> str:
    """``{0, 1, 2, 5}`` as ``0-2,5``."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)
