"""Times the stages and steps of one request. Imports the standard library alone, does no I/O.

It is imported from the measured project's own environment, so it may not need anything installed
there. The names and the rule for steps are those of sglang's StageProfiler: a stage opened with
``record_as_step=True``, or whose name starts with ``denoising_step_``, is a denoising step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from perfgate.errors import DeviceError
from perfgate.profile.devices.device import Device
from perfgate.profile.spans import NULL_SPAN, Span, Trace, WatchedSpan

Sync: TypeAlias = Literal["stage", "events", "off"]

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

    What a time is depends on ``sync``, on every kind of device alike:

    - ``stage``: the device's queue is waited for at entry and exit of every span, so that a span
      holds its own work and nobody else's; the queue runs dry at each of them.
    - ``events``: the device notes both ends of a span in its own queue. The notes are read once, at
      the end of the request, after the only wait.
    - ``off``: the host's clock alone. On a device these are the times of enqueueing.

    Without a device the work ends before its call returns, and the host's clock is right.

    A span inside another is part of it: it is kept under :attr:`nested` and in neither
    :attr:`stages` nor :attr:`steps_ms`, so that adding those up counts no time twice. The one
    exception is a step inside a stage, which is where steps belong.

    With ``capture_memory`` the device's memory is read after each outermost stage, between the
    intervals that are timed; its peaks begin again with the request.
    """

    def __init__(
        self,
        *,
        device: Device | None = None,
        sync: Sync = "stage",
        clock_ns: Callable[[], int] = time.perf_counter_ns,
        capture_memory: bool = False,
    ) -> None:
        if device is None and (sync == "events" or capture_memory):
            asked = "sync='events'" if sync == "events" else "capture_memory"
            raise ValueError(f"{asked} needs a device")
        self.sync: Final = sync
        self.memory_checkpoints: Final[dict[str, dict[str, float]]] = {}
        self._clock_ns = clock_ns
        self._awaited = device if sync == "events" else None
        self._remembered = device if capture_memory else None
        self._trace = Trace(_mark(device, sync, clock_ns))
        self._durations_ms: list[float] = []
        self._requested = False

    def request(self) -> AbstractContextManager[None, None]:
        """The span of the whole request, opened once and around every stage."""
        if self._requested or self._trace.innermost is not None:
            raise RuntimeError("request() is opened once, around every stage")
        self._requested = True
        if self._remembered is not None:
            self._remembered.reset_peak_memory()
        return WatchedSpan(self._trace, "request", "request", self._end_request)

    def stage(
        self, name: str, *, record_as_step: bool = False
    ) -> AbstractContextManager[None, None]:
        """A span for ``with``; a step's duration is appended, a stage's is added up by name."""
        if not name:
            raise ValueError("a stage needs a name")
        if record_as_step or name.startswith(STEP_PREFIX):
            return Span(self._trace, name, "step")
        if self._remembered is not None:
            return WatchedSpan(self._trace, name, "stage", self._remember)
        return Span(self._trace, name, "stage")

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
        return tuple(duration_ms for span, duration_ms in self._read() if _is_counted_step(span))

    @property
    def stages_ms(self) -> float:
        """The sum of the outermost stages: at most :attr:`total_ms`."""
        return sum(timing.duration_ms for timing in self.stages)

    @property
    def total_ms(self) -> float | None:
        """The duration of :meth:`request`; ``None`` if it was not opened or did not end well."""
        return next((ms for span, ms in self._read() if span.kind == "request"), None)

    @property
    def incomplete(self) -> tuple[str, ...]:
        """The spans that an exception left, innermost first; none of them has a duration."""
        return tuple(self._trace.incomplete)

    def _timings(self) -> list[StageTiming]:
        added: dict[tuple[str, str], StageTiming] = {}
        for span, duration_ms in self._read():
            if span.kind == "request" or _is_counted_step(span):
                continue
            within = "" if span.around is None or span.is_outermost else span.around.name
            seen = added.get((within, span.name), StageTiming(span.name, 0.0, 0, within))
            added[within, span.name] = replace(
                seen, duration_ms=seen.duration_ms + duration_ms, count=seen.count + 1
            )
        return list(added.values())

    def _read(self) -> list[tuple[Span, float]]:
        """Every span that ended, with its duration; events are waited for and read once."""
        ended = self._trace.ended
        fresh = ended[len(self._durations_ms) :]
        if fresh and self._awaited is not None:
            self._awaited.synchronise()
            self._durations_ms += [span.began.elapsed_ms(span.ended) for span in fresh]
        else:
            self._durations_ms += [(span.ended - span.began) / _NS_PER_MS for span in fresh]
        return list(zip(ended, self._durations_ms, strict=True))

    def _end_request(self, request: Span, failed: bool) -> None:
        """Read the events while the device is at hand, so that nothing waits for it later."""
        try:
            self._read()
        except (DeviceError, RuntimeError):
            # A lost device tells no times: the spans that cannot be read any more are left out.
            del self._trace.ended[len(self._durations_ms) :]
            if not failed:  # else what ended the request is on its way up, and says why
                self._trace.incomplete.append(request.name)
                raise

    def _remember(self, stage: Span, failed: bool) -> None:
        """Keep what the device tells after an outermost stage; the request's clock stands still."""
        if self._remembered is None or failed or not stage.is_outermost:
            return
        reading = asdict(self._remembered.memory())
        self.memory_checkpoints[f"after_{stage.name}"] = {
            name: value for name, value in reading.items() if value is not None
        }
        if stage.around is not None and self._awaited is None:
            stage.around.began += self._clock_ns() - stage.ended


class _SwitchedOffRecorder(StageRecorder):
    """Keeps nothing, so that one serves every request."""

    def request(self) -> AbstractContextManager[None, None]:
        return NULL_SPAN

    def stage(
        self,
        name: str,  # noqa: ARG002 - the same interface
        *,
        record_as_step: bool = False,  # noqa: ARG002
    ) -> AbstractContextManager[None, None]:
        return NULL_SPAN


def _is_counted_step(span: Span) -> bool:
    return span.kind == "step" and not span.is_within_a_step


def _mark(device: Device | None, sync: Sync, clock_ns: Callable[[], int]) -> Callable[[], Any]:
    """What notes an end of a span: the clock's nanoseconds, or an event of the device."""
    if device is None or sync == "off":
        return clock_ns
    if sync == "events":
        return device.event
    synchronise = device.synchronise

    def drained_ns() -> int:
        synchronise()
        return clock_ns()

    return drained_ns


NO_RECORDER: Final[StageRecorder] = _SwitchedOffRecorder(sync="off")
"""The recorder to hand in where nothing is to be recorded."""
