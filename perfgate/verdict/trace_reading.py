"""Reads a profiler's trace, which a pull request's code wrote: text in, one capture out.

The format is Chrome's (``traceEvents`` with ``ph``, ``ts`` and ``dur`` in µs), as torch.profiler
writes it. Nothing in it is trusted: what is no event is passed over, names are cut, and places are
counted up to a limit.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from perfgate.verdict.trace_calls import STEP, Capture, Site, SiteKind

MAX_TRACE_BYTES: Final = 256 * 2**20
MAX_SITES: Final = 20_000
NO_STEPS: Final = (
    "has no denoising steps: no range named perfgate:step:…, denoising_step_… or ProfilerStep#…"
)
_MOST_NAME_CHARS: Final = 120
_MOST_SHAPES: Final = 6
_MOST_DEPTH: Final = 64
_REQUEST, _STAGE, _STEP, _MODULE = (
    f"perfgate:{kind}" for kind in ("request", "stage:", "step:", "module:")
)
_STEP_NAMES: Final = ("denoising_step_", "ProfilerStep#")
_KERNELS: Final = ("kernel", "gpu_memcpy", "gpu_memset")
_HOST: Final = ("cpu_op", "user_annotation", "cuda_runtime", "cuda_driver", "privateuse1_runtime")
_OF_THE_PROFILER: Final = "profiler::"
_TEMPLATE: Final = re.compile(r"<.*>|\(.*\)$")
_ROUNDING_US: Final = 1e-3
_BEYOND_ANY_CLOCK: Final = 1e18
_BEYOND_ANY_MEMORY: Final = 2**60


class TraceError(ValueError):
    """What was left is no trace that can be compared; the text finishes "the trace …"."""


@dataclass(slots=True)
class _Call:
    """A call on the host while it is open; ``own_us`` is what its own calls leave of it."""

    ended: float
    own_us: float
    site: Site
    step: str
    kind: SiteKind | None
    shapes: str = ""


@dataclass(kw_only=True)
class _Seen:
    """What has been read so far."""

    calls: dict[Site, dict[str, dict[str, list[float]]]] = field(default_factory=dict)
    kinds: dict[Site, SiteKind] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    starters: dict[tuple[str, object], tuple[Site, str]] = field(default_factory=dict)

    def times(self, call: _Call) -> list[float] | None:
        """Where a call's time belongs; None beyond the limit."""
        if call.kind is None or (call.site not in self.calls and len(self.calls) >= MAX_SITES):
            return None
        self.kinds.setdefault(call.site, call.kind)
        return (
            self.calls.setdefault(call.site, {})
            .setdefault(call.shapes, {})
            .setdefault(call.step, [])
        )


def read_capture(data: bytes) -> Capture:
    """The one request in a trace. Raises TraceError, also where it has no denoising steps."""
    if len(data) > MAX_TRACE_BYTES:
        raise TraceError(f"is larger than {MAX_TRACE_BYTES // 2**20} MiB; profile fewer steps")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise TraceError(f"is not whole JSON: {error}") from error
    events = document.get("traceEvents") if isinstance(document, dict) else document
    if not isinstance(events, list):
        raise TraceError("has no list of traceEvents")
    whole = [one for one in events if isinstance(one, dict) and _is_timed(one)]
    began, ended = _window(whole)
    inside = [one for one in whole if began <= one["ts"] <= ended]
    seen = _Seen()
    for thread in _threads(inside):
        _read_thread(thread, seen)
    if not seen.steps:
        raise TraceError(NO_STEPS)
    _read_kernels(inside, seen)
    return Capture(
        request_us=ended - began,
        steps=tuple(seen.steps),
        calls=seen.calls,
        kinds=seen.kinds,
        peak_bytes=_peaks(inside),
    )


def _is_timed(event: Mapping[str, Any]) -> bool:
    numbers = [event.get("ts"), event.get("dur", 0.0)]
    if not all(isinstance(one, int | float) and abs(one) < _BEYOND_ANY_CLOCK for one in numbers):
        return False
    return isinstance(event.get("name"), str) and event.get("dur", 0.0) >= 0


