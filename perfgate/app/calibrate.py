"""Measures head against itself: how noisy this machine is, and what a gate can decide on it.

Pairs of every case give its noise; whole gates of a case with resident servers also give the error
rate without which no gate may judge it. Both sides of a pair are the same tree at the same path in
the same environment. What a gate's base has of its own, a work tree and an environment elsewhere,
is not part of what is measured here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from perfgate import __version__
from perfgate.app.equal_gates import Bench, run_equal_gates
from perfgate.app.measuring.budget import Budget
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.job import check_cases, devices_wanted, frameworks_of
from perfgate.app.measuring.launcher import SideLauncher
from perfgate.app.measuring.measure import Measured
from perfgate.app.measuring.progress import Progress
from perfgate.app.measuring.rig import Rig
from perfgate.app.measuring.running import Launcher, Running
from perfgate.app.measuring.selection import Change, Selection, select
from perfgate.app.measuring.trees import head_alone, head_tree, read_suite
from perfgate.baselines.calibration import (
    NAME,
    Calibration,
    add_run,
    parse_calibration,
    render_calibration,
)
from perfgate.errors import BaselineError, ConfigurationError, DeviceError
from perfgate.files import write_atomically
from perfgate.github.event import Event
from perfgate.records import CaseRecord, Fingerprint, GatePolicy, Record, Side, Tree
from perfgate.sides.checkout import Checkout
from perfgate.sides.git import open_repository
from perfgate.suite import Case
from perfgate.verdict.calibration import differences_of
from perfgate.verdict.rates import MIN_GATES
from perfgate.verdict.wording import count

USUAL_PAIRS = 20
USUAL_GATES = MIN_GATES


@dataclass(frozen=True, kw_only=True)
class CalibrateRequest:
    """How many pairs of which cases; ``suite`` is a path below the repository.

    With ``gates`` so many whole gates of the cases with resident servers, instead of pairs of all.
    No pair starts that could not end within ``budget_s`` of device time.
    """

    start: Path
    suite: str
    pairs: int = USUAL_PAIRS
    gates: int | None = None
    only: tuple[str, ...] = ()
    budget_s: float = math.inf


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """What was measured; ``written`` is the file below the repository, or ``why_not`` says why.

    ``kept`` is what the file holds now, earlier runs included.
    """

    record: Record
    written: Path | None
    kept: Calibration | None = None
    why_not: str = ""


def calibrate(request: CalibrateRequest, edges: Edges) -> Calibrated:
    """Measure pairs of equal sides of every case, and add them to the calibration file.

    The file stays as it is in a pull request, whose own code measured, and where the suite names
    no folder. Raises BaselineError for a file that is no calibration, before anything is measured,
    ConfigurationError where gates are asked for and no case has resident servers.
    """
    git = open_repository(request.start, edges.environ)
    head, suite = head_tree(git), read_suite(git, request.suite)
    change = Change(event=edges.event.name, labels=edges.event.labels, paths=git.all_paths())
    selection = select(suite, suite, change=change, only=request.only)
    if request.gates is not None:
        selection = _with_resident_servers(selection)
    check_cases(selection)
    why_not = _why_not(edges.event, suite.state_folder)
    folder = git.root / (suite.state_folder or "")
    stored = None
    if not why_not:
        stored = _stored(folder, edges.machine.fingerprint(devices_wanted(selection)).hardware_key)
    edges.progress.note(_plan(request, selection))
    frameworks = frameworks_of(selection)
    with head_alone(git, edges, head=(head, suite), frameworks=frameworks) as sides:
        record = _record(request, selection, sides[Side.HEAD], edges, head=head, stored=stored)
    if not why_not and not any(differences_of(case) for case in record.cases):
        why_not = "not one pair was measured"
    if why_not:
        return Calibrated(record=record, written=None, why_not=why_not)
    key = record.fingerprint.hardware_key
    path = folder / key / NAME
    kept = add_run(_stored(folder, key), record)
    write_atomically(path, render_calibration(kept))
    return Calibrated(record=record, written=path.relative_to(git.root), kept=kept)


def _with_resident_servers(selection: Selection) -> Selection:
    chosen = tuple(one for one in selection.chosen if one.case.resident)
    if not chosen:
        raise ConfigurationError(
            "none of the cases has resident servers: there are no gates to calibrate",
            fix="Run `perfgate calibrate` without --resident, or write `launch: resident` at a "
            "case that loads for long.",
        )
    return replace(selection, chosen=chosen)


def _plan(request: CalibrateRequest, selection: Selection) -> str:
    if request.gates is None:
        launches = len(selection.chosen) * (1 + 2 * request.pairs)
        return f"{count(request.pairs, 'pair')} a case, {count(launches, 'launch')}"
    a_gate = 1 + 2 * selection.policy.max_pairs
    most = len(selection.chosen) * request.gates * a_gate
    return f"{count(request.gates, 'gate')} of equal sides a case, at most {count(most, 'launch')}"


def _why_not(event: Event, folder: str | None) -> str:
    if event.pull_request is not None:
        return "a pull request's own differences stay in its record"
    return "" if folder else "the suite names no folder for baselines"


def _stored(folder: Path, hardware_key: str) -> Calibration | None:
    path = folder / hardware_key / NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        raise BaselineError(
            f"{path} is not UTF-8: {error}", fix="Restore the file from its last commit."
        ) from error
    return parse_calibration(text, source=str(path), hardware_key=hardware_key)


def _record(
    request: CalibrateRequest,
    selection: Selection,
    checkout: Checkout,
    edges: Edges,
    *,
    head: Tree,
    stored: Calibration | None,
) -> Record:
    with edges.machine.hold(devices_wanted(selection)) as held:
        cases = [one.case for one in selection.chosen]
        launcher = SideLauncher(
            cases={case.id: case for case in cases},
            sides=dict.fromkeys(Side, checkout),
            rig=Rig(edges=edges, held=held),
        )
        fingerprint = held.fingerprint()
        recorded = partial(
            _recorded, selection=selection, edges=edges, head=head, fingerprint=fingerprint
        )
        if request.gates is None:
            with launcher.servers():
                return recorded(
                    measure_equal_sides(
                        cases,
                        pairs=request.pairs,
                        launcher=launcher,
                        progress=edges.progress,
                        budget=Budget(limit_s=request.budget_s),
                    )
                )
        bench = Bench(
            policy=_policy(selection),
            fingerprint=fingerprint,
            launcher=launcher,
            servers=launcher.servers,
            recorded=recorded,
            progress=edges.progress,
        )
        histories = {case.id: _differences(stored, case, fingerprint) for case in cases}
        return recorded(run_equal_gates(cases, bench, gates=request.gates, histories=histories))


def _policy(selection: Selection) -> GatePolicy:
    return selection.policy.model_copy(update={"strategy": "paired"})


def _recorded(
    measured: Measured, *, selection: Selection, edges: Edges, head: Tree, fingerprint: Fingerprint
) -> Record:
    return Record(
        perfgate=__version__,
        suite=selection.name,
        job=edges.job,
        created_at=edges.now(),
        fingerprint=fingerprint,
        policy=_policy(selection),
        base=head,
        head=head,
        cases=measured.cases,
        notes=("base and head are the same tree: a calibration",),
        interrupted=measured.interrupted,
    )


def _differences(
    stored: Calibration | None, case: Case, fingerprint: Fingerprint
) -> tuple[float, ...]:
    """What earlier calibrations of this workload left, however few."""
    if stored is None:
        return ()
    found, _ = stored.find(
        case.id, workload_hash=case.workload_hash(), must_match=fingerprint.must_match
    )
    return () if found is None else found.differences


def measure_equal_sides(
    cases: Sequence[Case],
    *,
    pairs: int,
    launcher: Launcher,
    progress: Progress,
    budget: Budget,
) -> Measured:
    """A burn-in and so many pairs of every case, in a gate's order and in turns.

    Cases with resident servers come one after the other, each with all of its pairs. Nothing is
    judged, so nothing stops early but what cannot go on, or would outlast the ``budget``. Raises
    DeviceError where the device is lost before anything was measured.
    """
    job = Running(
        launcher=launcher,
        budget=budget,
        progress=progress,
        timeouts_s={case.id: case.launch_timeout_s() for case in cases},
    )
    interrupted = None
    for case in cases:
        job.expect(case.id, 1 + 2 * pairs)
    try:
        _pairs_in_turns(job, [case for case in cases if not case.resident], pairs=pairs)
        for case in cases:
            if case.resident:
                _pairs_in_turns(job, [case], pairs=pairs)
    except KeyboardInterrupt as signal:
        interrupted = str(signal) or "SIGINT"
    except DeviceError as error:
        if not job.launches:
            raise
        for case in cases:
            job.stopped.setdefault(case.id, f"the device was taken: {error.problem}")
    return Measured(
        cases=tuple(_case_record(case, job) for case in cases),
        interrupted=interrupted,
    )


def _pairs_in_turns(job: Running, cases: Sequence[Case], *, pairs: int) -> None:
    going_on = [case.id for case in cases if job.warmed(case.id)]
    for pair in range(pairs):
        for case_id in list(going_on):
            job.expect(case_id, 2 * (pairs - pair))
            fits = job.fits(case_id, launches=2)
            got = job.run_pair(case_id, pair=pair) if fits else None
            fit = got is not None and job.may_be_judged(case_id, got.values())
            if got is None or (not fit and case_id in job.stopped):
                going_on.remove(case_id)


def _case_record(case: Case, job: Running) -> CaseRecord:
    return CaseRecord(
        id=case.id,
        workload_hash=case.workload_hash(),
        workload=case.workload(),
        allow=case.allow.reasons(),
        launches=tuple(job.launches.get(case.id, ())),
        stopped=job.stopped.get(case.id),
    )
