"""What to do with which tracker issue: what stands and what is known in, steps out; no effect.

An issue and a regression belong together when they share a line and their spans overlap. What a
person decided about an issue holds: it is never opened or closed again against that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final, Literal

from perfgate.verdict.level_noise import SHORTEST
from perfgate.verdict.standing import LineState, Regression, Shift, Standing, digest

Span = tuple[int, int]
"""From and to, in seconds since 1970."""
Closing = Literal["", "recovered", "ended", "expected"]
"""Why perfgate closed an issue; empty where it did not."""

_DISMISSED: Final = frozenset({"not_planned", "duplicate"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What an issue says about itself.

    ``told`` holds the ratio that was last told of each line, by the line's digest; ``steps``
    counts the comments, so that each is written once.
    """

    told: Mapping[str, float]
    span_s: Span
    steps: int = 0
    closing: Closing = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """An issue of ours; ``reason`` is GitHub's for its state, ``closed_s`` when it was closed.

    ``expected`` is whether it bears the label that says so.
    """

    number: int
    is_open: bool
    memory: Memory
    reason: str = ""
    closed_s: int | None = None
    expected: bool = False

    @property
    def dismissed(self) -> bool:
        """Whether a person said that this change is to stay."""
        return self.expected or (not self.is_open and self.reason in _DISMISSED)


class Do(StrEnum):
    """What happens to an issue, in the order of how much a person must know of it."""

    OPEN = "open"
    REOPEN = "reopen"
    WORSE = "tell that it got worse"
    RECOVERED = "close: the line is back"
    ENDED = "close: the workload changed"
    EXPECTED = "close: expected"
    DUPLICATE = "close: a duplicate"
    UPDATE = "update"
    LEAVE = "leave"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Step:
    """One thing to do; ``of`` is the issue that a duplicate repeats, ``why`` a few words."""

    do: Do
    regression: Regression | None = None
    known: Known | None = None
    of: int | None = None
    why: str = ""


def steps(standing: Standing, known: Sequence[Known]) -> tuple[Step, ...]:
    """Everything to do, at most one step an issue and one a regression."""
    order = sorted(known, key=lambda one: one.number)
    of_issue = _belonging(standing.regressions, order)
    found = list(_of_regressions(standing, order, of_issue))
    # A closed issue whose regression is over is history: nothing is said of it any more.
    over = [one for one in order if one.number not in of_issue and one.is_open]
    found += [_of_nothing(standing, one) for one in over]
    return tuple(sorted(found, key=lambda one: list(Do).index(one.do)))


def _belonging(regressions: Sequence[Regression], known: Iterable[Known]) -> Mapping[int, int]:
    """For each issue the regression that it is about, as an index."""
    found = {}
    for one in known:
        lengths = {
            index: length
            for index, each in enumerate(regressions)
            if (length := _common_s(one.memory, each.shifts)) is not None
        }
        if lengths:
            found[one.number] = max(lengths, key=lambda index: (lengths[index], -index))
    # More points may show that a shift lies elsewhere: its open issue goes with it.
    for one in known:
        if one.is_open and not one.dismissed and one.number not in found:
            alike = (
                index
                for index, each in enumerate(regressions)
                if index not in found.values()
                and any(digest(shift.key) in one.memory.told for shift in each.shifts)
            )
            if (index := next(alike, None)) is not None:
                found[one.number] = index
    return found


def _common_s(memory: Memory, shifts: Iterable[Shift]) -> int | None:
    """For how long the spans overlap, over lines that both have; None for not at all."""
    lengths = [
        min(memory.span_s[1], shift.span_s[1]) - max(memory.span_s[0], shift.span_s[0])
        for shift in shifts
        if digest(shift.key) in memory.told
    ]
    longest = max(lengths, default=-1)
    return longest if longest >= 0 else None


def _of_regressions(
    standing: Standing, known: Sequence[Known], of_issue: Mapping[int, int]
) -> Iterator[Step]:
    for index, regression in enumerate(standing.regressions):
        about = [one for one in known if of_issue.get(one.number) == index]
        if not about:
            if regression.counts:
                yield Step(do=Do.OPEN, regression=regression)
            continue
        # What a person decided comes first, then what is being followed; of these the oldest.
        kept, *others = sorted(about, key=lambda one: (not one.dismissed, not one.is_open))
        yield _of_both(standing, regression, kept)
        for one in others:
            if one.is_open:
                yield Step(do=Do.DUPLICATE, known=one, of=kept.number, why=f"#{kept.number}")


def _of_both(standing: Standing, regression: Regression, known: Known) -> Step:
    step = partial(Step, regression=regression, known=known)
    if known.dismissed:
        return step(do=Do.EXPECTED if known.is_open else Do.LEAVE, why="expected")
    if known.is_open:
        return step(do=Do.WORSE if _worse(standing, regression, known) else Do.UPDATE)
    if not regression.counts:
        return step(do=Do.LEAVE, why="closed, and below the margin")
    if known.memory.closing:
        return step(do=Do.REOPEN, why="slow again")
    since = _points_after(regression.head, known.closed_s)
    if since < SHORTEST:
        return step(do=Do.LEAVE, why=f"closed, with {since} points since")
    return step(do=Do.REOPEN, why=f"as slow in {since} points since it was closed")


def _worse(standing: Standing, regression: Regression, known: Known) -> bool:
    told = known.memory.told
    return any(
        shift.ratio >= told[digest(shift.key)] * (1.0 + standing.margins.of(shift.key.metric))
        for shift in regression.shifts
        if digest(shift.key) in told
    )


def _points_after(shift: Shift, seconds: int | None) -> int:
    return 0 if seconds is None else int((shift.line.seconds > seconds).sum())


def _of_nothing(standing: Standing, known: Known) -> Step:
    """Of an open issue whose regression stands no more, or cannot be seen any more."""
    states = {standing.lines.get(line) for line in known.memory.told}
    if known.memory.closing:
        return Step(do=Do.LEAVE, known=known, why="somebody opened it again")
    if LineState.RECENT in states:
        return Step(do=Do.RECOVERED, known=known)
    if states == {LineState.ENDED}:
        return Step(do=Do.ENDED, known=known)
    return Step(do=Do.LEAVE, known=known, why="not measured lately")
