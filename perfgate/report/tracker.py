"""The texts of a tracker issue: title, body and comments, from what stands; decides nothing.

Titles of commits, names of metrics and addresses of jobs are other people's: each is bounded and
escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from perfgate.records.history import History, Line, LineKey, Run
from perfgate.records.results import END_TO_END
from perfgate.report.escape import escape_markdown, one_line
from perfgate.report.sparkline import sparkline
from perfgate.report.state import safe_url
from perfgate.report.tracker_memory import Marks, commit_of, hidden
from perfgate.report.words import change, count, figures
from perfgate.verdict.standing import Regression, Shift, digest
from perfgate.verdict.tracking import Memory

EXPECTED_LABEL: Final = "perfgate: expected"
REGRESSION_LABEL: Final = "perfgate: regression"
MOST_COMMITS: Final = 10
_MOST_ROWS: Final = 20
_WORTH_TELLING: Final = 1.01
_POINTS_BEFORE, _MOST_POINTS = 30, 120
_METRICS: Final = {
    END_TO_END: "end-to-end",
    "step": "median step",
    "peak_memory": "peak memory",
    "server": "the server's own latency",
}
_HOW_TO_END: Final = (
    "**This issue closes by itself** when the line is back, and when its workload changes. "
    f"If this change is to stay, give the issue the label `{EXPECTED_LABEL}` or close it as not "
    "planned: it is not opened again for this change, and what gets slower on top of it has an "
    "issue of its own. This text is written anew after each measurement; write in comments."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class LikelyCommit:
    """A commit that may have brought it; title and author are whatever somebody wrote."""

    sha: str
    title: str
    author: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Likely:
    """The first commits of the range and how many there are; ``problem`` is why there are none."""

    commits: tuple[LikelyCommit, ...] = ()
    total: int = 0
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where links lead: the repository's own page, as ``https://github.com/owner/name``."""

    url: str


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Story:
    """A regression with everything that is told of it."""

    regression: Regression
    history: History
    place: Place
    likely: Likely = Likely()
    picture: str = ""

    def run_at(self, shift: Shift, point: int) -> Run:
        return self.history.runs[int(shift.line.runs[point])]

    def commits(self, shift: Shift) -> tuple[str, str]:
        """The last commit before it and the last that may have brought it; empty for unknown."""
        both = (shift.last_before, shift.point.latest)
        first, last = (commit_of(self.run_at(shift, point).commit) for point in both)
        return first, last


def told_of(regression: Regression) -> Mapping[str, float]:
    """What an issue remembers of each line: by how much it was told to be slower."""
    return {digest(shift.key): shift.ratio for shift in regression.shifts}


def issue_title(regression: Regression) -> str:
    """What got slower when it was found; not brought up to date, so that it stays findable."""
    head = regression.head
    word = "larger" if head.key.unit == "MiB" else "slower"
    what = f"{_metric(head.key)} {change(head.ratio)}"
    place = f"{head.key.framework} on {head.key.hardware_key}"
    return one_line(f"{head.key.case} is {word}: {what} in {place}", limit=200)


def issue_body(story: Story, memory: Memory) -> str:
    """The whole body with its hidden lines."""
    head = story.regression.head
    since, until = story.commits(head)
    marks = Marks(
        line=digest(head.key), since=since, until=until, memory=memory, picture=story.picture
    )
    word = "larger" if head.key.unit == "MiB" else "slower"
    parts = [
        f"{_bold(head.key.case)} got {word}: {sentence(head)}.",
        _table(story.regression.shifts),
        _chart(story, head),
        _since(story, head),
        _likely(story.likely),
        _last_seen(story, head),
        _HOW_TO_END,
    ]
    return f"{hidden(marks)}\n" + "\n\n".join(part for part in parts if part) + "\n"


def sentence(shift: Shift) -> str:
    """By how much, and where: for a comment, a log or the body."""
    before, now, unit = _figures(shift.key, shift.point.before, shift.now)
    return (
        f"{escape_markdown(_metric(shift.key), limit=80)} **{change(shift.ratio)}** "
        f"({before} → {now} {unit}) in {_where(shift.key)}"
    )


def plain_sentence(shift: Shift) -> str:
    """The same for a log, without markdown."""
    before, now, unit = _figures(shift.key, shift.point.before, shift.now)
    key = shift.key
    return (
        f"{key.case} {_metric(key)} {change(shift.ratio)} ({before} → {now} {unit}) "
        f"in {key.framework} on {key.hardware_key}"
    )


def worse_text(story: Story, told: Mapping[str, float]) -> str:
    """Which lines got worse since they were told of."""
    lines = [
        f"- {sentence(shift)}; told before: {change(told[digest(shift.key)])}"
        for shift in story.regression.shifts
        if shift.ratio > told.get(digest(shift.key), np.inf) * _WORTH_TELLING
    ]
    return "Slower again.\n\n" + "\n".join(lines[:_MOST_ROWS]) + "\n"


def reopened_text(story: Story, why: str) -> str:
    """Why an issue that was closed is open again."""
    head = story.regression.head
    return f"Opened again, since it is {escape_markdown(why)}: {sentence(head)}.\n"


