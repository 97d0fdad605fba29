"""The collaborators that reach outside: made by the command line, passed in, faked in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from perfgate import process
from perfgate.app.progress import Progress
from perfgate.github.event import Event, read_event
from perfgate.process import Finished
from perfgate.profile.fingerprint import cpu_fingerprint
from perfgate.records import Fingerprint


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
    fingerprint: Fingerprint
    event: Event

    @property
    def job(self) -> str:
        """What GitHub calls this visit to a runner; empty elsewhere."""
        parts = ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT", "GITHUB_JOB", "RUNNER_NAME")
        known = [self.environ.get(part, "") for part in parts]
        return "/".join(known) if known[0] else ""


def real_edges(
    *,
    environ: Mapping[str, str],
    now: Callable[[], str],
    progress: Progress,
    scratch: Path,
    cache: Path,
) -> Edges:
    """This machine and this event; raises ConfigurationError for a damaged event."""
    return Edges(
        environ=environ,
        now=now,
        run=process.run,
        progress=progress,
        scratch=scratch,
        cache=cache,
        fingerprint=cpu_fingerprint(runner_name=environ.get("RUNNER_NAME", "")),
        event=read_event(environ, lambda path: Path(path).read_text(encoding="utf-8")),
    )
