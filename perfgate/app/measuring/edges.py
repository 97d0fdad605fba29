"""The collaborators that reach outside: made by the command line, passed in, faked in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perfgate import process
from perfgate.app.measuring.devices import Choice
from perfgate.app.measuring.machine import Machine, real_machine
from perfgate.app.measuring.progress import Progress
from perfgate.github.event import Event, read_event
from perfgate.process import Child, Finished


@dataclass(frozen=True, kw_only=True)
class Edges:
    """Environment, clock, processes, folders and machine as one use case sees them.

    ``scratch`` is empty and goes away after the job; ``cache`` outlives it.
    """

    environ: Mapping[str, str] = field(repr=False)
    now: Callable[[], str]
    run: Callable[..., Finished]
    progress: Progress
    scratch: Path
    cache: Path
    machine: Machine
    event: Event
    start: Callable[..., Child] = Child

    @property
    def job(self) -> str:
        """What GitHub calls this visit to a runner; empty elsewhere."""
        return job_of(self.environ)


def real_edges(
    *,
    environ: Mapping[str, str],
    now: Callable[[], str],
    progress: Progress,
    scratch: Path,
    cache: Path,
    device: Choice,
    lease_timeout_s: float,
) -> Edges:
    """This machine and this event.

    Raises ConfigurationError for a damaged event, DeviceError for a device that is not there.
    """
    return Edges(
        environ=environ,
        now=now,
        run=process.run,
        progress=progress,
        scratch=scratch,
        cache=cache,
        machine=real_machine(
            device,
            environ=environ,
            now=now,
            tell=progress.note,
            job=job_of(environ),
            lease_timeout_s=lease_timeout_s,
        ),
        event=read_event(environ, lambda path: Path(path).read_text(encoding="utf-8")),
    )


def job_of(environ: Mapping[str, str]) -> str:
    """What GitHub calls this visit to a runner; empty elsewhere."""
    parts = ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "RUNNER_NAME")
    known = [environ.get(part, "") for part in parts]
    return "/".join(known) if known[0] else ""
