"""Runs whole gates of equal sides by resident servers, and counts how they ended.

Each gate is the shipped one, of one case alone with the whole false-block rate, so that it blocks
rather more often than in a suite of several. Its servers are its own, and it is judged with the
differences that the gates before it left, as a gate is with those of a calibration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from perfgate.app.measuring.measure import Known, Measured, measure
from perfgate.app.measuring.progress import LaunchProgress, SoFar
from perfgate.app.measuring.running import Launcher
from perfgate.app.measuring.selection import Chosen
from perfgate.errors import DeviceError
from perfgate.records import (
    MAX_HISTORY,
    CaseDecision,
    CaseRecord,
    EqualGates,
    Fingerprint,
    GatePolicy,
    Launch,
    Origin,
    Record,
    Side,
    Verdict,
)
from perfgate.suite import Case
from perfgate.verdict.calibration import differences_of
from perfgate.verdict.decide import decide
from perfgate.verdict.likelihood import MIN_HISTORY
from perfgate.verdict.rates import rule_of
from perfgate.verdict.wording import count

_DECIDED = {
    Verdict.REGRESSED: "blocked",
    Verdict.PASSED: "passed",
    Verdict.IMPROVED: "passed",
    Verdict.INCONCLUSIVE: "undecided",
}


@dataclass(kw_only=True)
class Bench:
    """What every gate of a job shares; ``servers`` ends those of one gate.

    ``recorded`` makes the record that a gate of these cases would be decided from.
    """

    policy: GatePolicy
    fingerprint: Fingerprint
    launcher: Launcher
    servers: Callable[[], AbstractContextManager[None]]
    recorded: Callable[[Measured], Record]
    progress: LaunchProgress


@dataclass(kw_only=True)
class _Tally:
    """The gates of one case so far: every launch renumbered as if all were one job's."""

    case: Case
    history: tuple[float, ...]
    launches: list[Launch] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    stopped: str | None = None

    def add(self, measured: CaseRecord) -> None:
        order = max((one.order for one in self.launches), default=-1) + 1
        pairs = (one.pair for one in self.launches if one.pair is not None)
        pair = max(pairs, default=-1) + 1
        self.launches += [_moved(one, order=order, pair=pair) for one in measured.launches]
        self.history = (*self.history, *differences_of(measured))[-MAX_HISTORY:]

    def record(self, policy: GatePolicy) -> CaseRecord:
        return CaseRecord(
            id=self.case.id,
            workload_hash=self.case.workload_hash(),
            workload=self.case.workload(),
            allow=self.case.allow.reasons(),
            launches=tuple(self.launches),
            stopped=self.stopped,
            equal_gates=self._counted(policy) if self.ends else None,
        )

    def _counted(self, policy: GatePolicy) -> EqualGates:
        return EqualGates(
            restart_every=self.case.pairs_a_server,
            gates=len(self.ends),
            blocked=self.ends.count("blocked"),
            passed=self.ends.count("passed"),
            undecided=self.ends.count("undecided"),
            rule=rule_of(policy),
        )


def run_equal_gates(
    cases: Sequence[Case],
    bench: Bench,
    *,
    gates: int,
    histories: Mapping[str, tuple[float, ...]],
) -> Measured:
    """So many gates of every case, one case after the other, until a signal comes.

    ``histories`` are the stored differences of each case, to which every gate adds its own.
    A case of which a launch fails ends there, without the gate that it failed in. Raises
    DeviceError where the device is lost before anything was measured.
    """
    tallies = [_Tally(case=case, history=histories[case.id]) for case in cases]
    interrupted = None
    for tally in tallies:
        while interrupted is None and tally.stopped is None and len(tally.ends) < gates:
            try:
                later_s = _later_s(tallies, gates=gates)
                interrupted = _gate(tally, bench, gates=gates, later_s=later_s)
            except KeyboardInterrupt as signal:
                interrupted = str(signal) or "SIGINT"
            except DeviceError as error:
                if not any(one.launches for one in tallies):
                    raise
                tally.stopped = f"the device was taken: {error.problem}"
    return Measured(
        cases=tuple(tally.record(bench.policy) for tally in tallies), interrupted=interrupted
    )


def _later_s(tallies: Sequence[_Tally], *, gates: int) -> float | None:
    """Device seconds of the gates after the next one, None while none has ended."""
    ended = sum(len(one.ends) for one in tallies)
    if not ended:
        return None
    spent_s = sum(launch.duration_s for one in tallies for launch in one.launches)
    later = sum(gates - len(one.ends) for one in tallies if one.stopped is None) - 1
    return later * spent_s / ended


@dataclass(frozen=True, kw_only=True)
class _OneOfMany:
    """Tells of one gate, and guesses the time until the last one has ended."""

    progress: LaunchProgress
    later_s: float | None

    def note(self, text: str) -> None:
        self.progress.note(text)

    def so_far(self, case_id: str, seen: SoFar) -> None:
        self.progress.so_far(case_id, seen)

    def launch_started(self, case_id: str, side: Side, pair: int | None) -> None:
        self.progress.launch_started(case_id, side, pair)

    def launch_ended(self, case_id: str, launch: Launch, *, left_s: float | None) -> None:
        known = left_s is not None and self.later_s is not None
        whole_s = (left_s or 0.0) + (self.later_s or 0.0) if known else None
        self.progress.launch_ended(case_id, launch, left_s=whole_s)


def _gate(tally: _Tally, bench: Bench, *, gates: int, later_s: float | None) -> str | None:
    """Run one more gate and count it; returns the signal that ended it early."""
    case = tally.case
    known = tally.history if len(tally.history) >= MIN_HISTORY else ()
    with bench.servers():
        measured = measure(
            [Chosen(case=case, origin=Origin.JUDGED)],
            policy=bench.policy.model_copy(update={"budget_min": math.inf}),
            fingerprint=bench.fingerprint,
            known=Known(histories={case.id: known}),
            finish=True,
            launcher=bench.launcher,
            progress=_OneOfMany(progress=bench.progress, later_s=later_s),
        )
    tally.add(measured.cases[0])
    if measured.interrupted is not None:
        return measured.interrupted
    decided = decide(bench.recorded(measured)).cases[0]
    end = _end(decided)
    if end is None:
        tally.stopped = f"gate {len(tally.ends) + 1} of {gates} was not decided"
        return None
    tally.ends.append(end)
    told = f"gate {len(tally.ends)} of {gates} {end} after {count(decided.pairs, 'pair')}"
    bench.progress.note(f"{case.id}: {told}; {tally.ends.count('blocked')} blocked so far")
    return None


def _end(decided: CaseDecision) -> str | None:
    """How the gate ended, None where nothing was decided since a launch failed.

    Equal sides whose output differs are blocked as well, whatever made it differ.
    """
    if decided.verdict is Verdict.FAILED and decided.output == "changed":
        return "blocked"
    return _DECIDED.get(decided.verdict)


def _moved(launch: Launch, *, order: int, pair: int) -> Launch:
    return launch.model_copy(
        update={
            "order": launch.order + order,
            "pair": None if launch.pair is None else launch.pair + pair,
            "server": None if launch.server is None else launch.server + order,
        }
    )
