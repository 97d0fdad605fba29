"""One job on one machine: measures the selected cases on ready sides, and makes the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from perfgate import __version__
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.launcher import SideLauncher
from perfgate.app.measuring.measure import Known, Measured, measure
from perfgate.app.measuring.rig import Rig
from perfgate.app.measuring.selection import Selection
from perfgate.backends.registry import BACKENDS
from perfgate.errors import BenchmarkError
from perfgate.records import GatePolicy, Origin, Record, Side, Tree
from perfgate.sides.checkout import Checkout
from perfgate.suite import OF_FRAMEWORKS, Case


def check_cases(selection: Selection) -> None:
    """Refuse a job that cannot measure, before anything is set up for it.

    Raises ConfigurationError for a case that its backend cannot run here, and BenchmarkError as
    :func:`refuse_no_case` does.
    """
    refuse_no_case(selection)
    for one in selection.chosen:
        BACKENDS[one.case.backend].check(one.case)


def refuse_no_case(selection: Selection) -> None:
    """Raise BenchmarkError where ``when:`` leaves no case: nothing measured is never green."""
    if not selection.chosen:
        raise BenchmarkError(
            f"nothing was measured: {'; '.join(selection.notes)}",
            fix="Leave the job out of such changes with the workflow's own `paths:` or `if:`, or "
            "keep one case without `when:`.",
        )


def all_prove_imports(selection: Selection) -> bool:
    """Whether every launch will say itself which files it imported."""
    return all(BACKENDS[one.case.backend].proves_imports for one in selection.chosen)


def frameworks_of(selection: Selection) -> set[str]:
    """Which frameworks the cases run in: each may have an environment of its own."""
    return {one.case.backend for one in selection.chosen if one.case.backend in OF_FRAMEWORKS}


def devices_wanted(selection: Selection) -> int:
    """How many devices a job leases: as many as the largest of its cases takes."""
    launched = [one for one in selection.chosen if one.origin is not Origin.WORKLOAD_CHANGED]
    return max((one.case.devices for one in launched), default=1)


def run_job(
    selection: Selection,
    policy: GatePolicy,
    sides: Mapping[Side, Checkout],
    edges: Edges,
    *,
    base: Tree | None,
    head: Tree,
    known: Known,
    finish: bool,
) -> Record:
    """Measure what was selected by ``policy``; a job without base launches head alone.

    The devices are leased before the first launch, until the last. Raises DeviceError when they do
    not come free in time.
    """
    with edges.machine.hold(devices_wanted(selection)) as held:
        fingerprint = held.fingerprint()
        cases = {one.case.id: one.case for one in selection.chosen}
        launcher = SideLauncher(cases=cases, sides=sides, rig=Rig(edges=edges, held=held))
        with launcher.servers():
            measured = measure(
                selection.chosen,
                policy=policy,
                fingerprint=fingerprint,
                known=known,
                finish=finish,
                launcher=launcher,
                progress=edges.progress,
            )
        measured = _scored(measured, cases, launcher)
    return Record(
        perfgate=__version__,
        suite=selection.name,
        job=edges.job,
        created_at=edges.now(),
        fingerprint=fingerprint,
        policy=policy,
        base=base,
        head=head,
        cases=measured.cases,
        notes=selection.notes,
        interrupted=measured.interrupted,
    )


def _scored(measured: Measured, cases: Mapping[str, Case], launcher: SideLauncher) -> Measured:
    """The cases with the score of what head's last launch left, where one is asked for."""
    scored = {case.id: case for case in measured.cases}
    try:
        for record in measured.cases:
            case, heads = cases[record.id], [one for one in record.launches if one.side == "head"]
            if case.accuracy is None or record.accuracy is not None or measured.interrupted:
                continue
            if not heads or not heads[-1].ok:
                continue
            launcher.rig.edges.progress.note(f"{case.id}: scoring with {case.accuracy.command}")
            found = launcher.score(case)
            scored[case.id] = record.model_copy(update={"accuracy": found})
    except KeyboardInterrupt as signal:
        return Measured(cases=tuple(scored.values()), interrupted=str(signal) or "SIGINT")
    return replace(measured, cases=tuple(scored.values()))
