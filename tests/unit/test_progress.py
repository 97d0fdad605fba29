"""What a measuring job says on standard error, on a terminal and elsewhere."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from perfgate.app.measuring.progress import SoFar
from perfgate.cli.progress import console_progress, left, trouble
from perfgate.records import Conditions, Side
from tests.factories import a_launch


def told(*, terminal: bool, failure: str | None = None, case_id: str = "wan") -> str:
    """What one pair looks like from the plan to its end."""
    file = io.StringIO()
    with console_progress(a_console(file, terminal=terminal)) as progress:
        progress.note("plan: 1 case")
        progress.launch_started(case_id, Side.HEAD, None)
        progress.launch_ended(case_id, a_launch(pair=None, duration_s=6.04), left_s=94.0)
        progress.so_far(case_id, SoFar(pairs=1, ratio=1.021, more_pairs=2))
        progress.launch_started(case_id, Side.BASE, 1)
        progress.launch_ended(case_id, a_launch("base", 1, failure=failure), left_s=0)
    return file.getvalue()


def a_console(file: io.StringIO, *, terminal: bool) -> Console:
    return Console(
        file=file,
        force_terminal=terminal,
        force_interactive=terminal,
        width=100,
        color_system=None,
    )


def told_of_parts(*, terminal: bool) -> str:
    """What two of three kernels look like."""
    file = io.StringIO()
    with console_progress(a_console(file, terminal=terminal)) as progress:
        progress.part_started("conv B16", number=1, of=3)
        progress.part_ended("conv B16: timed", number=1, of=3, left_s=94.0)
        progress.part_started("conv B64", number=2, of=3)
    return file.getvalue()


def test_parts__a_line_each_with_its_number_and_the_time_left() -> None:
    assert told_of_parts(terminal=False).splitlines() == [
        "perfgate: conv B16: timed · 1 of 3 · about 90 s left"
    ]


def test_parts__a_bar_says_which_is_at_work() -> None:
    seen = told_of_parts(terminal=True)
    assert "conv B16: timed" in seen
    assert "conv B64 · 2 of 3 · about 90 s left" in seen


def test_lines__where_colour_is_forced_and_nobody_watches() -> None:
    file = io.StringIO()
    forced = Console(file=file, force_terminal=True, force_interactive=False, color_system=None)
    with console_progress(forced) as progress:
        progress.note("plan: 1 case")
    assert file.getvalue() == "perfgate: plan: 1 case\n"


def test_lines__one_a_launch_where_nobody_watches() -> None:
    assert told(terminal=False).splitlines() == [
        "perfgate: plan: 1 case",
        "perfgate: wan · burn-in · head · 6.0 s · about 90 s left",
        "perfgate: wan · pair 2 · base · 6.0 s · +2.1 % so far",
    ]


def test_lines__a_launch_that_is_not_judged_says_why() -> None:
    unfit = Conditions(unfit=("power brake: on device 0 in 2 of 9 samples",))
    launch = a_launch("base", 1).model_copy(update={"conditions": unfit})
    assert trouble(launch) == "not judged: power brake: on device 0 in 2 of 9 samples"
    assert trouble(a_launch()) == ""


def test_lines__a_reason_cannot_start_a_line_of_its_own() -> None:
    lines = told(terminal=False, failure="died\n::error::forged").splitlines()
    assert lines[-1].endswith("failed: died ::error::forged · +2.1 % so far")
    assert all(line.startswith("perfgate: ") for line in lines)


def test_bar__shows_where_it_is_and_what_died() -> None:
    seen = told(terminal=True, failure="died")
    assert "wan · pair 2 · base · +2.1 % so far · about 90 s left" in seen
    assert "wan · base · failed: died" in seen


def test_bar__an_id_is_no_markup() -> None:
    assert "[red]wan" in told(terminal=True, case_id="[red]wan")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, ""),
        (3, "about 10 s left"),
        (94, "about 90 s left"),
        (119, "about 2 min left"),
        (1000, "about 17 min left"),
    ],
)
def test_left__rounds_to_what_a_guess_deserves(seconds: float | None, words: str) -> None:
    assert left(seconds) == words
