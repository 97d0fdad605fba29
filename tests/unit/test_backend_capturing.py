"""Which cases can be captured, and what their processes are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perfgate.backends.backend import CannotServeError, SideContext
from perfgate.backends.capturing import CapturingBackend, check_capture
from perfgate.backends.registry import BACKENDS
from perfgate.errors import ConfigurationError
from perfgate.suite import Case

ROOT = Path(__file__).parents[2]
TRACE = Path("/scratch/trace.json")
SIDE = SideContext(path=ROOT, python=Path("/usr/bin/python3"), env={"PERFGATE_TRACE": "another"})


def invocation(**case: Any):
    found = Case(id="case", requests=1, **case)
    backend = CapturingBackend(BACKENDS[found.backend], trace=TRACE)
    return backend.invocation(found, SIDE, report=Path("/scratch/report.json"))


def test_builtin__the_sides_own_module_is_run_by_this_perfgates_profiler() -> None:
    plain = BACKENDS["builtin"].invocation(
        Case(id="case", backend="builtin", preset="wan-tiny", requests=1),
        SIDE,
        report=Path("/scratch/report.json"),
    )
    made = invocation(backend="builtin", preset="wan-tiny")
    at = plain.command.index("-m")
    assert made.command[:at] == plain.command[:at]
    assert Path(made.command[at]).name == "tracing.py"
    assert made.command[at + 1 :] == plain.command[at + 1 :]
    assert made.env["PYTHONPATH"] == str(ROOT)
    assert made.env["PERFGATE_TRACE"] == str(TRACE)


def test_command__is_asked_by_a_variable() -> None:
    made = invocation(backend="command", command="python3 bench.py")
    assert made.command == ("sh", "-c", "python3 bench.py")
    assert made.env["PERFGATE_TRACE"] == str(TRACE)


def test_what_serves_elsewhere_is_refused_with_what_to_do() -> None:
    case = Case.model_validate(
        {"id": "case", "backend": "sglang", "model": "m", "task": "text-to-image"}
        | {"request": {"prompt": "p", "width": 64, "height": 64, "steps": 4}}
    )
    with pytest.raises(ConfigurationError, match="backend sglang cannot be captured") as caught:
        check_capture(case)
    assert "profiler" in caught.value.fix


def test_a_capture_is_no_turn_of_a_server() -> None:
    backend = CapturingBackend(BACKENDS["command"], trace=TRACE)
    case = Case(id="case", backend="command", command="true", launch="resident")
    with pytest.raises(CannotServeError):
        backend.server(case, SIDE)
