"""Tracker issues quote commits, result files and metrics: shown as words alone."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from perfgate.report.escape import one_line
from perfgate.report.tracker import (
    Likely,
    LikelyCommit,
    issue_body,
    issue_title,
    recovered_text,
    reopened_text,
    told_of,
    worse_text,
)
from perfgate.report.tracker_memory import read
from perfgate.verdict.tracking import Memory
from tests.fuzz.counted import fuzz
from tests.fuzz.hostile import LONG, TEXT
from tests.fuzz.shown import page_of, spoken
from tests.golden.test_tracker import a_story
from tests.histories import SERVER, a_history, a_line, a_run, nights

WORDS = st.lists(TEXT | LONG, min_size=8, max_size=8)
ANY = nights((60, 1000.0), (40, 1200.0), noise=0.005)


def told(words):
    """A story in these words."""
    case, framework, hardware, metric, commit, url, title, author = words
    line = a_line(
        ANY, case=case, framework=framework, hardware_key=hardware, metric=metric or "e2e"
    )
    runs = [replace(a_run(night), commit=commit, url=url) for night in range(100)]
    commits = (LikelyCommit(sha="a" * 40, title=title, author=author),) * 10
    story = a_story(a_history(line, runs=runs), likely=Likely(commits=commits, total=99))
    return replace(story, picture=url)


@fuzz(WORDS)
def test_every_text__has_no_word_that_github_acts_on(words):
    story = told(words)
    memory = Memory(told=told_of(story.regression), span_s=story.regression.head.span_s)
    body = issue_body(story, memory)
    assert len(body) < 65_536
    assert read(body).memory.told.keys() == memory.told.keys()
    texts = [
        body,
        worse_text(story, dict.fromkeys(memory.told, 1.0)),
        reopened_text(story, "slow again"),
        recovered_text(story.history, story.place, memory.told),
    ]
    for text in texts:
        page = page_of(text)
        assert spoken(page) == []
        assert all(link.startswith(SERVER) for link in page.links)
        assert len(page.hidden) == (2 if text is body else 0)


@fuzz(WORDS)
def test_a_title__is_one_line_of_bounded_length(words):
    title = issue_title(told(words).regression)
    assert 0 < len(title) <= 200
    assert title == one_line(title, limit=200)
