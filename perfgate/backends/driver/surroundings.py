"""What a framework sees of this machine, and what every report tells of a launch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from perfgate.backends.driver import ports
from perfgate.backends.driver.descendants import kill_descendants
from perfgate.backends.driver.spec import PYTHONPATH_OF_FRAMEWORK, Spec
from perfgate.backends.failures import FrameworkError, one_line
from perfgate.records.results import FailureKind

_VERSION_S = 30.0
_VERSION = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
_FREED_S = 5.0


def framework_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The driver's own environment, but for PYTHONPATH, which each of the two has its own."""
    env = {name: value for name, value in environ.items() if name != "PYTHONPATH"}
    carried = env.pop(PYTHONPATH_OF_FRAMEWORK, None)
    return env if carried is None else {**env, "PYTHONPATH": carried}


def told_of(spec: Spec, env: Mapping[str, str]) -> dict[str, Any]:
    """What holds for every request of the launch."""
    told: dict[str, Any] = {"framework": spec.framework, "compiled": spec.compiled}
    if spec.sync is not None:
        told["sync"] = spec.sync
    version = _version(spec, env)
    return {**told, "framework_version": version} if version else told


def check_all_ended(spec: Spec) -> None:
    """Raise FrameworkError where a process of the launch or one of its ports is left."""
    left = kill_descendants()
    if left:
        told = f"processes that could not be ended: {', '.join(left)}"
        raise FrameworkError(FailureKind.CRASHED, told)
    ports.wait_until_free(spec.ports, patience_s=_FREED_S, when="after the server was ended")


def _version(spec: Spec, env: Mapping[str, str]) -> str:
    """The version of the framework's package in the side's own environment, where it has one."""
    if spec.package is None:
        return ""
    try:
        done = subprocess.run(
            [spec.python or sys.executable, "-c", _VERSION, spec.package],
            env=dict(env),
            cwd=os.sep,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        # A version is told where it is known; no figure depends on it.
        return ""
    return one_line(done.stdout, most_chars=100) if done.returncode == 0 else ""
