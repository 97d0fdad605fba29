"""The measuring loop: burn-ins, then pairs in turns, until every case is decided.

Starts nothing itself: launches come from a collaborator. Decides nothing itself: judges do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from perfgate.app.budget import Budget
from perfgate.app.plan import TYPICAL_PAIRS
from perfgate.app.progress import Progress
from perfgate.app.selection import Chosen
from perfgate.errors import DeviceError
from perfgate.records import CaseRecord, Fingerprint, GatePolicy, Launch, Origin, Side
from perfgate.verdict.against_baseline import launches_wanted
from perfgate.verdict.baseline import StoredJobs
from perfgate.verdict.conditions import MOST_UNFIT, burn_in_of, why_stopped
from perfgate.verdict.hierarchy import Hierarchy, is_device, plan_hierarchy
from perfgate.verdict.judge import CaseJudge
from perfgate.verdict.metrics import unfit_of
from perfgate.verdict.screen import screen, screen_applies


class Launcher(Protocol):
    """Runs one launch and says how it went.

    Raises ConfigurationError or DeviceError where nothing can be measured, never for a slow one.
    """

    def __call__(
        self, case_id: str, side: Side, *, pair: int | None, order: int, timeout_s: float
    ) -> Launch: ...


@dataclass(kw_only=True)
class _Job:
    """The state of one job: mutable, never leaves this module."""

    launcher: Launcher
    budget: Budget
    progress: Progress
    timeouts_s: Mapping[str, float]
    launches: dict[str, list[Launch]] = field(default_factory=dict)
    first_heads: dict[str, Launch] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    unfit_in_a_row: dict[str, int] = field(default_factory=dict)
    ahead: dict[str, int] = field(default_factory=dict)
    order: int = 0

    def run(self, case_id: str, side: Side, *, pair: int | None) -> Launch | None:
        """Run one launch and keep it; None when the case ends here, for a reason that is kept."""
        self.progress.launch_started(case_id, side, pair)
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

    def left_s(self) -> float:
        """Device seconds probably still ahead; a case never launched is taken as the others."""
        known = {case: self.budget.longest_s(case) for case in self.ahead}
        usual = max((seconds for seconds in known.values() if seconds), default=0.0)
        guess = sum(count * (known[case] or usual) for case, count in self.ahead.items())
        return min(guess, self.budget.left_s)

    def fits(self, case_id: str, *, launches: int) -> bool:
        if self.budget.fits(case_id, launches=launches):
            return True
        self.stopped[case_id] = "the budget of device minutes was spent"
        return False


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a job measured; ``interrupted`` names the signal that ended it early."""

    cases: tuple[CaseRecord, ...]
    interrupted: str | None = None


def measure(
    chosen: Sequence[Chosen],
    *,
    policy: GatePolicy,
    fingerprint: Fingerprint,
    stored: Mapping[str, StoredJobs],
    finish: bool,
    launcher: Launcher,
    progress: Progress,
) -> Measured:
    """Measure every chosen case until it is decided, the budget is spent, or a signal comes.

    A head burn-in and pairs BA AB BA AB …, case by case in turns, so that the cases share the
    budget; with strategy ``auto``, what the screen passes against ``stored`` gets no pairs. A new
    case, and every case under strategy ``baseline``, gets head launches only. A case that is
    slower ends the suite unless ``finish``. What ran on an unfit device is kept and not judged:
    its pair number is used up, a burn-in is repeated twice at most. Raises DeviceError where the
    device is lost before anything was measured; later it ends the job as a spent budget does.
    """
    paired = policy.strategy != "baseline"
    job = _Job(
        launcher=launcher,
        budget=Budget(limit_s=policy.budget_min * 60),
        progress=progress,
        timeouts_s={one.case.id: one.case.launch_timeout_s() for one in chosen},
    )
    interrupted = None
    try:
        warm = _burn_in(job, chosen)
        for one in chosen:
            if one.case.id in warm and (one.origin is Origin.NEW or not paired):
                _head_only(job, one.case.id, launches_wanted(stored.get(one.case.id)))
        if paired:
            judged = [one for one in chosen if one.origin is Origin.JUDGED]
            hierarchy = _hierarchy(job, judged, policy, fingerprint)
            open_cases = [one for one in judged if one.case.id in warm]
            screening = (
                _screenable(open_cases, stored, fingerprint) if policy.strategy == "auto" else {}
            )
            open_cases = _screen(job, open_cases, screening, hierarchy)
            judges = _judges(open_cases, policy, hierarchy, screened=set(screening))
            _pairs(job, judges, most=policy.max_pairs, finish=finish)
    except KeyboardInterrupt as signal:
        interrupted = str(signal) or "SIGINT"
    except DeviceError as error:
        if not job.launches:
            raise
        for one in chosen:
            job.stopped.setdefault(one.case.id, f"the device was taken: {error.problem}")
    return Measured(cases=tuple(_case_record(one, job) for one in chosen), interrupted=interrupted)


def _burn_in(job: _Job, chosen: Sequence[Chosen]) -> set[str]:
    """One discarded head launch a case: it warms the machine and shows which stages are judged.

    Returns the cases that can go on.
    """
    warm = set()
    for one in chosen:
        if one.origin is not Origin.WORKLOAD_CHANGED:
            job.expect(one.case.id, 1 + 2 * TYPICAL_PAIRS)
    for one in chosen:
        if one.origin is not Origin.WORKLOAD_CHANGED and _warmed(job, one.case.id):
            warm.add(one.case.id)
    return warm


