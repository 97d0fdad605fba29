"""Checks a kernel's variants at one shape for hazards, and times those that show none, in turns.

A variant that is not there, is wrong or fails ends its own row alone. Opens no device and writes no
file; what comes out are values and plain documents.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from perfgate.profile.devices.device import Device
from perfgate.profile.devices.out_of_memory import out_of_memory
from perfgate.workloads.diffusion.graphs import device_capture
from perfgate.workloads.kernels.calling import (
    BOUND,
    Bound,
    Cache,
    DoesNotFitError,
    InputSets,
    bound_of,
    check_memory,
    make_inputs,
)
from perfgate.workloads.kernels.hazards import check
from perfgate.workloads.kernels.kernel import (
    Clock,
    Finding,
    Function,
    Kernel,
    NotAvailable,
    Shape,
    Target,
    Variant,
)
from perfgate.workloads.kernels.timing import Capture, Contender, Plan, Run, Times, time_rounds
from perfgate.workloads.pipelines.failing import one_line

Document: TypeAlias = dict[str, Any]
State: TypeAlias = Literal["timed", "not available", "hazard", "out of memory", "failed"]

_NS_PER_MS = 1e6
_MOST_REASON_CHARS = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is to be measured: ``variants`` of a kernel, the reference among them where wanted."""

    kernel: Kernel
    shape: Shape
    variants: tuple[Variant, ...]
    cache: Cache
    plan: Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A variant on its way to be timed; without ``function`` it is not, and ``reason`` says why."""

    variant: Variant
    state: State = "timed"
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    function: Function | None = None
    first_call_ms: float | None = None

    def told(self, times: Times | None) -> Document:
        """The row, as it stands in a document."""
        return {
            "name": self.variant.name,
            "dialect": self.variant.dialect,
            "mutates": sorted(self.variant.mutates),
            "state": self.state,
            "reason": self.reason,
            "findings": [{"hazard": one.hazard, "text": one.text} for one in self.findings],
            "first_call_ms": self.first_call_ms,
            "times": times.told() if times else None,
        }


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Everything that is to be timed; ``skipped`` says why nothing is."""

    candidates: tuple[Candidate, ...] = ()
    inputs: InputSets | None = None
    bound: Bound | None = None
    skipped: str = ""
    warning: str = ""

    def contenders(self) -> list[Contender]:
        """The variants that may be timed, and the bound beside them."""
        if self.inputs is None:
            return []
        found = [
            self.inputs.contender(one.variant.name, one.function)
            for one in self.candidates
            if one.function is not None
        ]
        return [*found, self.bound.contender] if found and self.bound else found


def table(asked: Asked, device: Device) -> Document:
    """Check, warm up and time: a row for each variant, and the bound, of one kernel and shape."""
    ready = make_ready(asked, device)
    try:
        times = timed(ready, asked.plan, device)
    except Exception as error:  # noqa: BLE001 - each was called before: now the table says why
        return told(asked, replace(ready, skipped=f"the timing failed: {_told(error)}"), {})
    return told(asked, ready, times)


def make_ready(asked: Asked, device: Device) -> Ready:
    """Check every variant for hazards, make the inputs, and call once what is left."""
    kernel, shape = asked.kernel, asked.shape
    try:
        check_memory(kernel, shape, device, cache=asked.cache)
    except DoesNotFitError as reason:
        return Ready(skipped=f"does not fit: {reason}")
    candidates = tuple(_examined(kernel, shape, one, device) for one in asked.variants)
    if all(one.function is None for one in candidates):
        return Ready(candidates=candidates)
    changed = kernel.state.union(*(one.mutates for one in asked.variants))
    try:
        inputs = make_inputs(kernel, shape, device, cache=asked.cache, changed=changed)
    except Exception as error:  # noqa: BLE001 - inputs are code of the kernel's file
        return Ready(candidates=candidates, skipped=f"no inputs: {_told(error)}")
    ready = Ready(
        candidates=tuple(_called_once(one, inputs, device) for one in candidates), inputs=inputs
    )
    try:
        bound = bound_of(kernel, shape, device, sets=len(inputs.sets))
    except (RuntimeError, MemoryError) as error:
        return replace(ready, warning=f"no {kernel.bound} to compare with: {_told(error)}")
    return replace(ready, bound=bound)


