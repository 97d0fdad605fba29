"""Night after night over any history: a regression has one open issue, nothing is said twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfgate.app.tracking.track import track
from perfgate.github.comments import Comment
from perfgate.github.issues import Between, Change, Issue
from perfgate.report.tracker_memory import read
from perfgate.verdict.standing import Standing, digest
from tests.fakes.github_server import BOT
from tests.histories import a_line, nights
from tests.tracking import tracking


class AnIssueTracker:
    """Issues and comments in memory; ``writes`` counts what changed them."""

    def __init__(self) -> None:
        self.held: dict[int, Issue] = {}
        self.said: list[tuple[int, Comment]] = []
        self.writes = 0

    @property
    def open(self) -> list[Issue]:
        return [one for one in self.held.values() if one.is_open]

    def login(self) -> str:
        return BOT

    def issues(self, author: str) -> Iterator[Issue]:
        return iter([one for one in self.held.values() if one.author == author])

    def open_issue(self, *, title: str, body: str, labels: Sequence[str]) -> Issue:
        number = len(self.held) + 1
        made = Issue(
            number=number,
            url=f"https://github.com/o/r/issues/{number}",
            author=BOT,
            title=title,
            body=body,
            is_open=True,
            labels=frozenset(labels),
        )
        return self._put(made)

    def edit_issue(self, number: int, *, body: str, change: Change | None = None) -> Issue:
        issue = replace(self.held[number], body=body)
        if change is not None:
            issue = replace(issue, is_open=change == "reopened", reason=change, closed_s=0)
        return self._put(issue)

    def between(self, base: str, head: str, *, most: int) -> Between:
        return Between(commits=(), total=0)

    def comments(self, pull_request: int) -> Iterator[Comment]:
        return iter([one for number, one in self.said if number == pull_request])

    def create(self, pull_request: int, body: str) -> Comment:
        self.writes += 1
        made = Comment(id=len(self.said), author=BOT, body=body, url="")
        self.said.append((pull_request, made))
        return made

    def edit(self, pull_request: int, comment: Comment, body: str) -> Comment:
        raise AssertionError("a comment that was said is not changed")

    def delete(self, pull_request: int, comment: Comment) -> None:
        raise AssertionError("a comment that was said is not taken back")

    def _put(self, issue: Issue) -> Issue:
        self.writes += 1
        self.held[issue.number] = issue
        return issue


def no_pause(seconds: float) -> None:
    raise AssertionError(seconds)


def follow(series: dict[str, list[float]], *, first: int = 12) -> AnIssueTracker:
    """Track every second night, each job twice; checks what has to hold after each."""
    api = AnIssueTracker()
    for count in range(first, min(map(len, series.values())) + 1, 2):
        lines = [a_line(values[:count], metric=name) for name, values in series.items()]
        known = tracking(*lines)
        track(known, api, sleep=no_pause)
        check(known.standing, api)
        before = api.writes
        track(known, api, sleep=no_pause)
        assert api.writes == before, "the same job again wrote something"
    return api


def check(found: Standing, api: AnIssueTracker) -> None:
    counting = [one for one in found.regressions if one.counts]
    for regression in counting:
        lines = {digest(shift.key) for shift in regression.shifts}
        assert [one for one in api.open if lines & read(one.body).memory.told.keys()]
    assert len(counting) <= len(api.open) <= len(found.regressions)
    marks = [(number, one.body.split("\n")[0]) for number, one in api.said]
    assert len(set(marks)) == len(marks), "something was said twice"


LEVELS = st.lists(
    st.tuples(st.integers(6, 20), st.sampled_from([900.0, 1000.0, 1020.0, 1050.0, 1200.0])),
    min_size=1,
    max_size=5,
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(LEVELS, LEVELS, st.integers(0, 5))
def test_any_history(whole, part, seed):
    follow(
        {
            "e2e": nights(*whole, noise=0.004, seed=seed),
            "DenoisingStage": nights(*part, noise=0.004, seed=seed + 1),
        }
    )


@pytest.mark.parametrize("seed", range(3))
def test_noise_alone__no_issue(seed):
    assert follow({"e2e": nights((150, 1000.0), noise=0.01, spikes=0.03, seed=seed)}).held == {}


def test_a_stage_and_the_whole__one_issue_that_closes():
    levels = ((30, 1000.0), (20, 1200.0), (20, 1000.0))
    api = follow({"e2e": nights(*levels), "DenoisingStage": nights(*levels, noise=0.01)})
    (issue,) = api.held.values()
    assert (issue.is_open, issue.reason) == (False, "completed")
    assert [one.body.split("\n")[1] for _, one in api.said] == ["Back to where it was."]
