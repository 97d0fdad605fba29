"""The gate: suite → launches → record → decision → files, for one job on one machine."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from perfgate.app.keeping.sglang_files import plain_at
from perfgate.app.known import KnownNoise, known_noise
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.job import (
    all_prove_imports,
    check_cases,
    devices_wanted,
    frameworks_of,
    run_job,
)
from perfgate.app.measuring.measure import Known, is_launched
from perfgate.app.measuring.plan import Plan, PlannedCase, plan
from perfgate.app.measuring.resume import (
    is_finished,
    joined,
    refuse_another_comparison,
    refuse_another_machine,
    told_before,
)
from perfgate.app.measuring.selection import Change, Selection, select
from perfgate.app.measuring.trees import both_sides, head_alone, head_tree, read_suite
from perfgate.app.permissions import find_permissions
from perfgate.backends.registry import BACKENDS
from perfgate.baselines.accepted import NAME as ACCEPTED
from perfgate.baselines.native import Baseline
from perfgate.baselines.store import load_baselines, stored_jobs
from perfgate.errors import BenchmarkError, PerfgateError
from perfgate.github.event import LOCAL
from perfgate.records import Decision, GatePolicy, Origin, Record, Tree
from perfgate.sides.git import Git, open_repository
from perfgate.sides.resolve import Trigger, resolve_base
from perfgate.suite import Suite, parse_suite
from perfgate.verdict.baseline import StoredJobs
from perfgate.verdict.decide import decide

_MAX_BASELINE_FILES = 2000


@dataclass(frozen=True, kw_only=True)
class GateRequest:
    """What a person or a workflow asks for; everything else is in the suite.

    ``suite`` is a path below the repository; ``strategy`` overrides the suite's; ``earlier`` is the
    record to go on from, which says itself which cases and which strategy.
    """

    start: Path
    suite: str
    base: str | None = None
    strategy: str | None = None
    only: tuple[str, ...] = ()
    finish: bool = False
    earlier: Record | None = None


def going_on(request: GateRequest, earlier: Record) -> GateRequest:
    """The same request, to go on from ``earlier``."""
    return replace(
        request,
        strategy=earlier.policy.strategy,
        only=tuple(case.id for case in earlier.cases),
        earlier=earlier,
    )


def gate(request: GateRequest, edges: Edges) -> tuple[Decision, Record]:
    """Measure base and head, and decide; returns the decision and the record that it rests on.

    Raises PerfgateError when nothing could be measured at all; an interrupted job is decided from
    what it measured. With a record to go on from, what is decided there stays, undecided cases get
    their next pairs, and the budget counts what is launched now.
    """
    git = open_repository(request.start, edges.environ)
    base, head = _trees(git, request, edges)
    base_suite, head_suite = _suites(git, request.suite, base.commit)
    selection = _select(git, base_suite, head_suite, request=request, edges=edges, base=base)
    for note in _same_commit(base, head):
        selection = selection.noting(note)
    policy, earlier = _policy(selection.policy, request.strategy), request.earlier
    if earlier is not None:
        refuse_another_comparison(earlier, base=base, head=head, selection=selection, policy=policy)
    check_cases(selection)
    fingerprint = edges.machine.fingerprint(devices_wanted(selection))
    files = _files_of(git, base.commit, selection, fingerprint.hardware_key)
    baselines = load_baselines(files, hardware_key=fingerprint.hardware_key)
    noise = known_noise(files, selection.chosen, policy, fingerprint)
    asked = policy.strategy == "baseline"
    plain, told = plain_at(git, base.commit, selection, fingerprint) if asked else ({}, ())
    granted = find_permissions(
        git, selection, edges.event, base_commit=base.commit, now=edges.now()
    )
    for note in (*noise.notes, *told, *granted.notes):
        selection = selection.noting(note)
    stored = stored_jobs(baselines)
    if earlier is not None:
        refuse_another_machine(earlier.fingerprint, fingerprint)
        before = decide(earlier, baselines=stored, permissions=granted.permissions)
        if is_finished(earlier, before):
            edges.progress.note("every case of the record is decided: nothing is left to measure")
            return before, earlier
        edges.progress.note(told_before(earlier, before))
    known = replace(
        _known(stored, noise, earlier),
        permitted=granted.permissions.metrics(fingerprint.hardware_key),
    )
    edges.progress.note(_plan(selection, policy, baselines, known).told())
    record = _measured(
        git,
        edges,
        request,
        selection,
        policy,
        base=(base, base_suite),
        head=(head, head_suite),
        known=known,
    )
    if earlier is not None:
        record = joined(earlier, record)
    decision = decide(record, baselines=stored, plain=plain, permissions=granted.permissions)
    return decision, record


def _measured(
    git: Git,
    edges: Edges,
    request: GateRequest,
    selection: Selection,
    policy: GatePolicy,
    *,
    base: tuple[Tree, Suite | None],
    head: tuple[Tree, Suite],
    known: Known,
) -> Record:
    """The record of this job: of pairs, or of head alone where there is no base to launch."""
    frameworks = frameworks_of(selection)
    with contextlib.ExitStack() as stack:
        try:
            sides = stack.enter_context(
                both_sides(
                    git,
                    edges,
                    base=(base[0], base[1]),
                    head=head,
                    frameworks=frameworks,
                    prove=not all_prove_imports(selection),
                )
                if base[1] is not None and _needs_pairs(selection, policy, known)
                else head_alone(git, edges, head=head, frameworks=frameworks)
            )
        except BenchmarkError as error:
            if policy.strategy != "auto" or not known.stored or known.earlier:
                raise
            selection = selection.noting(f"no pairs, since base cannot be built: {error.problem}")
            policy = _policy(policy, "baseline")
            sides = stack.enter_context(head_alone(git, edges, head=head, frameworks=frameworks))
        return run_job(
            selection,
            policy,
            sides,
            edges,
            base=base[0],
            head=head[0],
            known=known,
            finish=request.finish,
        )


def _known(stored: Mapping[str, StoredJobs], noise: KnownNoise, earlier: Record | None) -> Known:
    known = Known(
        stored=stored,
        histories=noise.histories,
        equal_gates=noise.equal_gates,
        refused=noise.refused,
    )
    if earlier is None:
        return known
    return replace(
        known,
        histories={case.id: case.history for case in earlier.cases},
        earlier={case.id: case for case in earlier.cases},
    )


def suite_name(request: GateRequest, environ: Mapping[str, str]) -> str:
    """The suite's name as head writes it, or the default where the suite cannot be read."""
    try:
        return read_suite(open_repository(request.start, environ), request.suite).name
    except PerfgateError:
        default: str = Suite.model_fields["name"].default
        return default