def _window(events: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """From where to where the request ran: its own range, or else everything that was timed."""
    complete = [one for one in events if one.get("ph") == "X" and one.get("cat") in _HOST]
    own = [one for one in complete if one["name"] == _REQUEST][:1] or complete
    if not own:
        raise TraceError("holds no operator")
    return min(one["ts"] for one in own), max(one["ts"] + one.get("dur", 0.0) for one in own)


def _threads(events: Iterable[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """The host's events of each thread, outer ones first; the thread with the steps comes first."""
    threads: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in events:
        if one.get("ph") == "X" and one.get("cat") in _HOST:
            threads.setdefault((str(one.get("pid")), str(one.get("tid"))), []).append(one)
    for thread in threads.values():
        thread.sort(key=lambda one: (one["ts"], -one.get("dur", 0.0)))
    return sorted(threads.values(), key=lambda thread: not any(map(_step_of, thread)))


def _read_thread(events: Iterable[Mapping[str, Any]], seen: _Seen) -> None:
    """Follow what called what, and give each call the time that none of its own calls took."""
    outermost = _Call(ended=math.inf, own_us=0.0, site=Site(""), step="", kind=None)
    open_calls = [outermost]
    for event in events:
        if event["name"].startswith((_OF_THE_PROFILER, _REQUEST)):
            continue
        while event["ts"] >= open_calls[-1].ended - _ROUNDING_US:
            _close(open_calls.pop(), seen)
        around = open_calls[-1]
        call = _call(event, around)
        if call.kind is not None:
            around.own_us -= call.own_us
        open_calls.append(call)
        seen.times(call)  # in the order of their beginning
        _remember_starter(event, call, seen)
        if _step_of(event):
            seen.steps.append(call.step)
    for call in reversed(open_calls[1:]):
        _close(call, seen)


def _close(call: _Call, seen: _Seen) -> None:
    times = seen.times(call)
    if times is not None:
        times.append(max(0.0, call.own_us))


def _call(event: Mapping[str, Any], around: _Call) -> _Call:
    name, duration = event["name"], float(event.get("dur", 0.0))
    site, step = around.site, around.step
    kind: SiteKind | None = "operator" if event["cat"] == "cpu_op" else "range"
    if new_step := _step_of(event):
        site, step = Site(site.stage, (*site.path, STEP)), new_step
    elif name.startswith(_STAGE):
        site, step = Site(_cut(name.removeprefix(_STAGE))), ""
    elif event["cat"] in _HOST[2:] and "synchronize" not in name.lower():
        kind = None  # a launch: its kernel is what counts
    elif len(site.path) < _MOST_DEPTH:
        site = Site(site.stage, (*site.path, _cut(name.removeprefix(_MODULE))))
    else:
        kind = None
    return _Call(
        ended=float(event["ts"]) + duration,
        own_us=duration,
        site=site,
        step=step,
        kind=kind,
        shapes=_shapes(event) if kind == "operator" else "",
    )


def _step_of(event: Mapping[str, Any]) -> str:
    name: str = event["name"]
    if event.get("cat") != "user_annotation":
        return ""
    if name.startswith(_STEP):
        return _cut(name.removeprefix(_STEP))
    return _cut(name) if name.startswith(_STEP_NAMES) else ""


def _remember_starter(event: Mapping[str, Any], call: _Call, seen: _Seen) -> None:
    """Who started a kernel is known by what both carry: the operator's id, or the launch's."""
    told = _arguments(event)
    for key in ("External id", "correlation"):
        if isinstance(told.get(key), int | str):
            seen.starters.setdefault((key, told[key]), (call.site, call.step))


def _read_kernels(events: Iterable[Mapping[str, Any]], seen: _Seen) -> None:
    for event in events:
        if event.get("ph") != "X" or event.get("cat") not in _KERNELS:
            continue
        told = _arguments(event)
        keys = [(key, told.get(key)) for key in ("correlation", "External id")]
        known = [
            seen.starters[key]
            for key in keys
            if isinstance(key[1], int | str) and key in seen.starters
        ]
        around, step = known[0] if known else (Site(""), "")
        name = _cut(_TEMPLATE.sub("", event["name"]).removeprefix("void "))
        call = _Call(
            ended=0.0,
            own_us=float(event.get("dur", 0.0)),
            site=Site(around.stage, (*around.path, name)),
            step=step,
            kind="kernel",
        )
        _close(call, seen)


def _peaks(events: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The most that was allocated at a time since the request began, by where."""
    held: dict[str, int] = {}
    peaks: dict[str, int] = {}
    changes = [one for one in events if one["name"] == "[memory]"]
    for event in sorted(changes, key=lambda one: float(one["ts"])):
        told = _arguments(event)
        size, device = told.get("Bytes"), told.get("Device Type")
        if not isinstance(size, int) or not isinstance(device, int):
            continue
        if abs(size) > _BEYOND_ANY_MEMORY:
            continue
        where = "device" if device else "host"
        held[where] = held.get(where, 0) + size
        peaks[where] = max(peaks.get(where, 0), held[where])
    return peaks


def _arguments(event: Mapping[str, Any]) -> Mapping[str, Any]:
    told = event.get("args")
    return told if isinstance(told, dict) else {}


def _shapes(event: Mapping[str, Any]) -> str:
    """``2x640x96 float, 96x96 float``: the tensors that an operator was given."""
    told = _arguments(event)
    sizes, types = told.get("Input Dims"), told.get("Input type")
    if not isinstance(sizes, list):
        return ""
    named = types if isinstance(types, list) else []
    found = [
        f"{'x'.join(map(str, size))} {_type(named, index)}".strip()
        for index, given in enumerate(sizes)
        for size in _tensors(given)
    ]
    return _cut(", ".join(found[:_MOST_SHAPES]))


def _type(names: list[Any], index: int) -> str:
    """Of the argument at ``index``; torch writes some with their namespace in C++."""
    return str(names[index]).removeprefix("c10::") if index < len(names) else ""


def _tensors(sizes: object) -> list[list[Any]]:
    """The sizes of an argument: of one tensor, of each in a list, or of none."""
    if not isinstance(sizes, list) or not sizes:
        return []
    several = isinstance(sizes[0], list)
    return [one for one in sizes if isinstance(one, list)] if several else [sizes]


def _cut(name: str) -> str:
    """A name of bounded length that can be written; JSON may hold halves of characters."""
    name = name[: _MOST_NAME_CHARS + 1].encode("utf-8", "replace").decode()
    return name if len(name) <= _MOST_NAME_CHARS else name[: _MOST_NAME_CHARS - 1] + "…"
