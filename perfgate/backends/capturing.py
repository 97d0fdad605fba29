"""Any backend's launch with a profiler in it: takes no times that are gated, and says who cannot.

The builtin pipelines are profiled from outside, so that a base older than this perfgate can be
captured too. Everybody else is asked by a variable of the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from perfgate.backends.backend import Backend, CannotServeError, Invocation, SideContext
from perfgate.errors import ConfigurationError
from perfgate.suite import Case
from perfgate.workloads import tracing
from perfgate.workloads.tracing import TRACE_VARIABLE

_ASKED = ("command", "diffusers")
_FROM_OUTSIDE = "builtin"


def check_capture(case: Case) -> None:
    """Raise ConfigurationError for a case whose backend has no process of ours to profile."""
    if case.backend not in (*_ASKED, _FROM_OUTSIDE):
        raise ConfigurationError(
            f"case {case.id}: backend {case.backend} cannot be captured, since what computes is no "
            "process that perfgate can profile",
            fix="Use the framework's own profiler, or a case with backend builtin, diffusers or "
            "command (perfgate's docs/explain.md).",
        )


class CapturingBackend:
    """The backend of a case, whose launches leave a trace of one measured request at ``trace``."""

    def __init__(self, backend: Backend, *, trace: Path) -> None:
        self.backend = backend
        self.trace = trace
        self.proves_imports = backend.proves_imports

    def check(self, case: Case) -> None:
        check_capture(case)
        self.backend.check(case)

    def expected_launch_s(self, case: Case) -> float | None:
        return self.backend.expected_launch_s(case)

    def invocation(self, case: Case, side: SideContext, *, report: Path) -> Invocation:
        plain = self.backend.invocation(case, side, report=report)
        command = _profiled(plain.command) if case.backend == _FROM_OUTSIDE else plain.command
        return Invocation(command=command, env={**plain.env, TRACE_VARIABLE: str(self.trace)})

    def server(self, case: Case, side: SideContext) -> Invocation:  # noqa: ARG002 - Protocol
        raise CannotServeError("a capture is a fresh process of its own")

    def must_import(self, side: SideContext) -> Mapping[str, Path]:
        return self.backend.must_import(side)


def _profiled(command: tuple[str, ...]) -> tuple[str, ...]:
    """``python -P -m MODULE …`` with the module run by the file that profiles it."""
    at = command.index("-m")
    return (*command[:at], str(Path(tracing.__file__).resolve()), *command[at + 1 :])
