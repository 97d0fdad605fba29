"""The Protocol that every backend meets. Holds no logic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from perfgate.profile.devices.device import DeviceKind
from perfgate.suite import Case


@dataclass(frozen=True, kw_only=True)
class SideContext:
    """What a backend is told of the side that it runs on.

    ``device`` is the kind that the launch has leased. ``env`` lets the process see those devices
    alone, so that they are the first of their kind there, from index 0 on.
    """

    path: Path
    python: Path
    env: Mapping[str, str] = field(repr=False)
    device: DeviceKind = "cpu"


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One process to start in the side's tree; it leaves its report where it was told to."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)


class CannotServeError(ValueError):
    """A side's code cannot stay loaded between requests; the text says what to do."""


class Backend(Protocol):
    """Turns a case into a process, and says beforehand what is wrong with the case.

    ``proves_imports`` says that every report names the files that were imported, so that no other
    proof is needed.
    """

    proves_imports: bool

    def check(self, case: Case) -> None:
        """Raise ConfigurationError where the case cannot run here."""

    def expected_launch_s(self, case: Case) -> float | None:
        """A guess at a launch's length for the plan, or None where nothing is known."""

    def invocation(self, case: Case, side: SideContext, *, report: Path) -> Invocation:
        """The process that loads, warms up, serves the measured requests and writes ``report``."""

    def server(self, case: Case, side: SideContext) -> Invocation:
        """The process that loads, warms up and reads its input: each line is a report's path.

        For each line it serves the measured requests, puts the whole report there at once, which is
        the answer, and waits for the next; it ends with its input. Raises CannotServeError.
        """

    def must_import(self, side: SideContext) -> Mapping[str, Path]:
        """Modules that the report has to prove, each with the folder it has to come from."""
