"""Judges device and host for ``perfgate doctor``: values in, rows out. Reads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from perfgate.app.measuring.devices import Choice
from perfgate.errors import DeviceError
from perfgate.profile.ascend import AscendFacts, NpuFacts
from perfgate.profile.devices.device import DeviceKind
from perfgate.profile.fitness import STEAL_SHARE, THROTTLED_SHARE, Process
from perfgate.profile.host import Accelerators, HostFacts
from perfgate.profile.nvidia import GpuFacts, NvidiaFacts
from perfgate.profile.processor import cpu_model, usable_cores
from perfgate.profile.samples import HostSample
from perfgate.report.doctor import Check, State

_FREE_SHARE: Final = 0.85
"""Of the device's memory: drivers keep some for themselves, 8 % on small Ascend chips."""
_FELL_SHARE: Final = 0.75
"""Of the highest clock: an idle device below it is not locked to what it computes at."""
_IDLE_PRESSURE_SHARE: Final = 0.05
"""Of a moment without a launch: whatever waits then is other work."""
_GIB: Final = 2**30
_CONTAINER_FIX: Final = (
    "Give the container the device (docker run --gpus all with the NVIDIA container toolkit; "
    "Kubernetes: a limit of nvidia.com/gpu). GitHub's Docker actions get none: run the perfgate "
    "command in a job whose container has it. For the CPU alone ask for --device cpu."
)
_ASCEND_FIX: Final = (
    "Give the container /dev/davinci0 (and its like), /dev/davinci_manager, /dev/devmm_svm and "
    "/dev/hisi_hdc, and mount /usr/local/Ascend/driver and npu-smi. For the CPU alone ask for "
    "--device cpu."
)


@dataclass(frozen=True, kw_only=True)
class MachineFacts:
    """What was read of the machine for a job on ``kind``, its devices being ``indices``.

    ``absent`` is the refusal where the device that was asked for is not there; ``indices`` are the
    others of its kind then. ``hidden_by`` is the variable that hides devices from this process.
    ``processes`` are those on the devices, None where the driver does not list them. ``before`` and
    ``after`` are the host's counters a moment apart, without a launch between.
    """

    choice: Choice
    kind: DeviceKind
    indices: tuple[int, ...]
    host: HostFacts
    accelerators: Accelerators
    nvidia: NvidiaFacts
    ascend: AscendFacts
    hidden_by: str = ""
    absent: DeviceError | None = None
    processes: tuple[Process, ...] | None = ()
    before: HostSample
    after: HostSample

    @property
    def gpus(self) -> list[GpuFacts]:
        return [gpu for gpu in self.nvidia.gpus if gpu.index in self.indices]

    @property
    def npus(self) -> list[NpuFacts]:
        return [npu for npu in self.ascend.npus if npu.index in self.indices]


def machine_checks(facts: MachineFacts) -> tuple[Check, ...]:
    """Every row about device and host, in the order in which a person would look."""
    there = facts.kind != "cpu" and bool(facts.indices)
    of_device = (_driver, _memory, _processes, _clocks, _persistence)
    return (
        _device(facts),
        *(check(facts) for check in of_device if there),
        _governor(facts.host),
        _cores(facts.host),
        _pressure(facts.before, facts.after),
    )


def _device(facts: MachineFacts) -> Check:
    if facts.absent is not None:
        hidden = _hidden(facts)
        if hidden is not None:
            return hidden
        return _row("device", "bad", facts.absent.problem, _fix_for_absent(facts, facts.absent))
    if facts.kind == "cpu":
        hidden = None if facts.choice.kind == "cpu" else _hidden(facts)
        others = f"; {facts.hidden_by} shows no accelerator" if facts.hidden_by else ""
        return hidden or _row("device", "ok", f"cpu: {cpu_model(facts.host)}{others}")
    if facts.kind == "cuda":
        return _row("device", "ok", f"cuda: {_counted([gpu.name for gpu in facts.gpus])}")
    return _npu_device(facts)


def _npu_device(facts: MachineFacts) -> Check:
    if not facts.npus:
        seen = f"npu: {len(facts.indices)} device files, and {facts.ascend.problem}"
        return _row("device", "warning", seen, f"Without npu-smi nothing is sampled. {_ASCEND_FIX}")
    seen = f"npu: {_counted([npu.name for npu in facts.npus])}"
    ill = [f"device {npu.index} is {npu.health}" for npu in facts.npus if npu.health != "OK"]
    if ill:
        fix = "See `npu-smi info -t health -i CARD`, and measure on a healthy device."
        return _row("device", "warning", f"{seen}; {', '.join(ill)}", fix)
    if facts.ascend.unread:
        seen = f"{seen}; rows of npu-smi that could not be read: {'; '.join(facts.ascend.unread)}"
        return _row("device", "warning", seen, "Report the table of `npu-smi info` to perfgate.")
    return _row("device", "ok", seen)


