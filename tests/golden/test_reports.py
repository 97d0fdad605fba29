"""Every story in every form, as it is read."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from perfgate.report.comment import Links, render_comment
from perfgate.report.junit import render_junit
from perfgate.report.summary import render_summary
from perfgate.report.terminal import render_terminal
from tests.golden.decisions import STORIES
from tests.golden.machine import EARLIER

LINKS = Links(
    run_url="https://github.com/example/video/actions/runs/117",
    artifact_url="https://github.com/example/video/actions/runs/117/artifacts/9",
    when="2026-03-02 11:40 UTC",
)
stories = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)


def on_a_terminal(decision, *, width, colour=False, verbose=False):
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        legacy_windows=False,
        _environ={},
    )
    render_terminal(decision, console, verbose=verbose)
    return console.file.getvalue()


@stories
def test_comment(story, golden):
    history = EARLIER if story.__name__ == "one_stage_slower" else ()
    golden(f"{story.__name__}.comment.md", render_comment(story(), history=history, links=LINKS))


@stories
def test_summary(story, golden):
    golden(f"{story.__name__}.summary.md", render_summary(story()))


@stories
def test_terminal(story, golden):
    golden(f"{story.__name__}.terminal.txt", on_a_terminal(story(), width=80))


@stories
def test_junit(story, golden):
    golden(f"{story.__name__}.junit.xml", render_junit(story()))


@pytest.mark.parametrize("story", STORIES[:2], ids=lambda story: story.__name__)
def test_terminal__wide_and_verbose(story, golden):
    text = on_a_terminal(story(), width=120, verbose=True)
    golden(f"{story.__name__}.terminal-120.txt", text)


def test_terminal__colour_only_repeats_what_a_word_says(golden):
    golden("one_stage_slower.colour.txt", on_a_terminal(STORIES[0](), width=80, colour=True))
