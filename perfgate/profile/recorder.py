"""Times the stages and steps of one request. Imports the standard library alone, does no I/O.

It is imported from the measured project's own environment, so it may not need anything installed
there. The names and the rule for steps are those of sglang's StageProfiler: a stage opened with
``record_as_step=True``, or whose name starts with ``denoising_step_``, is a denoising step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

STEP_PREFIX = "denoising_step_"
_NS_PER_MS = 1e6


@dataclass(frozen=True)
class StageTiming:
    """All runs of one stage in a request; ``within`` names the span around it, or is empty."""

    name: str
    duration_ms: float
    count: int
    within: str = ""


class StageRecorder:
    """Collects one request's timings; one recorder for each request, one thread at a time.

    ``synchronise`` waits for the device's queue and is called before both clock readings of a
    span. Without it the host clock is right only where work ends before the call returns, as on
    a CPU.

    A span inside another is part of it: it is kept under :attr:`nested` and in neither
    :attr:`stages` nor :attr:`steps_ms`, so that adding those up counts no time twice. The one
    exception is a step inside a stage, which is where steps belong.
    """

    def __init__(
        self,
        *,
        synchronise: Callable[[], None] | None = None,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._synchronise = synchronise
        self._clock_ns = clock_ns
        self._open: list[_Span] = []
        self._ns: dict[tuple[str, str], list[int]] = {}
        self._steps_ns: list[int] = []
        self._request_ns: int | None = None
        self._incomplete: list[str] = []

    def request(self) -> _Span:
        """The span of the whole request, opened once and around every stage."""
        return _Span(self, "request", kind="request")

    def stage(self, name: str, *, record_as_step: bool = False) -> _Span:
        """A span for ``with``; a step's duration is appended, a stage's is added up by name."""
        if not name:
            raise ValueError("a stage needs a name")
        is_step = record_as_step or name.startswith(STEP_PREFIX)
        return _Span(self, name, kind="step" if is_step else "stage")

    @property
    def stages(self) -> tuple[StageTiming, ...]:
        """The outermost stages, in the order in which each first ended."""
        return tuple(timing for timing in self._timings() if not timing.within)

    @property
    def nested(self) -> tuple[StageTiming, ...]:
        """Spans inside a stage or a step; their time is part of what is named in ``within``."""
        return tuple(timing for timing in self._timings() if timing.within)

    @property
    def steps_ms(self) -> tuple[float, ...]:
        """The duration of each denoising step, in order."""
        return tuple(duration_ns / _NS_PER_MS for duration_ns in self._steps_ns)

    @property
    def stages_ms(self) -> float:
        """The sum of the outermost stages: at most :attr:`total_ms`."""
        return sum(timing.duration_ms for timing in self.stages)

    @property
    def total_ms(self) -> float | None:
        """The duration of :meth:`request`; ``None`` if it was not opened or did not end well."""
        return None if self._request_ns is None else self._request_ns / _NS_PER_MS

    @property
    def incomplete(self) -> tuple[str, ...]:
        """The spans that an exception left; they have no duration, and neither has the request."""
        return tuple(self._incomplete)

    def _timings(self) -> list[StageTiming]:
        return [
            StageTiming(name, total_ns / _NS_PER_MS, count, within)
            for (within, name), (total_ns, count) in self._ns.items()
        ]

    def _enter(self, span: _Span) -> None:
        if span.kind == "request" and (self._open or self._request_ns is not None):
            raise RuntimeError("request() is opened once, around every stage")
        if self._synchronise is not None:
            self._synchronise()
        self._open.append(span)
        span.started_ns = self._clock_ns()

    def _exit(self, span: _Span, *, failed: bool) -> None:
        if not failed and self._synchronise is not None:
            self._synchronise()
        ended_ns = self._clock_ns()
        if not self._open or self._open.pop() is not span:
            raise RuntimeError(f"stage {span.name!r} ended while another one inside it was open")
        if failed:
            self._incomplete.append(span.name)
        else:
            self._keep(span, ended_ns - span.started_ns)

    def _keep(self, span: _Span, duration_ns: int) -> None:
        around = self._open[-1] if self._open else None
        if span.kind == "request":
            self._request_ns = duration_ns
        elif span.kind == "step" and all(outer.kind != "step" for outer in self._open):
            self._steps_ns.append(duration_ns)
        else:
            within = "" if around is None or around.kind == "request" else around.name
            total = self._ns.setdefault((within, span.name), [0, 0])
            total[0] += duration_ns
            total[1] += 1


class _Span:
    """One run of a stage: a slotted class, because a generator costs about twice as much."""

    __slots__ = ("_recorder", "kind", "name", "started_ns")

    def __init__(self, recorder: StageRecorder, name: str, *, kind: str) -> None:
        self._recorder = recorder
        self.name = name
        self.kind = kind
        self.started_ns = 0

    def __enter__(self) -> None:
        self._recorder._enter(self)  # noqa: SLF001 - two halves of one thing

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._recorder._exit(self, failed=kind is not None)  # noqa: SLF001 - see above
