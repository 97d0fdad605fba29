"""Measures head against itself: how noisy this machine is, and what a gate can decide on it.

Both sides of a pair are the same tree at the same path in the same environment. What a gate's base
has of its own, a work tree and an environment elsewhere, is not part of what is measured here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perfgate import __version__
from perfgate.app.budget import Budget
from perfgate.app.edges import Edges
from perfgate.app.job import check_cases, devices_wanted
from perfgate.app.launcher import SideLauncher
from perfgate.app.measure import Measured
from perfgate.app.progress import Progress
from perfgate.app.running import Launcher, Running
from perfgate.app.selection import Change, Selection, select
from perfgate.app.trees import head_alone, head_tree, read_suite
from perfgate.baselines.calibration import (
    NAME,
    Calibration,
    add_run,
    parse_calibration,
    render_calibration,
)
from perfgate.errors import BaselineError, DeviceError
from perfgate.files import write_atomically
from perfgate.github.event import Event
from perfgate.records import CaseRecord, Record, Side, Tree
from perfgate.sides.checkout import Checkout
from perfgate.sides.git import open_repository
from perfgate.suite import Case
from perfgate.verdict.calibration import differences_of
from perfgate.verdict.wording import count

USUAL_PAIRS = 20


@dataclass(frozen=True, kw_only=True)
class CalibrateRequest:
    """How many pairs of which cases; ``suite`` is a path below the repository."""

    start: Path
    suite: str
    pairs: int = USUAL_PAIRS
    only: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """What was measured; ``written`` is the file below the repository, or ``why_not`` says why."""

    record: Record
    written: Path | None
    why_not: str = ""


def calibrate(request: CalibrateRequest, edges: Edges) -> Calibrated:
    """Measure pairs of equal sides of every case, and add them to the calibration file.

    The file stays as it is in a pull request, whose own code measured, and where the suite names
    no folder. Raises BaselineError for a file that is no calibration, before anything is measured.
    """
    git = open_repository(request.start, edges.environ)
    head, suite = head_tree(git), read_suite(git, request.suite)
    change = Change(event=edges.event.name, labels=edges.event.labels, paths=git.all_paths())
    selection = select(suite, suite, change=change, only=request.only)
    check_cases(selection)
    why_not = _why_not(edges.event, suite.state_folder)
    folder = git.root / (suite.state_folder or "")
    if not why_not:
        _stored(folder, edges.machine.fingerprint(devices_wanted(selection)).hardware_key)
    launches = len(selection.chosen) * (1 + 2 * request.pairs)
    edges.progress.note(f"{count(request.pairs, 'pair')} a case, {count(launches, 'launch')}")
    with head_alone(git, edges, head=(head, suite)) as sides:
        record = _record(selection, sides[Side.HEAD], edges, head=head, pairs=request.pairs)
    if not why_not and not any(differences_of(case) for case in record.cases):
        why_not = "not one pair was measured"
    if why_not:
        return Calibrated(record=record, written=None, why_not=why_not)
    key = record.fingerprint.hardware_key
    path = folder / key / NAME
    write_atomically(path, render_calibration(add_run(_stored(folder, key), record)))
    return Calibrated(record=record, written=path.relative_to(git.root))


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
    selection: Selection, checkout: Checkout, edges: Edges, *, head: Tree, pairs: int
) -> Record:
    with edges.machine.hold(devices_wanted(selection)) as held:
        cases = [one.case for one in selection.chosen]
        launcher = SideLauncher(
            cases={case.id: case for case in cases},
            sides=dict.fromkeys(Side, checkout),
            edges=edges,
            held=held,
        )
        with launcher.servers():
            measured = measure_equal_sides(
                cases, pairs=pairs, launcher=launcher, progress=edges.progress
            )
        return Record(
            perfgate=__version__,
            suite=selection.name,
            job=edges.job,
            created_at=edges.now(),
            fingerprint=held.fingerprint(),
            policy=selection.policy.model_copy(update={"strategy": "paired"}),
            base=head,
            head=head,
            cases=measured.cases,
            notes=("base and head are the same tree: a calibration",),
            interrupted=measured.interrupted,
        )


def measure_equal_sides(
    cases: Sequence[Case], *, pairs: int, launcher: Launcher, progress: Progress
) -> Measured:
    """A burn-in and so many pairs of every case, in a gate's order and in turns.

    Nothing is judged, so nothing stops early but what cannot go on. Raises DeviceError where the
    device is lost before anything was measured.
    """
    job = Running(
        launcher=launcher,
        budget=Budget(limit_s=math.inf),
        progress=progress,
        timeouts_s={case.id: case.launch_timeout_s() for case in cases},
    )
    interrupted = None
    try:
        _pairs_in_turns(job, cases, pairs=pairs)
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
    for case in cases:
        job.expect(case.id, 1 + 2 * pairs)
    going_on = [case.id for case in cases if job.warmed(case.id)]
    for pair in range(pairs):
        for case_id in list(going_on):
            job.expect(case_id, 2 * (pairs - pair))
            got = job.run_pair(case_id, pair=pair)
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
