"""The loop: every launch of a contest in its turn; one framework that fails stops no other.

Starts nothing itself: launches come from a collaborator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from perfgate.app.compete.cells import a_failure, failure_of
from perfgate.app.compete.contest import Contest, Entry
from perfgate.app.measuring.budget import Budget
from perfgate.app.measuring.progress import Progress
from perfgate.errors import ConfigurationError, DeviceError
from perfgate.records import Launch
from perfgate.records.results import Failure, FailureKind

MOST_FAILURES = 2
"""So many failures in a row end a cell: the others shall have the time."""
NOT_AGAIN = frozenset(
    {
        FailureKind.MISSING,
        FailureKind.SETUP,
        FailureKind.MEMORY,
        FailureKind.FALLBACK,
        FailureKind.NOT_COMPILED,
        FailureKind.REFUSED,
    }
)
"""What another launch of the same would end in as well."""


class Launcher(Protocol):
    """Runs one launch of an entry and says how it went.

    Raises ConfigurationError where what ran is not what was to be measured, DeviceError where the
    devices are lost.
    """

    def __call__(self, entry: Entry, *, repeat: int, order: int, timeout_s: float) -> Launch: ...


@dataclass(kw_only=True)
class Rounds:
    """What came of the launches, by an entry's key; ``interrupted`` names the signal."""

    launches: dict[str, list[Launch]] = field(default_factory=dict)
    failures: dict[str, list[Failure]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    interrupted: str | None = None


def run_rounds(
    contest: Contest,
    *,
    broken: Mapping[str, Failure],
    budget: Budget,
    launcher: Launcher,
    progress: Progress,
) -> Rounds:
    """Launch everything in turn until all is measured, the budget is spent, or a signal comes.

    ``broken`` are entries that cannot be launched, by their keys. Raises DeviceError where the
    devices are lost before anything was measured; later that ends the job as a spent budget does.
    """
    running = _Running(contest=contest, budget=budget, launcher=launcher, progress=progress)
    for key, failure in broken.items():
        running.gives_up(key, failure)
    rounds = running.rounds
    try:
        for entry, repeat in contest.launches():
            running.turn(entry, repeat)
    except KeyboardInterrupt as signal:
        rounds.interrupted = str(signal) or "SIGINT"
        rounds.notes.append(f"stopped by {rounds.interrupted}: what was measured until then counts")
    except DeviceError as error:
        if not rounds.launches:
            raise
        rounds.notes.append(f"the device was taken: {error.problem}")
    if running.unspent:
        keys = ", ".join(running.unspent)
        rounds.notes.append(f"the budget of device minutes left no time for more of: {keys}")
    return rounds


@dataclass(kw_only=True)
class _Running:
    contest: Contest
    budget: Budget
    launcher: Launcher
    progress: Progress
    rounds: Rounds = field(default_factory=Rounds)
    unspent: dict[str, None] = field(default_factory=dict)
    _in_a_row: dict[str, int] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    _turns: int = 0
    _order: int = 0

    def turn(self, entry: Entry, repeat: int) -> None:
        """Run one launch, unless its cell has ended or the budget is spent."""
        self._turns += 1
        if entry.key in self._ended:
            return
        if not self.budget.fits(entry.key, launches=1):
            self.unspent[entry.key] = None
            return
        self.progress.repeat_started(entry.key, repeat)
        most_s = entry.case.launch_timeout_s()
        allowed_s = min(most_s, self.budget.left_s)
        try:
            launch = self.launcher(entry, repeat=repeat, order=self._order, timeout_s=allowed_s)
        except ConfigurationError as error:
            self.gives_up(entry.key, a_failure(FailureKind.UNKNOWN, error.problem))
            return
        self._order += 1
        self.budget.spend(entry.key, launch.duration_s)
        if not launch.ok and self.budget.left_s <= 0 and allowed_s < most_s:
            # The budget ended it, not a fault of its own: it is no failed launch.
            self.unspent[entry.key] = None
            return
        self.rounds.launches.setdefault(entry.key, []).append(launch)
        failure = failure_of(launch)
        if failure is None:
            self._in_a_row[entry.key] = 0
        else:
            self.fails(entry.key, failure)
        self.progress.repeat_ended(entry.key, launch, left_s=self._left_s())

    def gives_up(self, key: str, failure: Failure) -> None:
        """Keep a failure after which nothing is launched any more."""
        self.progress.note(f"{key}: {failure.kind}: {failure.text}")
        self.fails(key, failure)
        self._ended.add(key)

    def fails(self, key: str, failure: Failure) -> None:
        """Keep a failure, and end the cell where another launch is not worth its time."""
        self.rounds.failures.setdefault(key, []).append(failure)
        self._in_a_row[key] = self._in_a_row.get(key, 0) + 1
        if failure.kind in NOT_AGAIN or self._in_a_row[key] >= MOST_FAILURES:
            self._ended.add(key)

    def _left_s(self) -> float:
        """Device seconds probably still ahead; an entry never launched is taken as the longest."""
        ahead = list(self.contest.launches())[self._turns :]
        keys = [entry.key for entry, _ in ahead if entry.key not in self._ended]
        known = [self.budget.longest_s(key) for key in keys]
        usual = max((self.budget.longest_s(key) or 0.0 for key in self.rounds.launches), default=0)
        return min(sum(usual if one is None else one for one in known), self.budget.left_s)
