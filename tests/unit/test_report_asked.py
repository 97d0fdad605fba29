"""A question's answer as a table: read as text, whatever stands in the cells."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from typing import Any

from rich.console import Console

from perfgate.report.asked import MOST_ROWS, render_rows


def shown(columns: Sequence[str], *rows: Sequence[Any], width: int = 100) -> list[str]:
    console = Console(file=StringIO(), width=width)
    render_rows(columns, rows, console)
    return [line.rstrip() for line in console.file.getvalue().splitlines() if line.strip()]


def test_numbers_stand_to_the_right_and_nothing_is_a_dash() -> None:
    header, _, first, second, told = shown(
        ("case", "value"), ("wan", 1234.5), ("flux_tiny", None), width=40
    )

    assert header.split() == ["case", "value"]
    assert first.split() == ["wan", "1234.5"]
    assert second.split() == ["flux_tiny", "-"]
    assert len(first) == len(second) == len(header)
    assert told == "2 rows"


def test_lists_and_structures_are_json() -> None:
    assert "[1.5, 2]" in "\n".join(shown(("samples",), ([1.5, 2],)))


def test_a_name_that_is_too_long_is_broken_and_not_cut() -> None:
    text = "".join(shown(("case",), ("a" * 30 + "b" * 30,), width=40))

    assert text.count("a") >= 30
    assert text.count("b") >= 30
    assert "…" not in text


def test_more_rows_than_anyone_reads_are_counted() -> None:
    lines = shown(("n",), *((number,) for number in range(MOST_ROWS + 1)))

    assert lines[-1] == "201 rows, the first 200 of them shown: --json has them all"
    assert lines[-2].strip() == str(MOST_ROWS - 1)


def test_markup_and_controls_are_shown_and_not_obeyed() -> None:
    text = "\n".join(shown(("[red]x[/red]",), ("[bold]a[/bold] \x1b[31m::error::b",)))

    assert "[red]x[/red]" in text
    assert "[bold]a[/bold]" in text
    assert "\x1b" not in text
    assert "::error::" not in text


def test_no_rows_is_said() -> None:
    assert shown(("a", "b"))[-1] == "0 rows"
