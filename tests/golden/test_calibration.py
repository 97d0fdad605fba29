"""What `perfgate calibrate` prints of a machine, as it is read."""

from __future__ import annotations

import io

import numpy as np
from rich.console import Console

from perfgate.report.calibration import render_calibration
from tests.factories import a_case_record, a_record


def times(rng, *, noise, drift=0.0, jump=0.0, pairs=20):
    """The launches of base and of head, about one second each."""
    order = np.arange(2 * pairs).reshape(pairs, 2)
    level = 1 + jump * (rng.random((pairs, 2)) < 0.4)
    values = 1000 * level * np.exp(drift * order / (2 * pairs) + rng.normal(0, noise, (pairs, 2)))
    return values[:, 0].tolist(), values[:, 1].tolist()


def on_a_terminal(record, *, width=100):
    console = Console(file=io.StringIO(), width=width, legacy_windows=False, _environ={})
    render_calibration(record, console)
    return console.file.getvalue()


def test_calibrate(golden):
    rng = np.random.default_rng(2026)
    cases = []
    for name, what in (
        ("quiet", {"noise": 0.003}),
        ("warming_up", {"noise": 0.004, "drift": 0.05}),
        ("jumping_clocks", {"noise": 0.005, "jump": 0.09}),
        ("too_few", {"noise": 0.003, "pairs": 3}),
    ):
        base, head = times(rng, **what)
        cases.append(a_case_record(name, base=base, head=head))
    dead = a_case_record("dead", base=[], head=[], burn_in="exited with 1")
    golden("calibrate.txt", on_a_terminal(a_record([*cases, dead])))


def test_calibrate__what_a_benchmark_calls_its_stages_is_harmless():
    stage = {"total": 1000, "\x1b[31mred\n::error::gone [bold]x[/bold]": 900}
    text = on_a_terminal(a_record([a_case_record(base=[stage] * 2, head=[stage] * 2)]), width=160)
    assert "\x1b" not in text
    assert "::error" not in text
    assert "[bold]x[/bold]" in text
