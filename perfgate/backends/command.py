"""Backend ``command``: the project's own benchmark, a shell line that leaves a report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from perfgate.backends.backend import Invocation, SideContext
from perfgate.suite import Case

REPORT_VARIABLE = "PERFGATE_REPORT"
REQUESTS_VARIABLE = "PERFGATE_REQUESTS"
DEVICES_VARIABLE = "PERFGATE_DEVICES"
"""Tells a command how many devices it may use: it starts its processes itself, as by torchrun."""
RESIDENT_VARIABLE = "PERFGATE_RESIDENT"
"""Tells a command to stay and to read where its reports belong from its input, line by line."""


class CommandBackend:
    """Runs ``sh -c COMMAND`` in the side's tree; the command warms itself up."""

    proves_imports = False

    def check(self, case: Case) -> None:
        """The suite has already seen that there is a command."""

    def expected_launch_s(self, case: Case) -> float | None:  # noqa: ARG002 - Protocol
        return None

    def invocation(self, case: Case, side: SideContext, *, report: Path) -> Invocation:
        return self._invocation(case, side, {REPORT_VARIABLE: str(report)})

    def server(self, case: Case, side: SideContext) -> Invocation:
        return self._invocation(case, side, {RESIDENT_VARIABLE: "1"})

    def _invocation(self, case: Case, side: SideContext, where: Mapping[str, str]) -> Invocation:
        command = case.command or ""
        threads = str(case.threads or len(os.sched_getaffinity(0)))
        # An enclosing job may have told this process itself to stay, or where to report.
        told = (REPORT_VARIABLE, RESIDENT_VARIABLE)
        env = {
            **{name: value for name, value in side.env.items() if name not in told},
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            **{name: str(value) for name, value in case.env.items()},
            **where,
            REQUESTS_VARIABLE: str(case.requests),
            DEVICES_VARIABLE: str(case.devices),
        }
        return Invocation(command=("sh", "-c", command), env=env)

    def must_import(self, side: SideContext) -> Mapping[str, Path]:  # noqa: ARG002 - Protocol
        return {}