def recovered_text(history: History, place: Place, told: Mapping[str, float]) -> str:
    """Where the lines are today, of which something was told."""
    lines = [
        f"- {_bold(line.key.case)} {_level(history, place, line)}"
        for line in history.lines
        if digest(line.key) in told and len(line)
    ]
    return "Back to where it was.\n\n" + "\n".join(lines[:_MOST_ROWS]) + "\n"


def ended_text() -> str:
    """Why nothing can be said of it any more."""
    return (
        "The workload of this case changed, so that a new line began and this one ended: whether "
        "it would be slower still cannot be told.\n"
    )


def duplicate_text(number: int) -> str:
    """The whole body of an issue that another job opened first."""
    return f"Duplicate of #{number}, which another job opened at the same time.\n"


def _bold(text: str) -> str:
    return f"**{escape_markdown(text, limit=100)}**"


def _metric(key: LineKey) -> str:
    return _METRICS.get(key.metric, key.metric)


def _where(key: LineKey) -> str:
    framework = escape_markdown(key.framework, limit=60)
    return f"{framework} on {escape_markdown(key.hardware_key, limit=100)}"


def _figures(key: LineKey, before: float, now: float) -> tuple[str, str, str]:
    return figures(before, now, "MiB" if key.unit == "MiB" else "ms")


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def _table(shifts: Sequence[Shift]) -> str:
    rows = [
        "| metric | where | before | now | change |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for shift in shifts[:_MOST_ROWS]:
        before, now, unit = _figures(shift.key, shift.point.before, shift.now)
        metric = escape_markdown(_metric(shift.key), limit=80)
        rows.append(
            f"| {metric} | {_where(shift.key)} | {before} | {now} {unit} | {change(shift.ratio)} |"
        )
    more = len(shifts) - _MOST_ROWS
    return "\n".join(rows) + (f"\n\nAnd {count(more, 'more line')}." if more > 0 else "")


def _chart(story: Story, shift: Shift) -> str:
    values = shift.line.values
    first = max(0, shift.point.index - _POINTS_BEFORE, len(values) - _MOST_POINTS)
    shown = [float(value) for value in values[first:]]
    at = shift.point.index - first
    drawn = sparkline(shown, shift=at if 0 < at < len(shown) else None)
    least, most, unit = _figures(shift.key, min(shown), max(shown))
    text = f"```text\n{drawn}  {least} to {most} {unit}\n```"
    picture = _own(story.place, story.picture)
    return f"{text}\n\n![The line over time]({picture})" if picture else text


def _since(story: Story, shift: Shift) -> str:
    points = (shift.last_before, shift.point.latest)
    ends = [
        f"{_commit(story, story.run_at(shift, point))} of {_day(int(shift.line.seconds[point]))}"
        for point in points
    ]
    first, last = story.commits(shift)
    last_s = int(shift.line.seconds[shift.point.latest])
    if first and first == last:
        return (
            f"**Since** two measurements of one commit, {ends[0]} and {_day(last_s)}: so the "
            "machine, its software or what is downloaded changed."
        )
    link = f": [compare]({story.place.url}/compare/{first}...{last})" if first and last else ""
    return f"**Since** a commit after {ends[0]}, up to {ends[1]}{link}."


def _likely(likely: Likely) -> str:
    if likely.problem:
        return f"The commits between could not be had: {escape_markdown(likely.problem)}"
    if not likely.commits:
        return ""
    lines = [
        f"- {one.sha[:12]} {escape_markdown(one.title, limit=120)}"
        + (f" ({escape_markdown(one.author, limit=60)})" if one.author else "")
        for one in likely.commits[:MOST_COMMITS]
        if commit_of(one.sha)
    ]
    more = likely.total - len(lines)
    rest = [f"- and {more:,} more"] if more > 0 else []
    return "**Likely commits**, the oldest first:\n\n" + "\n".join([*lines, *rest])


def _last_seen(story: Story, shift: Shift) -> str:
    run, points = story.run_at(shift, -1), len(shift.line) - shift.point.index
    day = _day(int(shift.line.seconds[-1]))
    return (
        f"**Last seen** {day} at {_commit(story, run)}{_job(story.place, run)}, "
        f"{count(points, 'measurement')} since it changed."
    )


def _commit(story: Story, run: Run) -> str:
    sha = commit_of(run.commit)
    return f"[{sha[:7]}]({story.place.url}/commit/{sha})" if sha else "an unknown commit"


def _job(place: Place, run: Run) -> str:
    url = _own(place, run.url)
    return f" ([job]({url}))" if url else ""


def _own(place: Place, url: str) -> str:
    """The address where it is one of the repository's own pages: a result file may hold any."""
    return safe_url(url) if url.startswith(f"{place.url}/") else ""


def _level(history: History, place: Place, line: Line) -> str:
    level = float(np.median(line.values[-4:]))
    figure, _, unit = _figures(line.key, level, level)
    run = history.runs[int(line.runs[-1])]
    metric = escape_markdown(_metric(line.key), limit=80)
    return f"{metric}: {figure} {unit} in {_where(line.key)}{_job(place, run)}"
