"""What `perfgate calibrate` prints of a machine, as it is read."""

from __future__ import annotations

import io

import numpy as np
from rich.console import Console

from perfgate.baselines.calibration import add_run
from perfgate.records import EqualGates, GatePolicy
from perfgate.report.calibration import render_calibration
from perfgate.verdict.rates import rule_of
from tests.factories import a_case_record, a_record


def times(rng, *, noise, drift=0.0, jump=0.0, pairs=20):
    """The launches of base and of head, about one second each."""
    order = np.arange(2 * pairs).reshape(pairs, 2)
    level = 1 + jump * (rng.random((pairs, 2)) < 0.4)
    values = 1000 * level * np.exp(drift * order / (2 * pairs) + rng.normal(0, noise, (pairs, 2)))
    return values[:, 0].tolist(), values[:, 1].tolist()


def on_a_terminal(record, *, kept=None, width=100):
    console = Console(file=io.StringIO(), width=width, legacy_windows=False, _environ={})
    render_calibration(record, console, kept=kept)
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


def test_calibrate__how_often_resident_servers_were_blocked():
    rule = rule_of(GatePolicy())
    counts = {"gates": 8, "blocked": 0, "passed": 7, "undecided": 1}
    found = EqualGates(restart_every=4, rule=rule, **counts)
    base, head = times(np.random.default_rng(2026), noise=0.003)
    case = a_case_record(base=base, head=head).model_copy(update={"equal_gates": found})
    first = a_record([case])
    text = on_a_terminal(first, kept=add_run(None, first), width=1000)
    told = "Resident servers: 0 of 8 gates of equal sides were blocked (0 % to 37 %); 7 passed, "
    assert f"{told}1 undecided. A gate judges such a case from 20 gates on; those of" in text
    later = add_run(add_run(add_run(None, first), first), first)
    text = on_a_terminal(first, kept=later, width=1000)
    assert f"{told}1 undecided. With those of earlier runs, 0 of 24 gates of equal sides" in text
    assert "from 20 gates on" not in text


def test_calibrate__what_a_benchmark_calls_its_stages_is_harmless():
    stage = {"total": 1000, "\x1b[31mred\n::error::gone [bold]x[/bold]": 900}
    text = on_a_terminal(a_record([a_case_record(base=[stage] * 2, head=[stage] * 2)]), width=160)
    assert "\x1b" not in text
    assert "::error" not in text
    assert "[bold]x[/bold]" in text
