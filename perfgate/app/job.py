"""One job on one machine: measures the selected cases on ready sides, and makes the record."""

from __future__ import annotations

from collections.abc import Mapping

from perfgate import __version__
from perfgate.app.edges import Edges
from perfgate.app.launcher import SideLauncher
from perfgate.app.measure import measure
from perfgate.app.selection import Selection
from perfgate.backends.registry import BACKENDS
from perfgate.errors import BenchmarkError
from perfgate.records import GatePolicy, Record, Side, Tree
from perfgate.sides.checkout import Checkout
from perfgate.verdict.baseline import StoredJobs


def check_cases(selection: Selection) -> None:
    """Refuse a job that cannot measure, before anything is set up for it.

    Raises ConfigurationError for a case that its backend cannot run here, BenchmarkError where
    ``when:`` leaves no case: nothing measured is never green.
    """
    if not selection.chosen:
        raise BenchmarkError(
            f"nothing was measured: {'; '.join(selection.notes)}",
            fix="Leave the job out of such changes with the workflow's own `paths:` or `if:`, or "
            "keep one case without `when:`.",
        )
    for one in selection.chosen:
        BACKENDS[one.case.backend].check(one.case)


def all_prove_imports(selection: Selection) -> bool:
    """Whether every launch will say itself which files it imported."""
    return all(BACKENDS[one.case.backend].proves_imports for one in selection.chosen)


def run_job(
    selection: Selection,
    policy: GatePolicy,
    sides: Mapping[Side, Checkout],
    edges: Edges,
    *,
    base: Tree | None,
    head: Tree,
    stored: Mapping[str, StoredJobs],
    finish: bool,
) -> Record:
    """Measure what was selected by ``policy``; a job without base launches head alone."""
    measured = measure(
        selection.chosen,
        policy=policy,
        fingerprint=edges.fingerprint,
        stored=stored,
        finish=finish,
        launcher=SideLauncher(
            cases={one.case.id: one.case for one in selection.chosen}, sides=sides, edges=edges
        ),
        progress=edges.progress,
    )
    return Record(
        perfgate=__version__,
        suite=selection.name,
        job=edges.job,
        created_at=edges.now(),
        fingerprint=edges.fingerprint,
        policy=policy,
        base=base,
        head=head,
        cases=measured.cases,
        notes=selection.notes,
        interrupted=measured.interrupted,
    )
