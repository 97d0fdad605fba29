"""Backend ``kernel``: one variant of a kernel at one shape, checked and timed in a fresh process.

perfgate's own kernels come from the side's tree where that is perfgate itself, else from the
perfgate that runs the gate: a pull request brings its kernels, never its own judge.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from perfgate.backends.backend import CannotServeError, Invocation, SideContext
from perfgate.errors import ConfigurationError
from perfgate.suite import Case
from perfgate.workloads import kernels

OWN_START = Path(kernels.__file__).with_name("start.py")
_WORKLOADS = Path("perfgate", "workloads")
_START = _WORKLOADS / "kernels" / "start.py"


class KernelBackend:
    """Starts the side's interpreter on perfgate's starter for kernels.

    What the launches import is proven by the suite's `imports:` or by the project's own package, as
    for a command: a kernel's file may call code of either.
    """

    proves_imports = False

    def check(self, case: Case) -> None:
        """The suite has already seen that all is there; names are looked up by the launch."""

    def expected_launch_s(self, case: Case) -> float | None:  # noqa: ARG002 - Protocol
        return None

    def invocation(self, case: Case, side: SideContext, *, report: Path) -> Invocation:
        asked = case.kernel
        if asked is None:
            raise ConfigurationError(
                f"case {case.id} names no kernel", fix="Give it the key kernel in the suite."
            )
        start, python = _start(case, side)
        arguments = (
            *("launch", "--kernel", asked.name, "--variant", asked.variant),
            *("--shape", asked.shape, "--cache", asked.cache, "--device", side.device),
            *("--threads", str(case.threads or 1), "--requests", str(case.requests)),
            *(() if asked.file is None else ("--file", str(_file(case, asked.file, side)))),
        )
        env = {**side.env, **{name: str(value) for name, value in case.env.items()}}
        return kernel_process(
            python, start, arguments, env=env, threads=case.threads or 1, report=report
        )

    def server(self, case: Case, side: SideContext) -> Invocation:  # noqa: ARG002 - Protocol
        raise CannotServeError("backend kernel times launch by launch; write `launch: fresh`")

    def must_import(self, side: SideContext) -> Mapping[str, Path]:
        return {"perfgate": side.path} if (side.path / _START).is_file() else {}


def kernel_process(
    python: Path,
    start: Path,
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    threads: int,
    report: Path,
) -> Invocation:
    """The process of :mod:`perfgate.workloads.kernels` with these arguments.

    Its libraries are told the number of threads before they are loaded.
    """
    counted = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    command = (str(python), "-P", str(start), *arguments, "--report", str(report))
    return Invocation(command=command, env={**env, **counted})


def _start(case: Case, side: SideContext) -> tuple[Path, Path]:
    """The starter, and the interpreter to run it in: perfgate's own tree has no environment."""
    if (side.path / _START).is_file():
        return side.path / _START, Path(sys.executable)
    if (side.path / _WORKLOADS).is_dir():
        raise ConfigurationError(
            f"case {case.id}: {side.path} holds a perfgate that is older than kernel cases",
            fix="Add the case once the base branch knows them.",
        )
    return OWN_START, side.python


def _file(case: Case, name: str, side: SideContext) -> Path:
    """The kernel's file in the side's tree, and nowhere else, also by way of links.

    One that is missing or broken is told by the launch, which fails alone.
    """
    path = side.path / name
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(side.path)):
        raise ConfigurationError(
            f"case {case.id}: the kernel file {name} leads out of {side.path}",
            fix="Put the file itself into the repository: each side runs its own.",
        )
    return path
