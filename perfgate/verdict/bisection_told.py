"""What a search's state says: the search anew from its raw launches, and its result; pure."""

from __future__ import annotations

from perfgate.records import Launch
from perfgate.records.bisected import (
    Bisected,
    BisectOutcome,
    BisectState,
    CommitPair,
    MeasuredChange,
    MeasuredCommit,
)
from perfgate.verdict.bisection import Bisection, Range
from perfgate.verdict.conditions import pairs_of
from perfgate.verdict.metrics import END_TO_END, is_usable, launch_metrics
from perfgate.verdict.sequential import Policy


def bisection_of(state: BisectState) -> Bisection:
    """The search as its launches and skipped commits leave it."""
    policy = Policy(
        margin=state.margin,
        false_block=state.policy.false_block,
        miss=state.policy.miss,
        max_pairs=state.policy.max_pairs,
        min_pairs=min(2, state.policy.max_pairs),
    )
    # Stored differences are of end-to-end times; of a stage nothing is known beforehand.
    history = state.history if state.metric == END_TO_END else ()
    search = Bisection(suspects=len(state.commits) - 1, policy=policy, history=history)
    for pair in state.pairs:
        observe(search, pair, state)
    places = state.places()
    for one in state.skipped:
        search.skip(places[one.id])
    return search


def observe(search: Bisection, pair: CommitPair, state: BisectState) -> bool:
    """Show a pair to the search; False where it may not be looked at, or lacks the metric."""
    values = [
        (before, after)
        for one, other in pairs_of(pair.launches)
        if (before := value_of(one, state.metric)) and (after := value_of(other, state.metric))
    ]
    places = state.places()
    for before_ms, after_ms in values:
        question = Range(before=places[pair.before], after=places[pair.after])
        search.observe(question, before_ms, after_ms)
    return bool(values)


def value_of(launch: Launch, metric: str) -> float | None:
    """The launch's figure, None where it failed, ran on an unfit device, or has no such metric."""
    return launch_metrics(launch).get(metric) if is_usable(launch) else None


def told(state: BisectState, *, why: str = "", interrupted: str | None = None) -> Bisected:
    """The result so far; ``why`` says what ended the search before its end."""
    search = bisection_of(state)
    suspects = search.suspected()
    launches = state.launches()
    return Bisected(
        perfgate=state.perfgate,
        case=state.case,
        metric=state.metric,
        margin=state.margin,
        hardware_key=state.fingerprint.hardware_key,
        outcome=_outcome(search, suspects),
        why=why,
        interrupted=interrupted,
        good=state.commits[0],
        bad=state.commits[-1],
        commits=len(search.ends),
        suspects=state.commits[suspects.before + 1 : suspects.after + 1],
        before=state.commits[suspects.before],
        certainty=search.certainty(suspects),
        change=_change(search, suspects),
        whole=_change(search, search.ends),
        measured=_measured(search, state),
        skipped=state.skipped,
        pairs=sum(map(search.pairs, search.differences)),
        launches=len(launches),
        device_minutes=sum(launch.duration_s for launch in launches) / 60.0,
    )


def _outcome(search: Bisection, suspects: Range) -> BisectOutcome:
    match search.stage:
        case "not slower":
            return "not slower"
        case "undecided":
            return "undecided"
        case "found":
            return "found" if len(suspects) == 1 else "narrowed"
        case _:
            return "stopped"


def _change(search: Bisection, question: Range) -> MeasuredChange | None:
    pairs = search.pairs(question)
    if not pairs:
        return None
    found = search.change(question)
    return MeasuredChange(ratio=found.ratio, low=found.low, high=found.high, pairs=pairs)


def _measured(search: Bisection, state: BisectState) -> tuple[MeasuredCommit, ...]:
    """Every pair of commits that was asked, in the order of the history."""
    found = []
    for question in sorted(search.differences, key=lambda one: (one.after, one.before)):
        change = _change(search, question)
        if change is not None:
            over, commit = (state.commits[place] for place in (question.before, question.after))
            part = question in search.open
            found.append(MeasuredCommit(over=over, commit=commit, change=change, part=part))
    return tuple(found)
