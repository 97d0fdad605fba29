"""The measuring loop: burn-ins, then pairs in turns, until every case is decided.

Starts nothing itself: launches come from a collaborator. Decides nothing itself: judges do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perfgate.app.measuring.budget import Budget
from perfgate.app.measuring.plan import TYPICAL_PAIRS
from perfgate.app.measuring.progress import LaunchProgress
from perfgate.app.measuring.running import Launcher, Running
from perfgate.app.measuring.selection import Chosen
from perfgate.app.measuring.turns import Open, next_case
from perfgate.errors import DeviceError
from perfgate.records import (
    CaseRecord,
    EqualGates,
    Fingerprint,
    GatePolicy,
    Launch,
    Origin,
    Side,
)
from perfgate.verdict.against_baseline import launches_wanted
from perfgate.verdict.baseline import StoredJobs
from perfgate.verdict.conditions import MOST_UNFIT, burn_in_of, pairs_of
from perfgate.verdict.hierarchy import Hierarchy, is_device, plan_hierarchy
from perfgate.verdict.judge import CaseJudge
from perfgate.verdict.metrics import failure_of, unfit_of
from perfgate.verdict.screen import screen, screen_applies


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a job measured; ``interrupted`` names the signal that ended it early."""

    cases: tuple[CaseRecord, ...]
    interrupted: str | None = None


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of the cases, by id, before this job measures them.

    ``stored`` are the baselines' jobs, ``histories`` differences of equal sides on this machine,
    ``equal_gates`` error rates of resident servers; ``refused`` says why a case is not launched;
    ``earlier`` is the part of the record that the job goes on from: what is not in it, among the
    chosen cases, has not been launched. ``permitted`` are the metrics that may be slower,
    whose slowdown does not end the suite.
    """

    stored: Mapping[str, StoredJobs] = field(default_factory=dict)
    histories: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    equal_gates: Mapping[str, EqualGates] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    earlier: Mapping[str, CaseRecord] = field(default_factory=dict)
    permitted: Mapping[str, frozenset[str]] = field(default_factory=dict)


def measure(
    chosen: Sequence[Chosen],
    *,
    policy: GatePolicy,
    fingerprint: Fingerprint,
    known: Known,
    finish: bool,
    launcher: Launcher,
    progress: LaunchProgress,
) -> Measured:
    """Measure every chosen case until it is decided, the budget is spent, or a signal comes.

    A head burn-in and pairs BA AB BA AB …, in the order of :mod:`perfgate.app.measuring.turns`;
    with strategy ``auto``, what the screen passes against the stored jobs gets no pairs. A new
    case, and every case under strategy ``baseline``, gets head launches only, and none there where
    servers stay resident: those are compared in pairs alone, turn by turn until they restart. A
    case that is slower ends the suite unless ``finish``. What ran on an unfit device is kept and
    not judged: its pair number is used up, a burn-in is repeated twice at most. Raises DeviceError
    where the device is lost before anything was measured; later it ends the job as a spent budget
    does.

    A job that goes on launches nothing again: its burn-ins, pairs and numbers count, what was
    decided stays, and a case that has used up its pairs gets as many again.
    """
    job = Running(
        launcher=launcher,
        budget=Budget(limit_s=policy.budget_min * 60),
        progress=progress,
        timeouts_s={one.case.id: one.case.launch_timeout_s() for one in chosen},
        pairs_a_server={
            one.case.id: one.case.pairs_a_server for one in chosen if one.case.resident
        },
    )
    for case_id, case in known.earlier.items():
        job.goes_on_from(case_id, case.launches)
    launched, interrupted = job.order, None
    launched_here = [one for one in chosen if is_launched(one, policy, known)]
    try:
        _measure(
            job,
            launched_here,
            policy=policy,
            fingerprint=fingerprint,
            known=known,
            finish=finish,
        )
    except KeyboardInterrupt as signal:
        interrupted = str(signal) or "SIGINT"
    except DeviceError as error:
        if job.order == launched:
            raise
        for one in chosen:
            job.stopped.setdefault(one.case.id, f"the device was taken: {error.problem}")
    return Measured(
        cases=tuple(_case_record(one, job, known) for one in chosen), interrupted=interrupted
    )


def is_launched(one: Chosen, policy: GatePolicy, known: Known) -> bool:
    """Whether anything could be said of its launches."""
    if one.origin is Origin.WORKLOAD_CHANGED or one.case.id in known.refused:
        return False
    in_pairs = policy.strategy != "baseline" or one.origin is Origin.NEW
    return in_pairs or not one.case.resident


def _measure(
    job: Running,
    chosen: Sequence[Chosen],
    *,
    policy: GatePolicy,
    fingerprint: Fingerprint,
    known: Known,
    finish: bool,
) -> None:
    paired = policy.strategy != "baseline"
    warm = _burn_in(job, chosen)
    for one in chosen:
        if one.case.id in warm and (one.origin is Origin.NEW or not paired):
            _head_only(job, one.case.id, launches_wanted(known.stored.get(one.case.id)))
    if not paired:
        return
    judged = [one for one in chosen if one.origin is Origin.JUDGED]
    hierarchy = _hierarchy(job, judged, policy, fingerprint)
    open_cases = [one for one in judged if one.case.id in warm]
    screening = (
        _screenable(open_cases, known.stored, fingerprint) if policy.strategy == "auto" else {}
    )
    open_cases = _screen(job, open_cases, screening, hierarchy)
    judges = _judges(open_cases, policy, hierarchy, known, screened=set(screening))
    _pairs(job, judges, most=policy.max_pairs, finish=finish)


def _burn_in(job: Running, chosen: Sequence[Chosen]) -> set[str]:
    """One discarded head launch a case: it warms the machine and shows which stages are judged.

    Returns the cases that can go on; one that died in an earlier part of the job cannot.
    """
    warm = set()
    for one in chosen:
        job.expect(one.case.id, 1 + 2 * TYPICAL_PAIRS)
    # Resident ones last: the server of the very last goes on with its first pair.
    for one in sorted(chosen, key=lambda one: one.case.resident):
        earlier = job.launches.get(one.case.id, ())
        burn_in = burn_in_of(earlier)
        if any(map(failure_of, earlier)):
            continue
        warmed_before = burn_in is not None and unfit_of(burn_in) is None
        if warmed_before or job.warmed(one.case.id):
            warm.add(one.case.id)
    return warm


def _head_only(job: Running, case_id: str, count: int) -> None:
    for index in range(job.next_pair(case_id), count):
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
    job: Running, judged: Sequence[Chosen], policy: GatePolicy, fingerprint: Fingerprint
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
        if not one.case.resident
        and screen_applies(
            stored.get(one.case.id),
            workload_hash=one.case.workload_hash(),
            must_match=dict(fingerprint.must_match),
        )
    }


def _screen(
    job: Running, chosen: Sequence[Chosen], jobs: Mapping[str, StoredJobs], hierarchy: Hierarchy
) -> list[Chosen]:
    """Launch head once more where the screen may pass; return the cases that it did not pass.

    That launch is kept: it becomes head's half of the first pair.
    """
    left = []
    for one in chosen:
        case_id = one.case.id
        if case_id in jobs and not any(x.side is Side.BASE for x in job.launches[case_id]):
            seen_before = job.next_pair(case_id) > 0
            first = _first_head(job, case_id)
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
            if not seen_before:
                job.first_heads[case_id] = first
        left.append(one)
    return left


def _first_head(job: Running, case_id: str) -> Launch | None:
    """The launch that the screen looks at beside the burn-in; None where the case ends here."""
    heads = [one for one in job.launches[case_id] if one.pair is not None]
    if heads:
        return heads[0]
    return job.run(case_id, Side.HEAD, pair=0) if job.fits(case_id, launches=1) else None


def _judges(
    chosen: Sequence[Chosen],
    policy: GatePolicy,
    hierarchy: Hierarchy,
    known: Known,
    *,
    screened: set[str],
) -> dict[str, CaseJudge]:
    """A judge for every case that is still open, which has seen what was measured before."""
    judges = {}
    for one in chosen:
        case_id, earlier = one.case.id, known.earlier.get(one.case.id)
        judge = CaseJudge(
            case_id=case_id,
            policy=policy,
            hierarchy=hierarchy,
            history=known.histories.get(case_id, ()),
            allow=one.case.allow.reasons(),
            screened=case_id in screened,
            permitted=known.permitted.get(case_id, ()),
        )
        for base, head in pairs_of(earlier.launches if earlier is not None else ()):
            judge.observe(base, head)
        if judge.state in _OPEN:
            judges[case_id] = judge
    return judges


_OPEN = ("continue", "inconclusive")
"""States that more pairs may change."""


def _pairs(job: Running, judges: dict[str, CaseJudge], *, most: int, finish: bool) -> None:
    """Run pairs until every judge is done, or has used up its numbers.

    A case that comes with ``most`` or more used gets up to the next multiple of it.
    """
    limits = {case_id: (job.next_pair(case_id) // most + 1) * most for case_id in judges}
    while judges:
        waiting = [_open(job, judge, limit=limits[case_id]) for case_id, judge in judges.items()]
        case_id = next_case(waiting)
        judge, pair = judges[case_id], job.next_pair(case_id)
        goes_on = job.fits(case_id, launches=2) and _pair(job, judge, pair=pair)
        if goes_on and judge.state in _OPEN and pair + 1 < limits[case_id]:
            continue
        del judges[case_id]
        if judge.accused:
            # Pairs that only were to name the stage did not come: the case is decided all the same.
            job.stopped.pop(case_id, None)
        elif goes_on and judge.state == "continue":
            fit = f"{len(judge.pairs)} of {limits[case_id]}"
            job.stopped[case_id] = f"only {fit} pairs were measured on a fit device"
        if judge.accused and not judge.accuses_only_the_permitted and not finish:
            for other in judges:
                job.stopped[other] = f"{case_id} is slower already (--finish measures on)"
            return


def _open(job: Running, judge: CaseJudge, *, limit: int) -> Open:
    pair = job.next_pair(judge.case_id)
    return Open(
        case_id=judge.case_id,
        pairs=pair,
        pairs_left=limit - pair,
        more_pairs=judge.more_pairs,
        pair_s=2.0 * (job.budget.longest_s(judge.case_id) or 0.0),
        stays=job.stays(judge.case_id),
    )


def _pair(job: Running, judge: CaseJudge, *, pair: int) -> bool:
    """Run a pair and show it to the judge; False when the case ends.

    A pair with an unfit launch is not shown: the judge would look at its times.
    """
    case_id = judge.case_id
    got = job.run_pair(case_id, pair=pair)
    if got is None:
        return False
    if not job.may_be_judged(case_id, got.values()):
        return case_id not in job.stopped
    judge.observe(got[Side.BASE], got[Side.HEAD])
    seen = judge.so_far
    if seen is not None:
        job.progress.so_far(case_id, seen)
        job.expect(case_id, 2 * (seen.more_pairs or max(1, TYPICAL_PAIRS - pair - 1)))
    if judge.state not in _OPEN:
        job.expect(case_id, 0)
    return True


def _case_record(one: Chosen, job: Running, known: Known) -> CaseRecord:
    earlier = known.earlier.get(one.case.id)
    return CaseRecord(
        id=one.case.id,
        workload_hash=one.case.workload_hash(),
        workload=one.case.workload(),
        origin=one.origin,
        allow=one.case.allow.reasons(),
        launches=tuple(job.launches.get(one.case.id, ())),
        history=known.histories.get(one.case.id, ()),
        accuracy=earlier.accuracy if earlier is not None else None,
        stopped=job.stopped.get(one.case.id),
        equal_gates=known.equal_gates.get(one.case.id),
        refused=known.refused.get(one.case.id),
    )
