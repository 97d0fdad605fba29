"""A nightly job that tracks a history at the fake GitHub, night after night. No tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from perfgate.app.tracking.track import Outcome, Tracking, plan, track
from perfgate.github.tracker import GitHubIssues
from perfgate.records.history import Line, Run
from perfgate.report.tracker import Place
from perfgate.verdict.standing import Margins, standing
from tests.fakes.github_server import FakeGitHub
from tests.histories import DAY, a_history, a_line, nights

SLOWER = ((60, 1000.0), (40, 1100.0))


def levels(*steps: tuple[int, float], **more: Any) -> Line:
    """A line at these levels, with next to no noise."""
    return a_line(nights(*steps, noise=0.005), **more)


def tracking(*lines: Line, runs: Sequence[Run] | None = None) -> Tracking:
    """What is known in the morning after the last night of any line."""
    history = a_history(*lines, runs=runs)
    last = max(int(line.seconds[-1]) for line in lines)
    found = standing(history, now_s=last + DAY // 3, margins=Margins(), recent_days=7)
    place = Place(url="https://github.com/octo/bench")
    return Tracking(history=history, standing=found, place=place)


def a_job(
    github: FakeGitHub,
    *lines: Line,
    sleep: Callable[[float], None] | None = None,
    runs: Sequence[Run] | None = None,
    **connection: Any,
) -> Outcome:
    """Run the job; without ``sleep`` nothing may go wrong."""
    with open_issues(github, **connection) as api:
        return track(tracking(*lines, runs=runs), api, sleep=sleep or _nothing_goes_wrong)


def a_plan(github: FakeGitHub, *lines: Line) -> Outcome:
    with open_issues(github) as api:
        return plan(tracking(*lines), api)


def open_issues(github: FakeGitHub, **more: Any) -> GitHubIssues:
    named = {
        "token": "a-token",
        "repository": github.repository,
        "api_url": github.url,
        "seconds_between_writes": 0,
        **more,
    }
    return GitHubIssues(**named)


def _nothing_goes_wrong(seconds: float) -> None:
    raise AssertionError(f"a pause of {seconds} s")
