"""Joins what the shards of a plan measured: one decision, by the rules of the base commit.

The records are decided here again; what the shards' own jobs decided is not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from perfgate.app.comparison import Asked, Comparison, files_of, find_comparison
from perfgate.app.fleet.arrivals import Came, read_records, sort_out
from perfgate.app.fleet.files import read_plan
from perfgate.app.fleet.share import another, refuse_another_plan
from perfgate.app.keeping.kept_files import is_key
from perfgate.app.keeping.sglang_files import plain_at
from perfgate.app.known import KnownNoise, known_noise
from perfgate.app.permissions import find_permissions
from perfgate.app.publishing.judged_again import accuracy_of, refuse_impossible
from perfgate.baselines.store import load_baselines, stored_jobs
from perfgate.errors import ConfigurationError
from perfgate.github.event import Event
from perfgate.github.problems import short
from perfgate.records import CaseRecord, Decision, FleetPlan, Record
from perfgate.suite import Case
from perfgate.verdict.baseline import StoredJobs
from perfgate.verdict.decide import decide
from perfgate.verdict.joining import Decided, join
from perfgate.verdict.permission import Permissions
from perfgate.verdict.plain import PlainFigures


@dataclass(frozen=True, kw_only=True)
class MergeRequest:
    """Where the plan and the shards' results are; ``start`` is in the repository.

    ``suite`` is the path of the suite that the plan has to be of, None where it may be any.
    """

    start: Path
    plan: Path
    folder: Path
    suite: str | None = None


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The decision, the records that it rests on by shard, and each one's text as it arrived."""

    decision: Decision
    records: Mapping[str, Record]
    texts: Mapping[str, str]


def merge(request: MergeRequest, *, environ: Mapping[str, str], event: Event, now: str) -> Merged:
    """One decision of all records; ``now`` is an ISO time.

    A shard that did not come leaves its cases missing. Raises ConfigurationError for a plan that is
    not of this comparison or lacks a part of it, BaselineError for files of the base commit that
    cannot be trusted.
    """
    plan = read_plan(request.plan)
    if request.suite is not None and PurePosixPath(request.suite) != PurePosixPath(plan.path):
        raise another("suite", f"it was {short(plan.path)}, {request.suite} is to be decided")
    asked = Asked(
        start=request.start,
        suite=plan.path,
        strategy=plan.strategy,
        usual_base=plan.base.commit,
    )
    found = find_comparison(asked, environ=environ, event=event)
    _refuse_a_part(plan, found)
    arrived = sort_out(plan, found.policy, read_records(request.folder))
    granted = find_permissions(
        found.git, found.selection, event, base_commit=found.base.commit, now=now
    )
    judge = _Judge(found=found, permissions=granted.permissions, stored={}, files={})
    decided, unjudged = _decide(judge, arrived.found)
    came = {name: arrived.found[name] for name in decided}
    refused = [
        f"{short(arrived.found[name].where)} is refused: {why}" for name, why in unjudged.items()
    ]
    lost = {name: f"the record of shard {name} is refused: {why}" for name, why in unjudged.items()}
    return Merged(
        decision=join(
            plan,
            tuple(decided.values()),
            policy=found.policy,
            lost={**arrived.lost, **lost},
            notes=(*found.selection.notes, *granted.notes, *arrived.refused, *refused),
        ),
        records={name: one.record for name, one in came.items()},
        texts={name: one.text for name, one in came.items()},
    )


def _refuse_a_part(plan: FleetPlan, found: Comparison) -> None:
    """Raise ConfigurationError unless the plan splits this comparison, the whole of it."""
    refuse_another_plan(plan, found)
    chosen = {one.case.id for one in found.selection.chosen}
    left_out = sorted(chosen ^ {case.id for case in plan.cases})
    if left_out:
        raise another("suite", f"the two differ in {', '.join(left_out[:5])}")


def _decide(judge: _Judge, found: Mapping[str, Came]) -> tuple[dict[str, Decided], dict[str, str]]:
    """The decision about each shard's record, and why there is none about some."""
    decided: dict[str, Decided] = {}
    unjudged: dict[str, str] = {}
    for name, one in found.items():
        try:
            decision = judge.of(one.record)
        except ConfigurationError as error:
            unjudged[name] = error.problem.removeprefix("the record is refused: ")
        else:
            decided[name] = Decided(share=one.share, decision=decision, policy=one.record.policy)
    return decided, unjudged


@dataclass(frozen=True, kw_only=True)
class _Judge:
    """The base's rules, with what it keeps of each kind of machine, read once."""

    found: Comparison
    permissions: Permissions
    stored: dict[str, dict[str, StoredJobs]]
    files: dict[str, dict[str, str]]

    def of(self, record: Record) -> Decision:
        """The decision about one shard's record; ConfigurationError for one not to be judged."""
        key = record.fingerprint.hardware_key
        if not is_key(key):
            raise ConfigurationError(
                f"{key[:60]!r} is no hardware key", fix="Measure the shard again."
            )
        refuse_impossible(record)
        self._read(key)
        try:
            return decide(
                self._by_the_base(record),
                baselines=self.stored[key],
                plain=self._plain(record),
                permissions=self.permissions,
            )
        except (ArithmeticError, ValueError) as error:
            raise ConfigurationError(
                f"its numbers cannot be judged ({type(error).__name__})",
                fix="Measure the shard again.",
            ) from error

    def _plain(self, record: Record) -> Mapping[str, PlainFigures]:
        found = self.found
        # Not where the job fell back to it: of auto, a tolerance decides nothing.
        if found.policy.strategy != "baseline":
            return {}
        return plain_at(found.git, found.base.commit, found.selection, record.fingerprint)[0]

    def _by_the_base(self, record: Record) -> Record:
        """The record with what is not measured taken from the base."""
        measured = {case.id for case in record.cases}
        chosen = [one for one in self.found.selection.chosen if one.case.id in measured]
        files = self.files[record.fingerprint.hardware_key]
        noise = known_noise(files, chosen, self.found.policy, record.fingerprint)
        cases = {one.case.id: one.case for one in chosen}
        return record.model_copy(
            update={"cases": tuple(_judged(one, cases[one.id], noise) for one in record.cases)}
        )

    def _read(self, key: str) -> None:
        if key not in self.files:
            found = self.found
            self.files[key] = files_of(found.git, found.base.commit, found.selection, key)
            self.stored[key] = stored_jobs(load_baselines(self.files[key], hardware_key=key))


def _judged(found: CaseRecord, case: Case, noise: KnownNoise) -> CaseRecord:
    """A case as the base has it; only launches, and how they came about, are the record's."""
    return found.model_copy(
        update={
            "workload": case.workload(),
            "allow": case.allow.reasons(),
            "accuracy": accuracy_of(found, case),
            "history": noise.histories.get(case.id, ()),
            "equal_gates": noise.equal_gates.get(case.id),
            "refused": noise.refused.get(case.id),
        }
    )
