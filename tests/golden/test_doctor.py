"""What `perfgate doctor` prints of three machines, as it is read."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from perfgate.report.doctor import Check, Diagnosis, render_doctor, summary
from tests.golden.machines import MACHINES


def on_a_terminal(diagnosis, *, width):
    console = Console(file=io.StringIO(), width=width, legacy_windows=False, _environ={})
    render_doctor(diagnosis, console)
    return console.file.getvalue()


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.__name__)
def test_doctor(machine, golden):
    golden(f"doctor_{machine.__name__}.txt", on_a_terminal(machine(), width=80))


def test_doctor__what_a_machine_calls_itself_is_harmless():
    hostile = Check(
        name="device", state="ok", seen="cpu: \x1b[31mred\n::error::gone [bold]x[/bold]"
    )
    text = on_a_terminal(
        Diagnosis(perfgate="0", device="cpu", fit=True, checks=(hostile,)), width=120
    )
    assert "\x1b" not in text
    assert "::error" not in text
    assert "[bold]x[/bold]" in text


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (["ok", "not applicable"], "Fit to measure on cpu."),
        (["warning"], "Fit to measure on cpu, with 1 warning."),
        (["warning", "warning"], "Fit to measure on cpu, with 2 warnings."),
        (["bad", "warning"], "Not fit to measure on cpu: 1 row is bad."),
        (["bad", "bad"], "Not fit to measure on cpu: 2 rows are bad."),
    ],
)
def test_summary(states, told):
    checks = tuple(Check(name="a", state=state, seen="b") for state in states)
    fit = "bad" not in states
    assert summary(Diagnosis(perfgate="0", device="cpu", fit=fit, checks=checks)) == told
