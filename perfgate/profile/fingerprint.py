"""Says which machine and software a measurement belongs to. Never imports torch, reads no argv.

:func:`describe` is pure; :func:`read_facts` is the thin reader of this machine;
:func:`cpu_fingerprint` is both.
"""

from __future__ import annotations

import math
import os
import platform
import re
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from perfgate.records import Fingerprint

_MAX_SLUG_CHARS = 48
_MARKETING = re.compile(
    r"\((?:r|tm|c)\)|@.*$|\bwith\b.*$|\b(?:cpu|processor)\b|\b\d+-core\b", re.IGNORECASE
)
_X86_FIELDS = ("cpu family", "model")
_ARM_FIELDS = ("CPU implementer", "CPU part")


@dataclass(frozen=True, kw_only=True, slots=True)
class CpuFacts:
    """What the machine says of itself, as read; an empty text is something it does not tell.

    ``cpu_max`` holds the text of cgroup v2 ``cpu.max`` of this process's group and of every group
    around it: a quota anywhere on that path limits it.
    """

    cpuinfo: str
    affinity: frozenset[int]
    architecture: str
    fallback_model: str = ""
    cpu_max: tuple[str, ...] = ()
    hostname: str = ""
    kernel: str = ""
    governor: str = ""
    python: str = ""
    load_average: tuple[float, ...] = ()
    packages: dict[str, str] = field(default_factory=dict)


def cpu_fingerprint(*, runner_name: str = "", root: Path = Path("/")) -> Fingerprint:
    """The fingerprint of the CPU that this process runs on."""
    return describe(read_facts(root=root), runner_name=runner_name)


def describe(facts: CpuFacts, *, runner_name: str = "") -> Fingerprint:
    """Split what is known into what must match and what is only told."""
    model = cpu_model(facts)
    cores = usable_cores(facts)
    hardware_key = f"cpu-{model_slug(model)}-x{cores}"
    must_match = {
        "hardware_key": hardware_key,
        "cpu_model": model,
        "cpu_id": _cpu_id(facts.cpuinfo),
        "cores": str(cores),
        "architecture": facts.architecture,
        **{f"{name}_version": version for name, version in facts.packages.items()},
    }
    told = {
        "hostname": facts.hostname,
        "runner": runner_name,
        "kernel": facts.kernel,
        "governor": facts.governor,
        "cpu_max": " / ".join(facts.cpu_max),
        "affinity": _ranges(facts.affinity),
        "python": facts.python,
        "load_average": " ".join(f"{load:.2f}" for load in facts.load_average),
    }
    return Fingerprint(
        hardware_key=hardware_key,
        must_match={name: text for name, text in must_match.items() if text},
        told={name: text for name, text in told.items() if text},
    )


def cpu_model(facts: CpuFacts) -> str:
    """The model's name; Arm kernels tell none, so there it is implementer and part number."""
    if name := _first(facts.cpuinfo, "model name"):
        return " ".join(name.split())
    if all(_first(facts.cpuinfo, key) for key in _ARM_FIELDS):
        return f"arm {_cpu_id(facts.cpuinfo)}"
    return facts.fallback_model or "unknown"


def model_slug(model: str) -> str:
    """The model's name as lower-case letters, digits and dashes, without marketing words."""
    plain = _MARKETING.sub(" ", model).lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return slug[:_MAX_SLUG_CHARS].rstrip("-") or "unknown"


def usable_cores(facts: CpuFacts) -> int:
    """Cores this process may keep busy: its affinity, or less under a cgroup's quota."""
    limits = [len(facts.affinity)]
    for text in facts.cpu_max:
        quota, _, period = text.partition(" ")
        if quota.isdigit() and period.isdigit() and int(period) > 0:
            limits.append(math.ceil(int(quota) / int(period)))
    return max(1, min(limits))


def read_facts(*, root: Path = Path("/")) -> CpuFacts:
    """Read this machine; what is not there or not readable stays empty."""
    governor = root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    return CpuFacts(
        cpuinfo=_text(root / "proc/cpuinfo"),
        affinity=_affinity(),
        architecture=platform.machine(),
        fallback_model=platform.processor(),
        cpu_max=_cpu_max(root),
        hostname=platform.node(),
        kernel=platform.release(),
        governor=_text(governor).strip(),
        python=platform.python_version(),
        load_average=os.getloadavg(),
        packages=_versions("torch"),
    )


def _affinity() -> frozenset[int]:
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))  # macOS has no affinity


def _cpu_max(root: Path) -> tuple[str, ...]:
    """``cpu.max`` of this process's cgroup v2 and of those around it, without the unlimited."""
    match = re.search(r"^0::/(.*)$", _text(root / "proc/self/cgroup"), re.MULTILINE)
    top = root / "sys/fs/cgroup"
    group = top / (match[1] if match else "")
    paths = [group, *(parent for parent in group.parents if parent.is_relative_to(top))]
    texts = [_text(path / "cpu.max").strip() for path in paths]
    return tuple(text for text in texts if text and not text.startswith("max"))


def _versions(*names: str) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _first(cpuinfo: str, key: str) -> str:
    match = re.search(rf"^{re.escape(key)}\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    return match[1].strip() if match else ""


def _cpu_id(cpuinfo: str) -> str:
    """Family and model numbers: clouds hide several generations behind one model name."""
    for keys in (_X86_FIELDS, _ARM_FIELDS):
        values = [_first(cpuinfo, key) for key in keys]
        if all(values):
            return "-".join(values)
    return ""


def _ranges(numbers: frozenset[int]) -> str:
    """``{0, 1, 2, 5}`` as ``0-2,5``."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ",".join("-".join(map(str, part)) for part in parts)
