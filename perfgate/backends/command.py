"""Backend ``command``: the project's own benchmark, a shell line that leaves a report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from perfgate.backends.backend import Invocation, SideContext
from perfgate.suite import Case

REPORT_VARIABLE = "PERFGATE_REPORT"
REQUESTS_VARIABLE = "PERFGATE_REQUESTS"


class CommandBackend:
    """Runs ``sh -c COMMAND`` in the side's tree; the command warms itself up."""

    proves_imports = False

    def check(self, case: Case) -> None:
        """The suite has already seen that there is a command."""

    def expected_launch_s(self, case: Case) -> float | None:  # noqa: ARG002 - Protocol
        return None

    def invocation(self, case: Case, side: SideContext, *, report: Path) -> Invocation:
        command = case.command or ""
        threads = str(case.threads or len(os.sched_getaffinity(0)))
        env = {
            **side.env,
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            **{name: str(value) for name, value in case.env.items()},
            REPORT_VARIABLE: str(report),
            REQUESTS_VARIABLE: str(case.requests),
        }
        return Invocation(command=("sh", "-c", command), env=env)

    def must_import(self, side: SideContext) -> Mapping[str, Path]:  # noqa: ARG002 - Protocol
        return {}
