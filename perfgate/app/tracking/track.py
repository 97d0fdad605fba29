"""One tracker issue per regression: opened, updated and closed as perfgate.verdict.tracking says.

A round looks up what is there and then writes, and is safe to repeat: after a lost answer, beside
another job, or every night, there is one issue in the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from perfgate.github.comments import upsert
from perfgate.github.issues import Change, Issue, IssueApi
from perfgate.github.problems import GitHubError, with_retries
from perfgate.records.history import History
from perfgate.report.tracker import (
    EXPECTED_LABEL,
    MOST_COMMITS,
    REGRESSION_LABEL,
    Likely,
    LikelyCommit,
    Place,
    Story,
    duplicate_text,
    ended_text,
    issue_body,
    issue_title,
    plain_sentence,
    recovered_text,
    reopened_text,
    told_of,
    worse_text,
)
from perfgate.report.tracker_memory import read, remembering
from perfgate.verdict.standing import Regression, Standing
from perfgate.verdict.tracking import Closing, Do, Known, Memory, Step, steps

MOST_NEW: Final = 20
"""Issues that one job opens: a new driver slows down everything, and the rest is told in the log.
"""
Picture: TypeAlias = Callable[[Regression], str]
"""Gives the address of a regression's picture, empty for none."""
_ABOUT_ONE_ISSUE: Final = (404, 410, 422)
_CLOSINGS: Final[Mapping[Do, tuple[Closing, Change]]] = {
    Do.RECOVERED: ("recovered", "completed"),
    Do.ENDED: ("ended", "completed"),
    Do.EXPECTED: ("expected", "not_planned"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracking:
    """What is tracked: the history, what stands in it, and where its commits are."""

    history: History
    standing: Standing
    place: Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What was done about a regression or an issue, or would be; ``url`` is empty where none is."""

    do: Do
    told: str
    url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """Everything done, and what was left out or refused, in words."""

    done: tuple[Done, ...]
    problems: tuple[str, ...] = ()


def plan(tracking: Tracking, api: IssueApi | None) -> Outcome:
    """What :func:`track` would do; without ``api`` as if there were no issue yet. Writes nothing.

    Raises GitHubError.
    """
    ours = {} if api is None else _ours(api, api.login())
    found = steps(tracking.standing, [one.known for one in ours.values()])
    return Outcome(
        done=tuple(
            _done(step, ours[step.known.number].issue if step.known else None) for step in found
        )
    )


def no_picture(_: Regression) -> str:
    """For where no picture may be kept."""
    return ""


def track(
    tracking: Tracking,
    api: IssueApi,
    *,
    sleep: Callable[[float], None],
    picture: Picture = no_picture,
) -> Outcome:
    """Bring the issues up to date; raises GitHubError where GitHub takes none of it."""
    work = _Round(tracking=tracking, api=api, sleep=sleep, picture=picture)
    with_retries(work.run, sleep=sleep)
    return Outcome(done=tuple(work.done.values()), problems=tuple(work.problems))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ours:
    """An issue of ours, and what it says about itself; ``picture`` is an address or empty."""

    issue: Issue
    known: Known
    picture: str


def _ours(api: IssueApi, author: str) -> dict[int, _Ours]:
    """Those with our marker that our own account opened; anybody can copy a marker."""
    found = {}
    for issue in api.issues(author):
        marks = read(issue.body) if issue.author == author else None
        if marks is not None:
            known = Known(
                number=issue.number,
                is_open=issue.is_open,
                memory=marks.memory,
                reason=issue.reason,
                closed_s=issue.closed_s,
                expected=EXPECTED_LABEL in issue.labels,
            )
            found[issue.number] = _Ours(issue=issue, known=known, picture=marks.picture)
    return found


def _done(step: Step, issue: Issue | None) -> Done:
    if step.regression is not None:
        told = plain_sentence(step.regression.head)
    else:
        told = issue.title if issue else ""
    why = f": {step.why}" if step.why else ""
    return Done(do=step.do, told=f"{told}{why}", url=issue.url if issue else "")


@dataclass(kw_only=True)
class _Round:
    """One look at the issues and what follows from it; ``done`` is kept over repeated rounds."""

    tracking: Tracking
    api: IssueApi
    sleep: Callable[[float], None]
    picture: Picture
    done: dict[int, Done] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)
    _likely: dict[tuple[str, str], Likely] = field(default_factory=dict)

    def run(self) -> None:
        ours = _ours(self.api, self.api.login())
        found = steps(self.tracking.standing, [one.known for one in ours.values()])
        author = self._open_all([step for step in found if step.do is Do.OPEN])
        for step in found:
            if step.known is not None:
                self._do(step, ours[step.known.number])
        if author:
            self._close_second_ones(author)

    def _open_all(self, new: Sequence[Step]) -> str:
        """Open those issues; gives the account that did, empty where nothing was opened."""
        author = ""
        for step in new[:MOST_NEW]:
            if step.regression is not None:
                made = self._open(step.regression)
                author = made.author
                self._note(step, made)
        if len(new) > MOST_NEW:
            more = f"{len(new) - MOST_NEW:,} more regressions have no issue yet"
            told = f"{more}: one job opens {MOST_NEW}. If the machine changed, see to that first."
            self.problems[told] = None
        return author

    def _open(self, regression: Regression) -> Issue:
        memory = Memory(told=told_of(regression), span_s=regression.head.span_s)
        body = issue_body(self._story(regression, self.picture(regression)), memory)
        return self.api.open_issue(
            title=issue_title(regression), body=body, labels=(REGRESSION_LABEL,)
        )

    def _close_second_ones(self, author: str) -> None:
        """Two jobs at once both found none: whoever comes later sees both issues."""
        # By the account that wrote: which one a token is of may not be known before.
        ours = _ours(self.api, author)
        for step in steps(self.tracking.standing, [one.known for one in ours.values()]):
            if step.do is Do.DUPLICATE and step.known is not None:
                self._do(step, ours[step.known.number])

    def _do(self, step: Step, ours: _Ours) -> None:
        try:
            self._write(step, ours)
        except GitHubError as error:
            # An issue that was deleted or moved stops nothing else.
            if error.wait_s is not None or error.status not in _ABOUT_ONE_ISSUE:
                raise
            self.problems[f"Issue {ours.issue.number}: {error}"] = None
            return
        self._note(step, ours.issue)

    def _write(self, step: Step, ours: _Ours) -> None:
        if step.do is Do.LEAVE:
            return
        if step.do is Do.DUPLICATE:
            body = duplicate_text(step.of or 0)
            self.api.edit_issue(ours.issue.number, body=body, change="duplicate")
        elif step.do in _CLOSINGS:
            self._close(step, ours)
        elif step.regression is not None:
            self._bring_up_to_date(step, step.regression, ours)

    def _bring_up_to_date(self, step: Step, regression: Regression, ours: _Ours) -> None:
        issue, memory = ours.issue, ours.known.memory
        # A new picture only where something is told: each is a commit on a branch.
        picture = ours.picture if step.do is Do.UPDATE else self.picture(regression)
        story, now = self._story(regression, picture), told_of(regression)
        # What was told of a line stays what it is held against, until something new is told.
        told = {line: ratio for line, ratio in memory.told.items() if math.isfinite(ratio)}
        after = Memory(told={**now, **told}, span_s=regression.head.span_s, steps=memory.steps)
        if step.do is not Do.UPDATE:
            worse = step.do is Do.WORSE
            text = worse_text(story, told) if worse else reopened_text(story, step.why)
            self._comment(issue.number, memory.steps, text)
            after = replace(after, told={**now, **told, **now}, steps=memory.steps + 1)
        body = issue_body(story, after)
        change: Change | None = "reopened" if step.do is Do.REOPEN else None
        if change or body.strip() != issue.body.replace("\r\n", "\n").strip():
            self.api.edit_issue(issue.number, body=body, change=change)

    def _close(self, step: Step, ours: _Ours) -> None:
        issue, memory = ours.issue, ours.known.memory
        closing, change = _CLOSINGS[step.do]
        after = replace(memory, closing=closing)
        if step.do is not Do.EXPECTED:  # that is a person's own word
            back = recovered_text(self.tracking.history, self.tracking.place, memory.told)
            self._comment(
                issue.number, memory.steps, back if step.do is Do.RECOVERED else ended_text()
            )
            after = replace(after, steps=memory.steps + 1)
        self.api.edit_issue(issue.number, body=remembering(issue.body, after), change=change)

    def _comment(self, number: int, step: int, text: str) -> None:
        """Once for each step, however often it is repeated."""
        mark = f"<!-- perfgate:step {step} -->"
        upsert(
            self.api,
            pull_request=number,
            is_ours=lambda held: held.startswith(mark),
            render=lambda _: f"{mark}\n{text}",
        )

    def _story(self, regression: Regression, picture: str) -> Story:
        history, place = self.tracking.history, self.tracking.place
        story = Story(regression=regression, history=history, place=place, picture=picture)
        return replace(story, likely=self._commits(*story.commits(regression.head)))

    def _commits(self, since: str, until: str) -> Likely:
        if not since or not until or since == until:
            return Likely()
        if (since, until) not in self._likely:
            self._likely[since, until] = self._asked(since, until)
        return self._likely[since, until]

    def _asked(self, since: str, until: str) -> Likely:
        try:
            found = with_retries(
                lambda: self.api.between(since, until, most=MOST_COMMITS),
                sleep=self.sleep,
                attempts=2,
            )
        except GitHubError as error:  # the issue can do without
            return Likely(problem=error.problem)
        return Likely(
            commits=tuple(
                LikelyCommit(sha=one.sha, title=one.message.split("\n", 1)[0], author=one.author)
                for one in found.commits
            ),
            total=found.total,
        )

    def _note(self, step: Step, issue: Issue) -> None:
        before = self.done.get(issue.number)
        if before is None or before.do in (Do.UPDATE, Do.LEAVE):
            self.done[issue.number] = _done(step, issue)
