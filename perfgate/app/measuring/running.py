"""The state of a measuring job: launches so far, device time, why cases ended; judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from perfgate.app.measuring.budget import Budget
from perfgate.app.measuring.progress import LaunchProgress
from perfgate.records import Launch, Side
from perfgate.verdict.conditions import MOST_UNFIT, why_stopped
from perfgate.verdict.metrics import unfit_of


class Launcher(Protocol):
    """Runs one launch and says how it went.

    Raises ConfigurationError or DeviceError where nothing can be measured, never for a slow one.
    """

    def __call__(
        self, case_id: str, side: Side, *, pair: int | None, order: int, timeout_s: float
    ) -> Launch: ...


@dataclass(kw_only=True)
class Running:
    """The mutable state of one job; it lives as long as the loop that measures.

    ``launches`` holds also what an earlier part of the same job measured, ``first_heads`` head's
    half of a first pair whose base is still to be launched; ``pairs_a_server`` says of cases with
    resident servers how many pairs these serve.
    """

    launcher: Launcher
    budget: Budget
    progress: LaunchProgress
    timeouts_s: Mapping[str, float]
    pairs_a_server: Mapping[str, int] = field(default_factory=dict)
    launches: dict[str, list[Launch]] = field(default_factory=dict)
    first_heads: dict[str, Launch] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    unfit_in_a_row: dict[str, int] = field(default_factory=dict)
    ahead: dict[str, int] = field(default_factory=dict)
    order: int = 0
    last: str = ""

    def goes_on_from(self, case_id: str, launches: Iterable[Launch]) -> None:
        """Take over what was measured before: numbers go on, and it tells how long one takes."""
        earlier = list(launches)
        self.launches[case_id] = earlier
        for launch in earlier:
            self.order = max(self.order, launch.order + 1)
            self.budget.remember(case_id, launch.duration_s)

    def next_pair(self, case_id: str) -> int:
        """The number of the next pair: those of halves and of unfit pairs are used up."""
        if case_id in self.first_heads:
            return 0
        pairs = (one.pair for one in self.launches.get(case_id, ()) if one.pair is not None)
        return max(pairs, default=-1) + 1

    def run(self, case_id: str, side: Side, *, pair: int | None) -> Launch | None:
        """Run one launch and keep it; None when the case ends here, for a reason that is kept."""
        self.progress.launch_started(case_id, side, pair)
        self.last = case_id
        allowed_s = min(self.timeouts_s[case_id], self.budget.left_s)
        launch = self.launcher(case_id, side, pair=pair, order=self.order, timeout_s=allowed_s)
        self.order += 1
        self.budget.spend(case_id, launch.duration_s)
        if not launch.ok and self.budget.left_s <= 0 and allowed_s < self.timeouts_s[case_id]:
            # The budget ended it, not a fault of its own: it is no failed launch.
            self.stopped[case_id] = "the budget of device minutes ended during a launch"
            return None
        self.launches.setdefault(case_id, []).append(launch)
        self.expect(case_id, max(1, self.ahead.get(case_id, 1) - 1) if launch.ok else 0)
        self.progress.launch_ended(case_id, launch, left_s=self.left_s())
        return launch if launch.ok else None

    def run_pair(self, case_id: str, *, pair: int) -> dict[Side, Launch] | None:
        """Run a pair, base first in even ones; None when the case ends here.

        A pair with an unfit launch is left unfinished: nobody will look at its times.
        """
        first = self.first_heads.pop(case_id, None)
        got = {} if first is None else {Side.HEAD: first}
        for side in (Side.BASE, Side.HEAD) if pair % 2 == 0 else (Side.HEAD, Side.BASE):
            if side in got or any(unfit_of(one) is not None for one in got.values()):
                continue
            launch = self.run(case_id, side, pair=pair)
            if launch is None:
                return None
            got[side] = launch
        return got

    def warmed(self, case_id: str) -> bool:
        """Run the burn-in, again on an unfit device: it says which stages are judged."""
        while case_id not in self.stopped and self.fits(case_id, launches=1):
            launch = self.run(case_id, Side.HEAD, pair=None)
            if launch is None or self.may_be_judged(case_id, [launch]):
                return launch is not None
        return False

    def may_be_judged(
        self, case_id: str, launches: Iterable[Launch], *, most: int = MOST_UNFIT
    ) -> bool:
        """Whether a burn-in, a pair or a head launch ran on a fit device.

        So many in a row that did not end the case.
        """
        why = next((unfit for one in launches if (unfit := unfit_of(one)) is not None), None)
        in_a_row = 0 if why is None else self.unfit_in_a_row.get(case_id, 0) + 1
        self.unfit_in_a_row[case_id] = in_a_row
        if why is not None and in_a_row >= most:
            self.stopped[case_id] = why_stopped(why)
        return why is None

    def expect(self, case_id: str, launches: int) -> None:
        """Remember how many launches of a case are probably still ahead."""
        self.ahead[case_id] = launches

    def stays(self, case_id: str) -> bool:
        """Whether the resident servers of this case launched last, and serve another pair."""
        launches = self.launches.get(case_id, ())
        server = launches[-1].server if launches and self.last == case_id else None
        if server is None:
            return False
        served = {one.pair for one in launches if one.server == server and one.pair is not None}
        return len(served) < self.pairs_a_server.get(case_id, 0)

    def left_s(self) -> float:
        """Device seconds probably still ahead; a case never launched is taken as the others."""
        known = {case: self.budget.longest_s(case) for case in self.ahead}
        usual = max((seconds for seconds in known.values() if seconds), default=0.0)
        guess = sum(count * (known[case] or usual) for case, count in self.ahead.items())
        return min(guess, self.budget.left_s)

    def fits(self, case_id: str, *, launches: int) -> bool:
        """Whether that many launches could end within the budget; the case ends where not."""
        if self.budget.fits(case_id, launches=launches):
            return True
        self.stopped[case_id] = "the budget of device minutes was spent"
        return False
