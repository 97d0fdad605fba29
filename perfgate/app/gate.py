"""The gate: suite → launches → record → decision → files, for one job on one machine."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from perfgate.app.comparison import Asked, files_of, find_comparison, policy_with
from perfgate.app.fleet.share import find_shard, refuse_another_plan, shared
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
from perfgate.app.measuring.selection import Selection
from perfgate.app.measuring.trees import both_sides, head_alone, read_suite
from perfgate.app.permissions import find_permissions
from perfgate.backends.registry import BACKENDS
from perfgate.baselines.native import Baseline
from perfgate.baselines.store import load_baselines, stored_jobs
from perfgate.errors import BenchmarkError, PerfgateError
from perfgate.records import Decision, FleetPlan, GatePolicy, Origin, Record, Share, Tree
from perfgate.sides.git import Git, open_repository
from perfgate.suite import Suite
from perfgate.verdict.baseline import StoredJobs
from perfgate.verdict.decide import decide


@dataclass(frozen=True, kw_only=True)
class GateRequest:
    """What a person or a workflow asks for; everything else is in the suite.

    ``suite`` is a path below the repository; ``strategy`` overrides the suite's; ``earlier`` is the
    record to go on from, which says itself which cases and which strategy. ``plan`` and ``share``
    are the plan that this job measures a part of, and which one.
    """

    start: Path
    suite: str
    base: str | None = None
    strategy: str | None = None
    only: tuple[str, ...] = ()
    finish: bool = False
    earlier: Record | None = None
    plan: FleetPlan | None = None
    share: Share | None = None

    def asked(self) -> Asked:
        """Which comparison that is."""
        began = self.plan or self.earlier
        base = began.base if began is not None else None
        return Asked(
            start=self.start,
            suite=self.suite,
            base=self.base,
            strategy=self.strategy,
            only=self.only,
            usual_base=base.commit if base is not None else None,
        )


def going_on(request: GateRequest, earlier: Record) -> GateRequest:
    """The same request, to go on from ``earlier``."""
    return replace(
        request,
        strategy=earlier.policy.strategy,
        only=tuple(case.id for case in earlier.cases),
        earlier=earlier,
        share=earlier.share,
    )


def of_shard(request: GateRequest, plan: FleetPlan, name: str) -> GateRequest:
    """The same request for one shard of a plan; ConfigurationError for one that it has not."""
    shard = find_shard(plan, name)
    return replace(
        request,
        suite=plan.path,
        strategy=plan.strategy,
        only=shard.cases,
        plan=plan,
        share=plan.share_of(shard),
    )


def gate(request: GateRequest, edges: Edges) -> tuple[Decision, Record]:
    """Measure base and head, and decide; returns the decision and the record that it rests on.

    Raises PerfgateError when nothing could be measured at all; an interrupted job is decided from
    what it measured. With a record to go on from, what is decided there stays, undecided cases get
    their next pairs, and the budget counts what is launched now.
    """
    found = find_comparison(request.asked(), environ=edges.environ, event=edges.event)
    git, base, head, selection = found.git, found.base, found.head, found.selection
    policy, earlier = shared(found.policy, request.share), request.earlier
    if request.plan is not None:
        refuse_another_plan(request.plan, found)
    if earlier is not None:
        refuse_another_comparison(earlier, base=base, head=head, selection=selection, policy=policy)
    check_cases(selection)
    fingerprint = edges.machine.fingerprint(devices_wanted(selection))
    files = files_of(git, base.commit, selection, fingerprint.hardware_key)
    baselines = load_baselines(files, hardware_key=fingerprint.hardware_key)
    noise = known_noise(files, selection.chosen, found.policy, fingerprint)
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
        base=(base, found.base_suite),
        head=(head, found.head_suite),
        known=known,
    )
    record = record.model_copy(update={"share": request.share})
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
            policy = policy_with(policy, "baseline")
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
