"""docs/suite.md names every key of the suite and its default, and its benchmark leaves a report."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from perfgate.backends.reports import read_reports
from perfgate.suite import Case, Gate, Suite
from tests.documents import blocks, page

PAGE = page("docs/suite.md")
ROWS = [
    [cell.strip() for cell in row.split(" |")]
    for row in re.findall(r"^\| (`.+) \|$", PAGE.partition("\n## Every key\n")[2], re.MULTILINE)
]
TOLD = {
    name: default.strip("` ")
    for names, default, *_ in ROWS
    for name in re.findall(r"[\w.<>\[\]]+", names)
}
SHOWN = {0.03: "3%", 0.10: "10%", 0.01: "1%", 0.05: "5%", 5.0: "5ms", 30.0: "30m"}


@pytest.mark.parametrize("name", list(Gate.model_fields))
def test_gate__every_key_with_its_default(name: str) -> None:
    default = Gate.model_fields[name].default
    assert TOLD[f"gate.{name}"] == SHOWN.get(default, str(default))


@pytest.mark.parametrize("name", sorted(Suite.model_fields.keys() - {"gate", "cases"}))
def test_suite__every_key(name: str) -> None:
    assert name in TOLD or f"{name}.<name>.setup" in TOLD


@pytest.mark.parametrize("name", list(Case.model_fields))
def test_case__every_key_with_its_default(name: str) -> None:
    told = TOLD.get(f"cases[].{name}", TOLD.get(name))
    assert told is not None
    default = Case.model_fields[name].default
    if isinstance(default, int | str):
        assert told == str(default)


def test_benchmark__leaves_a_report_that_is_read(tmp_path: Path) -> None:
    (text,) = blocks(PAGE, "python")
    script, report = tmp_path / "bench.py", tmp_path / "report.json"
    script.write_text(text.replace("time.sleep(0.0", "time.sleep(0.00"), encoding="utf-8")
    told = {"PERFGATE_REPORT": str(report), "PERFGATE_REQUESTS": "2", "PERFGATE_DEVICE": "cpu"}
    subprocess.run([sys.executable, script], env={**os.environ, **told}, check=True)
    first, second = read_reports(report)
    assert [stage.name for stage in first.stages] == ["TextEncodingStage", "DenoisingStage"]
    assert (len(first.steps_ms), len(second.steps_ms), first.sync) == (8, 8, "stage")
