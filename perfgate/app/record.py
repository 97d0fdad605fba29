"""Measures this tree alone: the record that a trusted job adds to the baselines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.job import check_cases, devices_wanted, frameworks_of, run_job
from perfgate.app.measuring.measure import Known
from perfgate.app.measuring.selection import Change, Selection, select
from perfgate.app.measuring.trees import head_alone, head_tree, read_suite
from perfgate.records import CaseRecord, Record
from perfgate.sides.git import open_repository
from perfgate.verdict.metrics import unfit_of


@dataclass(frozen=True, kw_only=True)
class RecordRequest:
    """Which cases of which suite; ``suite`` is a path below the repository."""

    start: Path
    suite: str
    only: tuple[str, ...] = ()


def record_head(request: RecordRequest, edges: Edges) -> Record:
    """Launch every case of this tree and return the raw record; nothing is decided.

    A case whose servers stay resident is left out: turns of servers are compared in pairs alone.
    """
    git = open_repository(request.start, edges.environ)
    head, suite = head_tree(git), read_suite(git, request.suite)
    change = Change(event=edges.event.name, labels=edges.event.labels, paths=git.all_paths())
    selection = in_fresh_processes(select(suite, suite, change=change, only=request.only))
    policy = selection.policy.model_copy(update={"strategy": "baseline"})
    check_cases(selection)
    edges.machine.fingerprint(devices_wanted(selection))
    frameworks = frameworks_of(selection)
    with head_alone(git, edges, head=(head, suite), frameworks=frameworks) as sides:
        return run_job(
            selection, policy, sides, edges, base=None, head=head, known=Known(), finish=True
        )


def in_fresh_processes(selection: Selection) -> Selection:
    """The selection without cases whose servers stay resident, and a note that says so."""
    resident = [one.case.id for one in selection.chosen if one.case.resident]
    if not resident:
        return selection
    fresh = tuple(one for one in selection.chosen if not one.case.resident)
    told = f"not measured: {', '.join(resident)}: resident servers are compared in pairs alone"
    return replace(selection, chosen=fresh).noting(told)


def unfit_alone(case: CaseRecord) -> bool:
    """Whether nothing of the case can be kept, since the device was throttled or shared."""
    unfit = [launch for launch in case.launches if unfit_of(launch) is not None]
    fit = [launch for launch in case.launches if launch.pair is not None and launch not in unfit]
    return bool(unfit) and not fit
