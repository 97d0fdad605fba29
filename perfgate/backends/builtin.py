"""Backend ``builtin``: perfgate's own diffusion pipelines, each side from its own tree."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from perfgate.backends.backend import CannotServeError, Invocation, SideContext
from perfgate.errors import ConfigurationError
from perfgate.suite import Case
from perfgate.workloads.diffusion import params
from perfgate.workloads.diffusion.config import Request
from perfgate.workloads.diffusion.presets import PRESETS

_MODULE = "perfgate.workloads.diffusion"
_RESIDENT = "--resident"
_LOAD_S = 2.0
_REQUEST_S = 1.5
_OF_KNOWN_LENGTH = ("wan-tiny", "flux-tiny", "wan-dual")
"""Sized to take as long as that on a CPU; how long the others take depends on the device."""


class BuiltinBackend:
    """Runs the tree's ``perfgate.workloads.diffusion`` in perfgate's own interpreter."""

    proves_imports = True

    def check(self, case: Case) -> None:
        params.resolve(case.preset or "", case.params)
        if case.devices > 1:
            raise ConfigurationError(
                f"case {case.id}: backend builtin runs on one device, and devices is "
                f"{case.devices}",
                fix="Leave devices out, or run it with backend: command and your own launcher.",
            )
        if find_spec("torch") is None:
            raise ConfigurationError(
                f"case {case.id}: backend builtin needs torch, which is not installed here",
                fix="pip install 'perfgate[torch]', or measure with backend: command.",
            )

    def expected_launch_s(self, case: Case) -> float | None:
        """Known for the CPU's presets, in proportion to what the case's params ask for."""
        config = params.resolve(case.preset or "", case.params)
        usual = PRESETS[config.preset]
        if config.preset not in _OF_KNOWN_LENGTH or config.execution != usual.execution:
            return None
        request_s = _REQUEST_S * _size(config.request) / _size(usual.request)
        return _LOAD_S + (1 + case.requests) * request_s

    def invocation(self, case: Case, side: SideContext, *, report: Path) -> Invocation:
        return self._invocation(case, side, "--report", str(report))

    def server(self, case: Case, side: SideContext) -> Invocation:
        invocation = self._invocation(case, side, _RESIDENT)
        entry = side.path.joinpath(*_MODULE.split("."), "__main__.py")
        if _RESIDENT not in entry.read_text(encoding="utf-8"):
            raise CannotServeError(
                "this side's own perfgate is older than resident servers; write `launch: fresh` "
                "until the base branch knows them"
            )
        return invocation

    def _invocation(self, case: Case, side: SideContext, *where: str) -> Invocation:
        if not (side.path / "perfgate" / "workloads" / "diffusion").is_dir():
            raise ConfigurationError(
                f"case {case.id}: {side.path} holds no perfgate, and backend builtin measures "
                "each side's own copy of it",
                fix="Use backend: command with your project's benchmark; builtin is perfgate's "
                "own self-test.",
            )
        threads = case.threads or 1
        command = (
            *(sys.executable, "-P", "-m", _MODULE),
            *("--preset", case.preset or "", "--params", json.dumps(case.params)),
            *("--requests", str(case.requests), "--threads", str(threads)),
            *where,
            # Absent means cpu, also to commits of perfgate that know no such option.
            *(("--device", side.device) if side.device != "cpu" else ()),
        )
        env = {
            **side.env,
            "PYTHONPATH": str(side.path),
            "OMP_NUM_THREADS": str(threads),
            "MKL_NUM_THREADS": str(threads),
            **{name: str(value) for name, value in case.env.items()},
        }
        return Invocation(command=command, env=env)

    def must_import(self, side: SideContext) -> Mapping[str, Path]:
        return {"perfgate": side.path}


def _size(request: Request) -> int:
    return request.frames * request.height * request.width * request.steps