def _hidden(facts: MachineFacts) -> Check | None:
    """The row for an accelerator that the host has and this process cannot use."""
    there, asked = facts.accelerators, facts.choice.kind
    if facts.hidden_by:
        return None
    on_host = there.nvidia_on_bus or there.nvidia_driver
    if asked in ("auto", "cuda") and on_host and not facts.nvidia.gpus:
        count = there.nvidia_on_bus or "an"
        what = f"the host has {count} NVIDIA device{'s' if there.nvidia_on_bus > 1 else ''}"
        if there.nvidia_files:
            seen = f"{what}, and its driver does not answer ({facts.nvidia.problem})"
            fix = "Run nvidia-smi; after an update of the driver restart the host. For the CPU "
            return _row("device", "bad", seen, f"{fix}alone ask for --device cpu.")
        seen = f"{what}, and there is no /dev/nvidia0 in here"
        return _row("device", "bad", seen, _CONTAINER_FIX)
    if asked in ("auto", "cuda") and facts.nvidia.gpus and not facts.indices:
        seen = "the NVIDIA device is partitioned (MIG is on), and no part was made"
        fix = "Make one: sudo nvidia-smi mig -cgi PROFILE -C, or switch MIG off: -mig 0."
        return _row("device", "bad", seen, fix)
    if asked in ("auto", "npu") and there.ascend_on_bus and not there.ascend_files:
        seen = f"the host has {there.ascend_on_bus} Ascend devices, and no /dev/davinci* is in here"
        return _row("device", "bad", seen, _ASCEND_FIX)
    return None


def _fix_for_absent(facts: MachineFacts, absent: DeviceError) -> str:
    if facts.indices:
        return absent.fix  # the index is out of range, and it names those that are there
    if facts.hidden_by:
        return f"Unset {facts.hidden_by}, or name a device there that exists."
    if facts.kind == "npu":
        return f"Run on a machine with an Ascend device and its driver. {_ASCEND_FIX}"
    return "Run on a machine with an NVIDIA GPU and its driver, or ask for --device cpu."


def _driver(facts: MachineFacts) -> Check:
    if facts.kind == "cuda":
        driver, cuda = facts.nvidia.driver, facts.nvidia.cuda
        return _row("driver", "ok", f"{driver}, for CUDA up to {cuda}")
    driver = facts.ascend.driver or "no version file"
    if facts.ascend.cann:
        return _row("driver", "ok", f"{driver}, CANN {facts.ascend.cann}")
    fix = "Install CANN and source its set_env.sh, or mount /usr/local/Ascend whole."
    return _row("driver", "warning", f"{driver}, and no CANN was found", fix)


def _memory(facts: MachineFacts) -> Check:
    """Of the device with the least share free."""
    told = [
        (gpu.index, gpu.free_bytes, gpu.memory_bytes)
        for gpu in facts.gpus
        if gpu.free_bytes is not None and gpu.memory_bytes
    ] + [
        (npu.index, (npu.memory_mb - npu.used_mb) * 2**20, npu.memory_mb * 2**20)
        for npu in facts.npus
        if npu.used_mb is not None and npu.memory_mb
    ]
    if not told:
        return _row("device memory", "not applicable", "not told by the driver")
    index, free, total = min(told, key=lambda one: one[1] / one[2])
    seen = f"{free / _GIB:.1f} of {total / _GIB:.1f} GiB free on device {index}"
    if free / total >= _FREE_SHARE:
        return _row("device memory", "ok", seen)
    fix = "End what holds it (next row), or large cases run out of memory."
    return _row("device memory", "warning", seen, fix)


def _processes(facts: MachineFacts) -> Check:
    if facts.processes is None:
        return _row("device processes", "not applicable", "not told by the driver")
    others = [process for process in facts.processes if process.relation != "own"]
    if not others:
        return _row("device processes", "ok", "no others")
    fix = "Wait for them or end them: a launch waits for --lease-timeout, then the job exits 3."
    return _row("device processes", "warning", ", ".join(one.told() for one in others[:5]), fix)


