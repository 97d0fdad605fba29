"""What a tracker issue says, as people read it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perfgate.report.tracker import (
    Likely,
    LikelyCommit,
    Place,
    Story,
    ended_text,
    issue_body,
    issue_title,
    recovered_text,
    reopened_text,
    told_of,
    worse_text,
)
from perfgate.verdict.standing import Margins, standing
from perfgate.verdict.tracking import Memory
from tests.histories import SERVER, a_history, a_line, a_run, nights, seconds_of

TITLES = ("Use the exact decoder", "Cache text embeddings", "Bump torch to 2.9")
LIKELY = Likely(
    commits=tuple(
        LikelyCommit(sha=str(number) * 40, title=title, author="ann")
        for number, title in enumerate(TITLES, start=1)
    ),
    total=3,
)
HISTORY = a_history(
    a_line(nights((60, 1000.0), (40, 1100.0), noise=0.005)),
    a_line(nights((60, 420.0), (40, 510.0), noise=0.005, seed=1), metric="DecodingStage"),
    a_line(nights((100, 14_000.0), noise=0.002), metric="load"),
)


def a_story(history=HISTORY, **more) -> Story:
    found = standing(history, now_s=seconds_of(99), margins=Margins(), recent_days=7)
    return Story(
        regression=found.regressions[0],
        history=history,
        place=Place(url=SERVER),
        likely=more.pop("likely", LIKELY),
        **more,
    )


def body(story: Story) -> str:
    regression = story.regression
    memory = Memory(told=told_of(regression), span_s=regression.head.span_s)
    return f"# {issue_title(regression)}\n\n{issue_body(story, memory)}"


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("first", {}),
        ("picture", {"picture": f"{SERVER}/blob/{'a' * 40}/charts/x.png?raw=true"}),
        ("no_commits", {"likely": Likely(problem="GitHub answered 404")}),
        ("many_commits", {"likely": replace(LIKELY, total=40)}),
    ],
)
def test_body(name, more, golden):
    golden(f"tracker_{name}.md", body(a_story(**more)))


def test_body__memory_on_a_machine_that_changed(golden):
    line = a_line(
        nights((60, 30_000.0), (40, 36_000.0), noise=0.001), metric="peak_memory", unit="MiB"
    )
    runs = [a_run(min(night, 55), url="https://ci.example/1") for night in range(100)]
    golden("tracker_memory.md", body(a_story(a_history(line, runs=runs), likely=Likely())))


def test_comments(golden):
    story = a_story()
    told = told_of(story.regression)
    texts = [
        worse_text(story, dict.fromkeys(told, 1.04)),
        reopened_text(story, "slow again"),
        recovered_text(HISTORY, story.place, told),
        ended_text(),
    ]
    golden("tracker_comments.md", "\n----\n\n".join(texts))
