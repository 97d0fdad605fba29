"""Makes profiler traces and captures from the few calls that a test is about; measures nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from perfgate.verdict.trace_calls import Capture
from perfgate.verdict.trace_reading import read_capture


@dataclass(frozen=True)
class Call:
    """A call that takes ``us`` itself and then makes ``calls``; a stage or a step is one too."""

    name: str
    us: float = 0.0
    calls: Sequence[Call] = ()
    shapes: Sequence[Sequence[int]] = ()
    types: Sequence[str] = ()
    kernel_us: float | None = None


def stage(name: str, *calls: Call, us: float = 0.0) -> Call:
    return Call(f"perfgate:stage:{name}", us, calls)


def steps(count: int, *calls: Call, us: float = 10.0) -> list[Call]:
    return [Call(f"perfgate:step:denoising_step_{index}", us, calls) for index in range(count)]


def module(name: str, *calls: Call, us: float = 1.0) -> Call:
    return Call(f"perfgate:module:{name}", us, calls)


def op(name: str, us: float = 5.0, *calls: Call, shapes: Sequence[Sequence[int]] = ()) -> Call:
    return Call(f"aten::{name}", us, calls, shapes, ["float"] * len(shapes))


@dataclass
class _Writer:
    events: list[dict[str, Any]] = field(default_factory=list)
    now_us: float = 1000.0
    ids: int = 0

    def write(self, call: Call) -> None:
        annotated = not call.name.startswith("aten::")
        event: dict[str, Any] = {
            "ph": "X",
            "pid": 1,
            "tid": 1,
            "name": call.name,
            "ts": self.now_us,
            "cat": "user_annotation" if annotated else "cpu_op",
            "args": {"Input Dims": list(call.shapes), "Input type": list(call.types)},
        }
        self.events.append(event)
        began, self.now_us = self.now_us, self.now_us + call.us
        if call.kernel_us is not None:
            self._launch(call.kernel_us)
        for inner in call.calls:
            self.write(inner)
        event["dur"] = self.now_us - began
        self.now_us += 0.5

    def _launch(self, us: float) -> None:
        """A runtime call of the host, and the kernel that it starts, which ends much later."""
        self.ids += 1
        told = {"correlation": self.ids}
        launch = {"cat": "cuda_runtime", "name": "cudaLaunchKernel", "tid": 1, "dur": 1.0}
        kernel = {"cat": "kernel", "name": "void sgemm<float, 4>(float*)", "tid": 7, "dur": us}
        for event in (launch, kernel):
            self.events.append({"ph": "X", "pid": 1, "ts": self.now_us, "args": told, **event})
        self.now_us += 1.0


def a_trace(calls: Iterable[Call], *, memory: Sequence[int] = ()) -> bytes:
    """A trace of one request; ``memory`` are allocations and, negative, what is freed."""
    writer = _Writer()
    writer.write(Call("perfgate:request", 0.0, list(calls)))
    writer.events += [
        {
            "ph": "i",
            "name": "[memory]",
            "ts": 1000.0 + index,
            "args": {"Bytes": size, "Device Type": 0},
        }
        for index, size in enumerate(memory)
    ]
    return json.dumps({"schemaVersion": 1, "traceEvents": writer.events}).encode()


def a_capture(*calls: Call, memory: Sequence[int] = ()) -> Capture:
    return read_capture(a_trace(calls, memory=memory))