def _clocks(facts: MachineFacts) -> Check:
    """NVML tells application clocks and what an idle device does; it does not tell locked ones."""
    if facts.kind != "cuda":
        return _row("device clocks", "not applicable", "npu-smi tells none")
    found: dict[tuple[State, str], list[str]] = {}
    for gpu in facts.gpus:
        found.setdefault(_clock_of(gpu), []).append(str(gpu.index))
    worst: State = "warning" if any(state == "warning" for state, _ in found) else "ok"
    seen = [f"{t} (device {', '.join(i)})" for (state, t), i in found.items() if state == worst]
    fix = (
        "Lock them to one that the device holds under load: sudo nvidia-smi -lgc MHZ (and -rgc "
        "afterwards)."
    )
    return _row("device clocks", worst, "; ".join(seen), fix if worst == "warning" else "")


def _clock_of(gpu: GpuFacts) -> tuple[State, str]:
    if gpu.application_clocks not in ("", "default"):
        return "ok", f"application clocks of {gpu.application_clocks}"
    if gpu.clock_mhz is None or not gpu.max_clock_mhz or not gpu.idle:
        return "warning", "a busy device does not tell whether they are locked"
    now = f"{gpu.clock_mhz} of {gpu.max_clock_mhz} MHz while idle"
    if gpu.clock_mhz < _FELL_SHARE * gpu.max_clock_mhz:
        return "warning", f"not locked: {now}"
    return "ok", f"likely locked: {now}"


def _persistence(facts: MachineFacts) -> Check:
    modes = {gpu.persistence for gpu in facts.gpus} - {""}
    if not modes:
        return _row("persistence", "not applicable", "not told by the driver")
    if "off" not in modes:
        return _row("persistence", "ok", "on")
    fix = "sudo nvidia-smi -pm 1, or every first process waits for the driver to wake."
    return _row("persistence", "warning", "off", fix)


def _governor(host: HostFacts) -> Check:
    if not host.governor:
        return _row("cpu governor", "not applicable", "not told (virtual machines tell none)")
    if host.governor == "performance":
        return _row("cpu governor", "ok", host.governor)
    fix = "sudo cpupower frequency-set --governor performance"
    return _row("cpu governor", "warning", host.governor, fix)


def _cores(host: HostFacts) -> Check:
    usable, shown = usable_cores(host), len(host.affinity)
    memory = host.memory_max_bytes
    told = f", {memory / _GIB:.1f} GiB of memory" if memory is not None else ""
    if not host.cpu_max:
        return _row("cores", "ok", f"{shown}{told}")
    seen = f"{usable} of {shown} by a cgroup quota ({' / '.join(host.cpu_max)}){told}"
    fix = (
        "Give the container whole cores (--cpuset-cpus): a quota stops it in the middle of a step."
    )
    return _row("cores", "warning", seen, fix)


def _pressure(before: HostSample, after: HostSample) -> Check:
    """Other work on the host: nothing of perfgate's ran between the samples."""
    span_ns = after.at_ns - before.at_ns
    shares = {
        "waiting for a CPU": (
            _share(before.pressure_us, after.pressure_us, span_ns / 1000),
            _IDLE_PRESSURE_SHARE,
        ),
        "stolen by the hypervisor": (
            _share(
                before.steal_ticks,
                after.steal_ticks,
                (after.total_ticks or 0) - (before.total_ticks or 0),
            ),
            STEAL_SHARE,
        ),
        "stopped by the cgroup's quota": (
            _share(before.throttled_us, after.throttled_us, span_ns / 1000),
            THROTTLED_SHARE,
        ),
    }
    told = {name: (share, most) for name, (share, most) in shares.items() if share is not None}
    if not told:
        return _row("other work", "not applicable", "this host counts none")
    seen = ", ".join(f"{share:.0%} {name}" for name, (share, _) in told.items())
    if all(share <= most for share, most in told.values()):
        return _row("other work", "ok", f"{seen} in {span_ns / 1e9:.1f} s")
    fix = "Let nothing else run on the host while perfgate measures, or give it cores of its own."
    return _row("other work", "warning", f"{seen} in {span_ns / 1e9:.1f} s", fix)


def _share(before: int | None, after: int | None, span: float) -> float | None:
    return None if before is None or after is None or span <= 0 else (after - before) / span


def _counted(names: Sequence[str]) -> str:
    counts = {name: names.count(name) for name in names}
    return ", ".join(f"{count} x {name}" for name, count in counts.items())


def _row(name: str, state: State, seen: str, fix: str = "") -> Check:
    return Check(name=name, state=state, seen=seen, fix=fix)