def timed(ready: Ready, plan: Plan, device: Device) -> Mapping[str, Times]:
    """The times of all that may be timed, by name; the bound's under :data:`.calling.BOUND`."""
    contenders = ready.contenders()
    if not contenders:
        return {}
    return time_rounds(device, contenders, plan, capture=_capture(device))


def told(asked: Asked, ready: Ready, times: Mapping[str, Times]) -> Document:
    """The document of one kernel at one shape; what has no times says why."""
    kernel, shape = asked.kernel, asked.shape
    rows = [
        replace(one, state="failed", reason=ready.skipped)
        if one.state == "timed" and one.variant.name not in times
        else one
        for one in ready.candidates
    ]
    return {
        "kernel": kernel.name,
        "shape": shape.name,
        "cache": asked.cache,
        "sets": len(ready.inputs.sets) if ready.inputs else 0,
        "moved_bytes": kernel.moved_bytes(shape),
        "operations": kernel.operations(shape),
        "reference": kernel.reference.name,
        "variants": [one.told(times.get(one.variant.name)) for one in rows],
        "bound": _told_bound(kernel, ready.bound, times.get(BOUND)),
        "skipped": ready.skipped,
        "warnings": [ready.warning] if ready.warning else [],
    }


def _told_bound(kernel: Kernel, bound: Bound | None, times: Times | None) -> Document | None:
    if bound is None or times is None:
        return None
    return {
        "name": kernel.bound,
        "moved_bytes": bound.moved_bytes,
        "operations": bound.operations,
        "times": times.told(),
    }


def _examined(kernel: Kernel, shape: Shape, variant: Variant, device: Device) -> Candidate:
    """Look for every hazard; a variant with a finding is never timed."""
    target = Target(device=device.torch_device, shape=shape)
    candidate = Candidate(variant=variant)
    try:
        findings = check(kernel, variant, target, clock=_clock_of(device))
        if findings:
            named = ", ".join(dict.fromkeys(one.hazard for one in findings))
            return replace(candidate, state="hazard", reason=named, findings=findings)
        return replace(candidate, function=variant.make(target))
    except NotAvailable as reason:
        return replace(candidate, state="not available", reason=one_line(reason))
    except Exception as error:  # noqa: BLE001 - a variant's own error ends its row alone
        return _failed(candidate, error)


def _called_once(candidate: Candidate, inputs: InputSets, device: Device) -> Candidate:
    """Call the function at this shape, which is when torch compiles, and see that it ends."""
    function = candidate.function
    if function is None:
        return candidate
    inputs.restore()
    device.synchronise()
    began_ns = time.perf_counter_ns()
    try:
        function(inputs.sets[0])
        device.synchronise()
    except NotAvailable as reason:
        return replace(candidate, state="not available", reason=one_line(reason), function=None)
    except Exception as error:  # noqa: BLE001 - as above
        return _failed(candidate, error)
    took_ms = (time.perf_counter_ns() - began_ns) / _NS_PER_MS
    return replace(candidate, first_call_ms=took_ms)


def _failed(candidate: Candidate, error: Exception) -> Candidate:
    state: State = "failed" if out_of_memory(error) is None else "out of memory"
    return replace(candidate, state=state, reason=_told(error), function=None)


def _capture(device: Device) -> Capture | None:
    """Device graphs, where the device has them, by the recipe of the diffusion workload."""
    if not device.capability().graphs:
        return None
    capture = device_capture(device)

    def captured(run: Run) -> Run:
        replay, _result = capture(run)  # type: ignore[arg-type]  # the result is only handed back
        return replay

    return captured


def _clock_of(device: Device) -> Clock:
    def now_ns() -> int:
        device.synchronise()
        return time.perf_counter_ns()

    return now_ns


def _told(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}", most_chars=_MOST_REASON_CHARS)
