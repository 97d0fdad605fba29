"""The loop of a search: launches the pairs that it asks for, keeps each, skips who cannot answer.

Starts nothing itself: launches come from a collaborator. Chooses nothing itself: the question is
:mod:`perfgate.verdict.bisection`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from perfgate.app.measuring.budget import Budget
from perfgate.app.measuring.progress import Progress
from perfgate.errors import BenchmarkError, ConfigurationError, DeviceError, PerfgateError
from perfgate.records import Launch, Side
from perfgate.records.bisected import BisectState, Commit, CommitPair, SkippedCommit
from perfgate.verdict.bisection import Bisection
from perfgate.verdict.bisection_told import bisection_of, observe, value_of
from perfgate.verdict.conditions import MOST_UNFIT, why_stopped
from perfgate.verdict.metrics import failure_of, unfit_of
from perfgate.verdict.wording import change, count

_SPENT = "the budget of device minutes was spent"


class Bench(Protocol):
    """Prepares commits and launches them.

    Both raise BenchmarkError or ConfigurationError where a commit cannot be measured; launching
    raises DeviceError where the device is lost, and nothing for a process that fails.
    """

    def prepare(self, commit: str) -> None: ...

    def launch(
        self, commit: str, side: Side, *, pair: int | None, order: int, timeout_s: float
    ) -> Launch: ...


@dataclass(kw_only=True)
class Search:
    """A running search; ``keep`` is shown every new state, ``why`` says what ended it early."""

    state: BisectState
    bench: Bench
    keep: Callable[[BisectState], None]
    progress: Progress
    budget: Budget
    timeout_s: float
    why: str = ""
    _asked: Bisection = field(init=False)
    _cold: bool = True
    _order: int = 0
    _unfit_in_a_row: int = 0

    def __post_init__(self) -> None:
        self._asked = bisection_of(self.state)
        self._order = len(self.state.launches())
        for launch in self.state.launches():
            self.budget.remember(self.state.case, launch.duration_s)

    def run(self) -> None:
        """Ask until the search has its answer, or cannot go on now.

        A burn-in first, then pairs, the older commit first in every other one. A commit that does
        not build, dies or does not report the metric is skipped; raises BenchmarkError or
        ConfigurationError where that is one of the two ends, and DeviceError where the device is
        lost before anything was launched.
        """
        launched = len(self.state.launches())
        try:
            while not self.why and (question := self._asked.next_question()) is not None:
                older, newer = self._commit(question.before), self._commit(question.after)
                if not (self._prepared(older) and self._prepared(newer)):
                    continue
                if self._cold:
                    self._burn_in(newer)
                else:
                    self._pair(older, newer)
        except DeviceError as error:
            if len(self.state.launches()) == launched:
                raise
            self.why = f"the device was taken: {error.problem}"

    def _commit(self, place: int) -> Commit:
        return self.state.commits[place]

    def _prepared(self, commit: Commit) -> bool:
        try:
            self.bench.prepare(commit.id)
        except (BenchmarkError, ConfigurationError) as error:
            self._refused(commit, error)
            return False
        return True

    def _burn_in(self, commit: Commit) -> None:
        """A launch that is not looked at: it warms the machine, and may show that it is unfit."""
        if not self.budget.fits(self.state.case, launches=1):
            self.why = _SPENT
            return
        launch = self._launch(commit, Side.HEAD, pair=None)
        if launch is not None:
            self._keep(burn_ins=(*self.state.burn_ins, launch))
            self._look_at_the_device([launch])
            self._cold = not self._answers(commit, launch)

    def _pair(self, older: Commit, newer: Commit) -> None:
        """Both commits next to each other; what came is kept, however it ended."""
        if not self.budget.fits(self.state.case, launches=2):
            self.why = _SPENT
            return
        number = len(self.state.pairs)
        turns = [(Side.BASE, older), (Side.HEAD, newer)]
        got: list[Launch] = []
        whole = False
        try:
            for side, commit in turns if number % 2 == 0 else reversed(turns):
                launch = self._launch(commit, side, pair=number)
                if launch is None:
                    break
                got.append(launch)
                if not self._answers(commit, launch):
                    break
            else:
                whole = True
        finally:
            pair = CommitPair(before=older.id, after=newer.id, launches=tuple(got))
            if got:
                self._keep(pairs=(*self.state.pairs, pair))
                self._look_at_the_device(got)
        if whole and observe(self._asked, pair, self.state):
            self._tell()

    def _launch(self, commit: Commit, side: Side, *, pair: int | None) -> Launch | None:
        """One launch; None where the commit cannot be launched or the budget ended it."""
        name = f"{self.state.case} · {commit.short}"
        self.progress.launch_started(name, side, pair)
        allowed_s = min(self.timeout_s, self.budget.left_s)
        try:
            launch = self.bench.launch(
                commit.id, side, pair=pair, order=self._order, timeout_s=allowed_s
            )
        except (BenchmarkError, ConfigurationError) as error:
            self._refused(commit, error)
            return None
        self._order += 1
        self.budget.spend(self.state.case, launch.duration_s)
        if not launch.ok and self.budget.left_s <= 0 and allowed_s < self.timeout_s:
            # The budget ended it, not a fault of its own: it is no failed launch.
            self.why = "the budget of device minutes ended during a launch"
            return None
        self.progress.launch_ended(name, launch, left_s=self._left_s())
        return launch

    def _answers(self, commit: Commit, launch: Launch) -> bool:
        """Whether its figure may be looked at; a commit that cannot give one is skipped."""
        failure = failure_of(launch)
        if failure is not None:
            self._skip(commit, failure, log_tail=launch.log_tail)
            return False
        if unfit_of(launch) is not None:
            return False
        if value_of(launch, self.state.metric) is None:
            self._skip(commit, f"its report has no {self.state.metric}")
            return False
        return True

    def _look_at_the_device(self, launches: Sequence[Launch]) -> None:
        """Stop where burn-ins or pairs in a row met an unfit device."""
        unfit = next((why for one in launches if (why := unfit_of(one)) is not None), None)
        self._unfit_in_a_row = 0 if unfit is None else self._unfit_in_a_row + 1
        if unfit is not None and self._unfit_in_a_row >= MOST_UNFIT:
            self.why = why_stopped(unfit)

    def _refused(self, commit: Commit, error: PerfgateError) -> None:
        """Skip a commit that cannot be prepared; one of the two ends must not fail."""
        if commit in (self.state.commits[0], self.state.commits[-1]):
            raise error
        why, _, log = error.problem.partition("\n")
        self._skip(commit, why, log_tail=log)

    def _skip(self, commit: Commit, why: str, *, log_tail: str = "") -> None:
        if commit in (self.state.commits[0], self.state.commits[-1]):
            log = f"\n{log_tail}" if log_tail else ""
            raise BenchmarkError(
                f"{commit.short}, an end of the search, cannot be measured: {why}{log}",
                fix="Name a commit that runs, or mend what keeps it from running here; "
                "`perfgate bisect --continue` goes on with what was measured.",
            )
        self.progress.note(f"skipping {commit.short} ({commit.subject}): {why}")
        self._asked.skip(self.state.places()[commit.id])
        skipped = SkippedCommit(id=commit.id, why=why, log_tail=log_tail)
        self._keep(skipped=(*self.state.skipped, skipped))

    def _keep(self, **parts: object) -> None:
        self.state = self.state.model_copy(update=parts)
        self.keep(self.state)

    def _left_s(self) -> float:
        """Device seconds probably still ahead."""
        longest_s = self.budget.longest_s(self.state.case) or 0.0
        return min(2 * self._asked.more_pairs() * longest_s, self.budget.left_s)

    def _tell(self) -> None:
        search, commits = self._asked, self.state.commits
        more = f"about {count(search.more_pairs(), 'more pair')}"
        if search.stage == "confirming":
            seen = search.change(search.ends)
            told = change(seen.ratio, seen.low, seen.high)
            self.progress.note(f"{commits[-1].short} over {commits[0].short}: {told}; {more}")
        elif search.stage == "searching":
            suspects = search.suspected()
            left = f"{len(suspects)} of {count(len(search.ends), 'commit')} suspected"
            self.progress.note(f"{left}, {more}")
