"""What a search says on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from perfgate.records.bisected import (
    Bisected,
    Commit,
    MeasuredChange,
    MeasuredCommit,
    SkippedCommit,
)
from perfgate.report.bisection import render_bisection

COMMITS = tuple(Commit(id=f"{n:010x}".ljust(40, "0"), subject=f"Change {n}") for n in range(9))


def a_change(ratio: float = 1.05, pairs: int = 3) -> MeasuredChange:
    return MeasuredChange(ratio=ratio, low=ratio - 0.01, high=ratio + 0.01, pairs=pairs)


def a_result(outcome: str = "found", **rest: object) -> Bisected:
    values = {
        "perfgate": "0.1.0",
        "case": "wan",
        "metric": "end-to-end",
        "margin": 0.03,
        "hardware_key": "nvidia-h100-x1",
        "outcome": outcome,
        "good": COMMITS[0],
        "bad": COMMITS[8],
        "commits": 8,
        "suspects": COMMITS[5:6],
        "before": COMMITS[4],
        "certainty": 0.9987,
        "change": a_change(1.049),
        "whole": a_change(1.052, pairs=4),
        "measured": (
            MeasuredCommit(over=COMMITS[0], commit=COMMITS[4], change=a_change(1.001, pairs=2)),
            MeasuredCommit(over=COMMITS[0], commit=COMMITS[8], change=a_change(1.052, pairs=4)),
        ),
        "pairs": 9,
        "launches": 19,
        "device_minutes": 1.9,
    }
    return Bisected.model_validate({**values, **rest})


def shown(found: Bisected) -> str:
    console = Console(file=io.StringIO(), width=120, highlight=False)
    render_bisection(found, console)
    return console.file.getvalue()


def test_found__the_commit_its_change_and_the_cost():
    text = shown(a_result())
    assert text.startswith("0000000005 Change 5 made wan, end-to-end, slower\n")
    assert "over the commit before, 0000000004: +4.9 % (3.9 to 5.9 %), 3 pairs" in text
    assert "0000000008 over 0000000000: +5.2 % (4.2 to 6.2 %), 4 pairs" in text
    assert "99.9 %" in text
    assert "19 launches · 1.9 GPU minutes · nvidia-h100-x1" in text
    assert "--continue" not in text


def test_found__nothing_is_sure():
    assert "over 99.9 %" in shown(a_result(certainty=1.0))
    assert "98.2 %" in shown(a_result(certainty=0.982))


def test_narrowed__names_every_suspect_and_what_was_skipped():
    why = SkippedCommit(id=COMMITS[5].id, why="setup of head exited with 1", log_tail="no nvcc")
    text = shown(a_result("narrowed", suspects=COMMITS[5:7], skipped=(why,)))
    assert "One of 2 commits made wan, end-to-end, slower; they cannot be told apart" in text
    assert "  0000000005 Change 5\n  0000000006 Change 6\n" in text
    assert "Skipped 0000000005: setup of head exited with 1\n  │ no nvcc\n" in text


def test_many_suspects__are_cut_and_counted():
    many = tuple(Commit(id=f"{n:040x}") for n in range(1, 41))
    text = shown(a_result("narrowed", suspects=many, commits=40))
    assert "Suspects, 40 of 40 commits" in text
    assert "  and 20 more\n" in text


def test_not_slower__says_by_which_margin():
    text = shown(a_result("not slower", suspects=COMMITS[1:], before=COMMITS[0], measured=()))
    assert "0000000008 is not slower than 0000000000 by 3 % in wan" in text
    assert "Suspects" not in text


def test_undecided():
    assert "could not be decided" in shown(a_result("undecided"))


def test_stopped__says_why_and_how_to_go_on():
    text = shown(a_result("stopped", why="the budget of device minutes was spent"))
    assert "has not ended: the budget of device minutes was spent" in text
    assert text.endswith("Next: perfgate bisect --continue\n")


def test_a_part_of_the_change_is_told__each_side_of_it_is_a_search_of_its_own():
    half = MeasuredCommit(over=COMMITS[2], commit=COMMITS[3], change=a_change(1.026), part=True)
    text = shown(a_result("narrowed", suspects=COMMITS[3:7], measured=(half,)))
    assert "A part of it: 0000000003 over 0000000002: +2.6 % (1.6 to 3.6 %), 3 pairs" in text
    assert "Next: perfgate bisect 0000000000 0000000003\n" in text
    assert "Next: perfgate bisect 0000000003 0000000008\n" in text


def test_found__but_its_change_is_not_the_whole():
    text = shown(a_result(change=a_change(1.02)))
    assert "Its change is less than the whole" in text
    assert "Next: perfgate bisect 0000000005 0000000008\n" in text


def test_what_a_commit_calls_itself_is_harmless():
    evil = Commit(id="e" * 40, subject="::error::\x1b[2J[red]gone[/red] \u202e")
    text = shown(a_result(suspects=(evil,)))
    assert "::error::" not in text
    assert "\x1b" not in text
    assert "[red]gone[/red]" in text