def _warmed(job: _Job, case_id: str) -> bool:
    """Repeat a burn-in on an unfit device: it says which stages are judged."""
    while case_id not in job.stopped and job.fits(case_id, launches=1):
        launch = job.run(case_id, Side.HEAD, pair=None)
        if launch is None or job.may_be_judged(case_id, [launch]):
            return launch is not None
    return False


def _head_only(job: _Job, case_id: str, count: int) -> None:
    for index in range(count):
        job.expect(case_id, count - index)
        if not job.fits(case_id, launches=1):
            return
        launch = job.run(case_id, Side.HEAD, pair=index)
        if launch is None:
            return
        job.may_be_judged(case_id, [launch], most=min(MOST_UNFIT, count))
        if case_id in job.stopped:
            return


def _hierarchy(
    job: _Job, judged: Sequence[Chosen], policy: GatePolicy, fingerprint: Fingerprint
) -> Hierarchy:
    """Count the metrics of every judged case that was launched.

    One whose burn-in died counts too, so that a replay of the record counts the same.
    """
    burn_ins = {
        one.case.id: burn_in
        for one in judged
        if (burn_in := burn_in_of(job.launches.get(one.case.id, ()))) is not None
    }
    return plan_hierarchy(policy=policy, burn_ins=burn_ins, on_device=is_device(fingerprint))


def _screenable(
    chosen: Sequence[Chosen], stored: Mapping[str, StoredJobs], fingerprint: Fingerprint
) -> dict[str, StoredJobs]:
    """The stored jobs of every case that they may pass."""
    return {
        one.case.id: stored[one.case.id]
        for one in chosen
        if screen_applies(
            stored.get(one.case.id),
            workload_hash=one.case.workload_hash(),
            must_match=dict(fingerprint.must_match),
        )
    }


def _screen(
    job: _Job, chosen: Sequence[Chosen], jobs: Mapping[str, StoredJobs], hierarchy: Hierarchy
) -> list[Chosen]:
    """Launch head once more where the screen may pass; return the cases that it did not pass.

    That launch is kept: it becomes head's half of the first pair.
    """
    left = []
    for one in chosen:
        case_id = one.case.id
        if case_id in jobs and job.fits(case_id, launches=1):
            first = job.run(case_id, Side.HEAD, pair=0)
            if first is None:
                continue
            seen = screen(
                jobs[case_id],
                burn_in=hierarchy.burn_ins[case_id],
                first=first,
                hierarchy=hierarchy,
                case_id=case_id,
            )
            if seen.passed:
                job.expect(case_id, 0)
                continue
            job.first_heads[case_id] = first
        left.append(one)
    return left


def _judges(
    chosen: Sequence[Chosen], policy: GatePolicy, hierarchy: Hierarchy, *, screened: set[str]
) -> dict[str, CaseJudge]:
    return {
        one.case.id: CaseJudge(
            case_id=one.case.id,
            policy=policy,
            hierarchy=hierarchy,
            allow=one.case.allow.reasons(),
            screened=one.case.id in screened,
        )
        for one in chosen
    }


def _pairs(job: _Job, judges: dict[str, CaseJudge], *, most: int, finish: bool) -> None:
    """Run pairs in turns until every judge is done."""
    for pair in range(most):
        for case_id in [name for name in judges if name not in job.stopped]:
            judge = judges[case_id]
            if not job.fits(case_id, launches=2) or not _pair(job, judge, pair=pair):
                del judges[case_id]
                continue
            if judge.state != "continue":
                del judges[case_id]
            if judge.state == "regressed" and not finish:
                for other in judges:
                    job.stopped[other] = f"{case_id} is slower already (--finish measures on)"
                return
        if not judges:
            return
    for case_id, judge in judges.items():
        fit = len(judge.pairs)
        job.stopped[case_id] = f"only {fit} of {most} pairs were measured on a fit device"


def _pair(job: _Job, judge: CaseJudge, *, pair: int) -> bool:
    """Run a pair, base first in even ones, and show it to the judge; False when the case ends.

    A pair with an unfit launch is not shown: the judge would look at its times.
    """
    case_id = judge.case_id
    sides = (Side.BASE, Side.HEAD) if pair % 2 == 0 else (Side.HEAD, Side.BASE)
    got = {}
    if pair == 0 and case_id in job.first_heads:
        got[Side.HEAD] = job.first_heads[case_id]
    for side in sides:
        if side in got or any(unfit_of(one) is not None for one in got.values()):
            continue
        launch = job.run(case_id, side, pair=pair)
        if launch is None:
            return False
        got[side] = launch
    if not job.may_be_judged(case_id, got.values()):
        return case_id not in job.stopped
    judge.observe(got[Side.BASE], got[Side.HEAD])
    seen = judge.so_far
    if seen is not None:
        job.progress.so_far(case_id, seen)
        job.expect(case_id, 2 * (seen.more_pairs or max(1, TYPICAL_PAIRS - pair - 1)))
    if judge.state != "continue":
        job.expect(case_id, 0)
    return True


def _case_record(one: Chosen, job: _Job) -> CaseRecord:
    return CaseRecord(
        id=one.case.id,
        workload_hash=one.case.workload_hash(),
        workload=one.case.workload(),
        origin=one.origin,
        allow=one.case.allow.reasons(),
        launches=tuple(job.launches.get(one.case.id, ())),
        stopped=job.stopped.get(one.case.id),
    )