def _trees(git: Git, request: GateRequest, edges: Edges) -> tuple[Tree, Tree]:
    event = edges.event
    trigger = Trigger(
        name=event.name,
        head_sha=event.head_sha,
        base_sha=event.base_sha,
        base_ref=event.base_ref,
    )
    named = request.base
    if named is None and event.name == LOCAL and request.earlier is not None:
        # No event says what base is: it is what it was. Elsewhere the event has the last word.
        named = request.earlier.base.commit if request.earlier.base is not None else None
    commit, found_by = resolve_base(git, trigger, base=named)
    return Tree(commit=commit, ref=found_by), head_tree(git)


def _same_commit(base: Tree, head: Tree) -> tuple[str, ...]:
    if base.commit != head.commit:
        return ()
    if head.dirty:
        return ("base is the commit that head's working tree stands on",)
    return ("base and head are the same commit: this compares a tree with itself",)


def _suites(git: Git, path: str, base_commit: str) -> tuple[Suite | None, Suite]:
    head = read_suite(git, path)
    at_base = git.file_at(base_commit, path)
    if at_base is None:
        return None, head
    return parse_suite(at_base, source=f"{path} at base {base_commit[:12]}"), head


def _select(
    git: Git,
    base_suite: Suite | None,
    head_suite: Suite,
    *,
    request: GateRequest,
    edges: Edges,
    base: Tree,
) -> Selection:
    changed = git.changed_paths(base.commit)
    change = Change(event=edges.event.name, labels=edges.event.labels, paths=changed)
    selection = select(base_suite, head_suite, change=change, only=request.only)
    touched = sorted(
        path for path in changed if selection.keeps(path) and not path.endswith(f"/{ACCEPTED}")
    )
    if not touched:
        return selection
    more = f" and {len(touched) - 1} more" if len(touched) > 1 else ""
    return selection.noting(
        f"this pull request changes baselines ({touched[0]}{more}), without effect here"
    )


def _policy(policy: GatePolicy, strategy: str | None) -> GatePolicy:
    if strategy is None:
        return policy
    return GatePolicy.model_validate({**policy.model_dump(), "strategy": strategy})


def _files_of(git: Git, commit: str, selection: Selection, hardware_key: str) -> dict[str, str]:
    """What the base commit keeps of this hardware: texts by path."""
    if selection.state_folder is None:
        return {}
    folder = f"{selection.state_folder.rstrip('/')}/{hardware_key}"
    paths = git.files_below(commit, folder)[:_MAX_BASELINE_FILES]
    return {path: git("show", f"{commit}:{path}") for path in paths}


def _needs_pairs(selection: Selection, policy: GatePolicy, known: Known) -> bool:
    return policy.strategy != "baseline" and any(
        one.origin is Origin.JUDGED and one.case.id not in known.refused for one in selection.chosen
    )


def _plan(
    selection: Selection, policy: GatePolicy, baselines: Mapping[str, Baseline], known: Known
) -> Plan:
    return plan(
        [
            PlannedCase(
                id=one.case.id,
                launch_s=_launch_s(baselines.get(one.case.id))
                or BACKENDS[one.case.backend].expected_launch_s(one.case),
                paired=policy.strategy != "baseline" and one.origin is Origin.JUDGED,
            )
            for one in selection.chosen
            if is_launched(one, policy, known)
        ],
        max_pairs=policy.max_pairs,
        budget_min=policy.budget_min,
    )


def _launch_s(baseline: Baseline | None) -> float | None:
    """How long a launch of the last stored job took."""
    if baseline is None:
        return None
    return median(launch.duration_s for launch in baseline.jobs[-1].launches)
