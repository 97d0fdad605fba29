"""What ``merge`` makes of records that jobs left, in a real repository: nothing is measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from perfgate.app.comparison import Asked
from perfgate.app.fleet.files import write_plan
from perfgate.app.fleet.merge import Merged, MergeRequest, merge
from perfgate.app.fleet.plan import Runners, plan_fleet
from perfgate.app.fleet.share import shared
from perfgate.files import write_atomically
from perfgate.github.event import read_event
from perfgate.records import CaseRecord, FleetPlan, GatePolicy, Record, to_json
from tests.factories import WHEN, a_case_record, a_record
from tests.repositories import Repository, environment, perfgate
from tests.sglang_project import FILE
from tests.sglang_project import SUITE as SGLANG_SUITE

SUITE = """\
version: 1
gate: {strategy: paired}
cases:
  - {id: wan, backend: command, command: python3 wan.py}
  - {id: flux, backend: command, command: python3 flux.py}
  - {id: of_docs, backend: command, command: python3 docs.py, when: {paths: [docs/**]}}
"""
LOCAL = read_event({}, lambda path: path)


def a_repository(path: Path, suite: str = SUITE) -> Repository:
    project = Repository(path / "my project")
    project.file("ci/perf.json", FILE)
    project.commit("start", perfgate_yml=suite)
    project.commit("change")
    return project


def planned(project: Repository) -> FleetPlan:
    """The plan of one shard, written where merge looks for it."""
    asked = Asked(start=project.path, suite="perfgate.yml", base="HEAD~1")
    plan = plan_fleet(asked, Runners(usual=1), environ=environment(), event=LOCAL)
    write_plan(project.path / "perfgate-out", plan)
    return plan


def left(
    plan: FleetPlan,
    folder: Path,
    *,
    cases: Sequence[CaseRecord] | None = None,
    interrupted: str | None = None,
    **policy: str,
) -> Record:
    """What the job of the only shard left in ``folder``; every case unchanged unless given."""
    (shard,) = plan.shards
    hashes = {case.id: case.workload_hash for case in plan.cases}
    measured = [a_case_record(case) for case in shard.cases] if cases is None else cases
    found = [one.model_copy(update={"workload_hash": hashes[one.id]}) for one in measured]
    record = a_record(found, base=plan.base, head=plan.head, interrupted=interrupted)
    share = plan.share_of(shard)
    rule = GatePolicy(**{"strategy": plan.strategy, **policy})
    record = record.model_copy(update={"share": share, "policy": shared(rule, share)})
    write_atomically(folder / shard.name / "record.json", to_json(record))
    return record


def merged(project: Repository, folder: Path) -> Merged:
    folder.mkdir(exist_ok=True)
    request = MergeRequest(
        start=project.path, plan=project.path / "perfgate-out" / "plan.json", folder=folder
    )
    return merge(request, environ=environment(), event=LOCAL, now=WHEN)


@pytest.mark.parametrize("lost", [False, True])
def test_what_was_not_selected_is_told(tmp_path: Path, lost: bool) -> None:
    """No shard knows of it: each is asked for its own cases."""
    project = a_repository(tmp_path)
    plan = planned(project)
    if not lost:
        left(plan, tmp_path / "shards")
    decision = merged(project, tmp_path / "shards").decision
    assert [case.id for case in decision.cases] == ["wan", "flux"]
    assert decision.notes[0] == "not selected: of_docs: no change in docs/**"


def test_what_head_changes_of_its_own_gate_is_told_whatever_a_record_says(tmp_path: Path) -> None:
    project = a_repository(tmp_path)
    project.commit("lax", perfgate_yml=SUITE.replace("paired}", "paired, margin: 90%}"))
    left(planned(project), tmp_path / "shards")
    decision = merged(project, tmp_path / "shards").decision
    assert "changes its own gate, without effect here: gate.margin" in decision.notes[0]


def test_a_tolerance_passes_no_case_of_auto(tmp_path: Path) -> None:
    """A job that could not build base measured head alone; a plain file is asked for by hand."""
    project = a_repository(tmp_path, SGLANG_SUITE)
    plan = planned(project)
    assert plan.strategy == "auto"
    alone = [a_case_record(case, base=(), head=[900, 901, 899]) for case in ("wan", "flux")]
    left(plan, tmp_path / "shards", cases=alone, strategy="baseline")
    decision = merged(project, tmp_path / "shards").decision
    assert [str(case.verdict) for case in decision.cases] == ["new", "new"]
    assert decision.exit_code == 7


def run(project: Repository, *arguments: str) -> tuple[int, str]:
    done = perfgate(project.path, "merge", *arguments)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["SIGTERM", "a signal of another kind of machine"])
def test_a_shard_that_was_stopped_leaves_no_green_job(tmp_path: Path, name: str) -> None:
    """As the job of a whole suite that was stopped, whatever was decided until then."""
    project = a_repository(tmp_path)
    cases = [a_case_record("wan"), a_case_record("flux", base=(), head=())]
    left(planned(project), tmp_path / "shards", cases=cases, interrupted=name)
    code, told = run(project, str(tmp_path / "shards"))
    assert code == 128 + 15
    assert f"Interrupted: {name}" in told


def test_the_plan_of_another_suite(tmp_path: Path) -> None:
    """Two calls of the workflow without keys of their own: one plan takes the other's place."""
    project = a_repository(tmp_path)
    left(planned(project), tmp_path / "shards")
    code, told = run(project, str(tmp_path / "shards"), "--suite", "nightly.yml")
    assert code == 2
    assert "the plan is of another suite: it was perfgate.yml, nightly.yml is to be" in told
    code, _ = run(project, str(tmp_path / "shards"), "--suite", "./perfgate.yml")
    assert code == 0


@pytest.mark.parametrize("folder", ["perfgate-out", "."])
def test_records_that_would_be_written_over(tmp_path: Path, folder: str) -> None:
    project = a_repository(tmp_path)
    record = left(planned(project), tmp_path / "elsewhere")
    kept = project.path / "perfgate-out" / "record.json"
    write_atomically(kept, to_json(record))
    code, told = run(project, folder)
    assert code == 2
    assert "--output-dir" in told
    assert kept.read_text(encoding="utf-8") == to_json(record)
