"""Kernels on an NPU, run without one: the stand-in backend that torch knows as ``npu``.

What it shows: that inputs lie on the device, that blocks are timed by its events, and what is not
available there. What it cannot show: anything about time, or about a real NPU.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perfgate.records.kernels import KernelTable
from tests.fakes.npu.build import COMPILER, environment, python
from tests.timed_kernels import KERNEL_FILE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(COMPILER is None, reason="the stand-in NPU needs a C++ compiler"),
]


def ran(folder: Path, command: str, *arguments: str) -> Any:
    (folder / "mine.py").write_text(KERNEL_FILE)
    report = folder / "report.json"
    done = python(
        *("-m", "perfgate.workloads.kernels", command, "--file", str(folder / "mine.py")),
        *("--kernel", "double", "--shape", "B64 D8", "--device", "npu", "--rounds", "6"),
        *("--report", str(report), *arguments),
        environ=environment(folder),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(report.read_text())


def test_table__is_timed_by_the_devices_events(tmp_path: Path) -> None:
    told = ran(tmp_path, "compare")
    table = KernelTable.model_validate(told["table"])
    assert {row.name: row.state for row in table.variants} == {
        "reference": "timed",
        "twice": "timed",
        "thrice": "hazard",
        "gone": "not available",
    }
    assert {row.times.method for row in table.variants if row.times} == {"events"}
    assert table.bound is not None
    assert table.bound.times.method == "events"
    assert "npu: Ascend910B3" in told["build"]


def test_launch__reports_a_call_there(tmp_path: Path) -> None:
    (report,) = ran(tmp_path, "launch", "--variant", "twice")
    assert report["total_duration_ms"] > 0
    assert report["perfgate"]["device"] == "npu"
    assert [part["name"] for part in report["perfgate"]["output"]["stages"]] == ["output"]
