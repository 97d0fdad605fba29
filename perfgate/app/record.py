"""Measures this tree alone: the record that a trusted job adds to the baselines."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perfgate import __version__
from perfgate.app.edges import Edges
from perfgate.app.launcher import SideLauncher
from perfgate.app.measure import measure
from perfgate.app.selection import Change, select
from perfgate.app.trees import head_alone, head_tree, read_suite
from perfgate.backends.registry import BACKENDS
from perfgate.records import Record
from perfgate.sides.git import open_repository


@dataclass(frozen=True, kw_only=True)
class RecordRequest:
    """Which cases of which suite; ``suite`` is a path below the repository."""

    start: Path
    suite: str
    only: tuple[str, ...] = ()


def record_head(request: RecordRequest, edges: Edges) -> Record:
    """Launch every case of this tree and return the raw record; nothing is decided."""
    git = open_repository(request.start, edges.environ)
    head, suite = head_tree(git), read_suite(git, request.suite)
    change = Change(event=edges.event.name, labels=edges.event.labels, paths=git.all_paths())
    selection = select(suite, suite, change=change, only=request.only)
    policy = selection.policy.model_copy(update={"strategy": "baseline"})
    for one in selection.chosen:
        BACKENDS[one.case.backend].check(one.case)
    with head_alone(git, edges, head=(head, suite)) as sides:
        measured = measure(
            selection.chosen,
            policy=policy,
            fingerprint=edges.fingerprint,
            stored={},
            finish=True,
            launcher=SideLauncher(
                cases={one.case.id: one.case for one in selection.chosen},
                sides=sides,
                edges=edges,
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
        base=None,
        head=head,
        cases=measured.cases,
        notes=selection.notes,
        interrupted=measured.interrupted,
    )
