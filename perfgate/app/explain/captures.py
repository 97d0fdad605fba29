"""Takes the profiler captures of one case, base and head in turns, and keeps their traces.

Every capture is a fresh process of its own that no gate ever looks at. One that fails is told, and
the rest goes on.
"""

from __future__ import annotations

import gzip
import io
import stat
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perfgate.app.explain.stored import TRACES
from perfgate.app.measuring.rig import Rig
from perfgate.backends.backend import Backend, SideContext
from perfgate.backends.capturing import CapturingBackend
from perfgate.backends.launch import LaunchPlace
from perfgate.files import write_atomically
from perfgate.records import Launch, Side
from perfgate.report.escape import one_line
from perfgate.sides.checkout import Checkout
from perfgate.suite import Case
from perfgate.verdict.trace_calls import Capture
from perfgate.verdict.trace_reading import MAX_TRACE_BYTES, TraceError, read_capture

LEAST_CAPTURES = 5
"""Of each side: with fewer a deviation is a guess."""
_TURNS = ((Side.BASE, Side.HEAD), (Side.HEAD, Side.BASE))
_GZIP = b"\x1f\x8b"
_MOST_NOTES = 40
_NOTE_CHARS = 600


@dataclass(kw_only=True)
class Taken:
    """The captures of one case; ``flops`` are of each side that told them."""

    captures: dict[Side, list[Capture]] = field(
        default_factory=lambda: {Side.BASE: [], Side.HEAD: []}
    )
    flops: dict[Side, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def fail(self, side: Side, number: int, why: str) -> None:
        if len(self.notes) < _MOST_NOTES:
            self.notes.append(one_line(f"{side} capture {number}: {why}", limit=_NOTE_CHARS))

    def misses(self, side: Side, *, after: int) -> int:
        """How many of the first ``after`` captures of a side cannot be used."""
        return after - len(self.captures[side])


@dataclass(frozen=True, kw_only=True)
class Capturer:
    """Captures cases on both sides; traces are kept below ``folder``."""

    sides: Mapping[Side, Checkout]
    rig: Rig
    folder: Path

    def take(self, case: Case, *, count: int, later: int = 0) -> Taken:
        """``count`` captures of each side, in the order BA AB BA AB …; ``later`` are other cases'.

        Ends early where a side can no longer have :data:`LEAST_CAPTURES`. Raises DeviceError where
        other processes stay on the devices, ConfigurationError where a side ran another's code.
        """
        taken = Taken()
        ahead = 2 * count + later
        for number in range(1, count + 1):
            for side in _TURNS[(number - 1) % 2]:
                ahead -= 1
                self._take(case, side, number, taken, ahead=ahead)
                if taken.misses(side, after=number) > count - LEAST_CAPTURES:
                    return taken
        return taken

    def _take(self, case: Case, side: Side, number: int, taken: Taken, *, ahead: int) -> None:
        trace = self.rig.edges.scratch / f"trace-{side}-{number}.json"
        done = self._launched(case, side, number, trace)
        left_s = ahead * done.duration_s
        self.rig.edges.progress.launch_ended(case.id, done, left_s=left_s)
        try:
            if done.failure is not None:
                raise TraceError(f"was not left: {_why(done)}")
            data = _left_at(trace)
            kept = self.folder / TRACES / case.id / f"{side}-{number}.json.gz"
            write_atomically(kept, gzip.compress(data, mtime=0))
            taken.captures[side].append(read_capture(data))
        except TraceError as error:
            taken.fail(side, number, f"the trace {error}")
        finally:
            trace.unlink(missing_ok=True)
        flops = done.reports[-1].flops if done.reports else None
        if flops is not None:
            taken.flops[side] = flops

    def _launched(self, case: Case, side: Side, number: int, trace: Path) -> Launch:
        """One request in a process of its own, which counts what it executes the first time."""
        once = case.model_copy(update={"requests": 1, "outputs": ()})
        checkout, progress = self.sides[side], self.rig.edges.progress

        def captured(
            case: Case, *, backend: Backend, context: SideContext, place: LaunchPlace
        ) -> Launch:
            capturing = CapturingBackend(backend, trace=trace)
            return self.rig.fresh(case, backend=capturing, context=context, place=place)

        progress.launch_started(case.id, side, number - 1)
        return self.rig.launch(
            once,
            self.rig.context(
                once,
                path=checkout.path,
                own=checkout.environment(case.backend),
                count_flops=number == 1,
            ),
            side=side,
            pair=number - 1,
            order=2 * number,
            timeout_s=once.launch_timeout_s(),
            serve=captured,
        )


def _why(done: Launch) -> str:
    """Why a launch failed, with the last words of its log."""
    lines = [line.strip() for line in done.log_tail.splitlines() if line.strip()]
    return f"{done.failure}: {lines[-1]}" if lines else f"{done.failure}"


def _left_at(path: Path) -> bytes:
    """The JSON in a trace, plain or packed with gzip. Raises TraceError."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise TraceError("is no plain file")
        if status.st_size > MAX_TRACE_BYTES:
            raise TraceError(f"is larger than {MAX_TRACE_BYTES // 2**20} MiB; profile fewer steps")
        data = path.read_bytes()
        if not data.startswith(_GZIP):
            return data
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            return packed.read(MAX_TRACE_BYTES + 1)
    except FileNotFoundError:
        raise TraceError("was not written to $PERFGATE_TRACE") from None
    except (OSError, EOFError, zlib.error) as error:
        raise TraceError(f"cannot be read: {error}") from error
