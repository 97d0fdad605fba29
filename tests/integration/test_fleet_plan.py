"""How long shards take: known from the base commit's baselines, or told to be unknown."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from perfgate.app.comparison import Asked
from perfgate.app.fleet.plan import Runners, plan_fleet
from perfgate.baselines.entry import add_job
from perfgate.baselines.native import render_baseline
from perfgate.errors import BaselineError, BenchmarkError
from perfgate.github.event import read_event
from perfgate.records import FleetPlan
from perfgate.report.fleet import render_plan
from perfgate.suite import parse_suite
from tests.factories import a_case_record, a_launch, a_record
from tests.repositories import Repository, environment

HEAD = "version: 1\nbaselines: kept figures/\ngate: {strategy: paired, budget: 60m}\ncases:\n"
H100, OTHER = "nvidia-h100-80gb-hbm3-x1", "cpu-test-x2"


def suite(*cases: str, more: str = "") -> str:
    lines = "".join(
        f"  - {{id: {case}, backend: command, command: bench {case}{more}}}\n" for case in cases
    )
    return HEAD + lines


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "my project")


def keep(repository: Repository, text: str, case: str, launch_s: float, *, key: str = H100) -> None:
    """Commit nothing yet: a baseline of the case whose launches took so long."""
    hashes = {one.id: one.workload_hash() for one in parse_suite(text, source="perfgate.yml").cases}
    launches = [a_launch(duration_s=launch_s) for _ in range(3)]
    measured = a_case_record(case, base=(), head=launches, workload_hash=hashes[case])
    job = add_job(None, a_record([measured], hardware_key=key), case)
    repository.file(f"kept figures/{key}/{case}.json", render_baseline(job))


def planned(repository: Repository, runners: Runners | None = None) -> FleetPlan:
    return plan_fleet(
        Asked(start=repository.path, suite="perfgate.yml", base="HEAD~1"),
        runners or Runners(usual=2),
        environ=environment(),
        event=read_event({}, lambda path: path),
    )


def test_lengths_are_those_of_the_baselines(repository: Repository) -> None:
    text = suite("long", "short", "brief")
    for case, seconds in {"long": 60.0, "short": 30.0, "brief": 30.0}.items():
        keep(repository, text, case, seconds)
    repository.commit("start", perfgate_yml=text)
    repository.commit("change")
    plan = planned(repository)
    assert [shard.cases for shard in plan.shards] == [("long",), ("short", "brief")]
    # A burn-in and four pairs of each.
    assert [shard.seconds for shard in plan.shards] == [540.0, 540.0]
    assert (plan.longest_s, plan.bound_s) == (540.0, 540.0)
    assert {case.known_from for case in plan.cases} == {H100}
    assert plan.notes == ()


def test_of_several_kinds_of_machines_the_slowest_counts(repository: Repository) -> None:
    text = suite("wan")
    keep(repository, text, "wan", 20.0, key=OTHER)
    keep(repository, text, "wan", 40.0)
    repository.commit("start", perfgate_yml=text)
    repository.commit("change")
    (case,) = planned(repository).cases
    assert (case.launch_s, case.known_from) == (40.0, H100)


def test_a_baseline_of_other_work_tells_nothing(repository: Repository) -> None:
    keep(repository, suite("wan"), "wan", 20.0)
    repository.commit("start", perfgate_yml=suite("wan", more=" --steps 50"))
    repository.commit("change")
    plan = planned(repository)
    (case,) = plan.cases
    assert (case.launch_s, case.known_from, case.expected_s) == (None, "", None)
    # Until the budget ends it, whatever its timeouts allow.
    assert plan.shards[0].seconds == plan.budget_s
    (note,) = plan.notes
    assert note.startswith("no baseline tells how long a launch takes of wan: each counts as long")
    assert note.endswith("as its timeouts and the budget of 60 min allow")


def test_what_is_unknown_is_put_apart_from_what_is_known(repository: Repository) -> None:
    text = suite("known", "also_known", "unknown")
    for case in ("known", "also_known"):
        keep(repository, text, case, 10.0)
    repository.commit("start", perfgate_yml=text)
    repository.commit("change")
    assert [shard.cases for shard in planned(repository).shards] == [
        ("known", "also_known"),
        ("unknown",),
    ]


def test_only_base_tells(repository: Repository) -> None:
    """A pull request cannot make a case look short."""
    text = suite("wan")
    keep(repository, text, "wan", 40.0)
    repository.commit("start", perfgate_yml=text)
    keep(repository, text, "wan", 1.0)
    repository.commit("change")
    plan = planned(repository)
    assert plan.cases[0].launch_s == 40.0
    assert "changes baselines" in plan.notes[0]


def test_a_new_case_and_one_that_computes_something_else(repository: Repository) -> None:
    repository.commit("start", perfgate_yml=suite("wan", "flux"))
    changed = suite("wan", "flux", "fresh").replace("bench flux", "bench flux --steps 50")
    repository.commit("change", perfgate_yml=changed)
    plan = planned(repository)
    told = {case.id: (str(case.origin), case.launches, case.most_launches) for case in plan.cases}
    assert told == {
        "wan": ("judged", 9, 25),
        "flux": ("workload changed", 0, 0),
        "fresh": ("new", 4, 4),
    }
    assert plan.judged == {"wan"}
    assert plan.by_id["flux"].expected_s == 0.0


def test_the_builtin_presets_guess_is_told_as_such(repository: Repository) -> None:
    text = HEAD + "  - {id: wan, backend: builtin, preset: wan-tiny}\n"
    repository.commit("start", perfgate_yml=text)
    repository.commit("change")
    (case,) = planned(repository).cases
    assert case.launch_s is not None
    assert case.known_from == "the preset"


def test_shards_that_do_not_fit_their_budget_are_told(repository: Repository) -> None:
    text = suite("wan", "flux")
    for case in ("wan", "flux"):
        keep(repository, text, case, 300.0)
    repository.commit("start", perfgate_yml=text)
    repository.commit("change")
    (note,) = planned(repository, Runners(usual=1)).notes
    assert note.startswith("1 of 1 shards take longer than the budget of 60 min (ubuntu-latest-1: ")
    assert note.count("would stay undecided") == 1
    assert planned(repository).notes == ()


def test_shards_of_unknown_length_may_fit_their_budget(repository: Repository) -> None:
    repository.commit("start", perfgate_yml=suite("wan", "flux"))
    repository.commit("change")
    note = planned(repository, Runners(usual=1)).notes[-1]
    assert note.startswith("1 of 1 shards may take longer than the budget of 60 min")
    assert "could stay undecided" in note


def test_cases_for_different_numbers_of_devices(repository: Repository) -> None:
    """The hardware key has the number of devices that a job leased."""
    several = suite("wan") + suite("flux", more=", devices: 4").removeprefix(HEAD)
    repository.commit("start", perfgate_yml=several)
    repository.commit("change")
    note = planned(repository, Runners(usual=1)).notes[-1]
    assert note.startswith("cases of ubuntu-latest-1 take different numbers of devices")
    assert not any("numbers of devices" in one for one in planned(repository).notes)


def test_no_more_is_expected_than_there_can_be(repository: Repository) -> None:
    text = suite("wan", "flux")
    for case in ("wan", "flux"):
        keep(repository, text, case, 300.0)
    repository.commit("start", perfgate_yml=text)
    repository.commit("change")
    shown = io.StringIO()
    plan = planned(repository, Runners(usual=1))
    render_plan(plan, Console(file=shown, width=200), cost=True)
    told = shown.getvalue()
    assert "Device minutes: 60.0 expected, 60.0 at most (gate.budget: 60 min a job)." in told


def test_a_baseline_that_cannot_be_trusted(repository: Repository) -> None:
    text = suite("wan")
    keep(repository, text, "wan", 40.0)
    path = repository.path / "kept figures" / H100 / "wan.json"
    path.write_text("{", encoding="utf-8")
    repository.commit("start", perfgate_yml=text)
    repository.commit("change")
    with pytest.raises(BaselineError, match="is not valid JSON"):
        planned(repository)


def test_no_case_is_selected(repository: Repository) -> None:
    text = suite("wan", more=", when: {paths: [src/**]}")
    repository.commit("start", perfgate_yml=text)
    repository.commit("change")
    with pytest.raises(BenchmarkError, match="nothing was measured"):
        planned(repository)


def test_names_of_shards(repository: Repository) -> None:
    labels = ["[H100]", "[h100]", "['扩散']", "[self-hosted, 'linux/x64']"]
    lines = "".join(
        f"  - {{id: case_{number}, backend: command, command: 'true', runs_on: {one}}}\n"
        for number, one in enumerate(labels)
    )
    repository.commit("start", perfgate_yml=HEAD + lines)
    repository.commit("change")
    names = [shard.name for shard in planned(repository).shards]
    assert names == ["h100-1", "h100.2-1", "runner-1", "self-hosted-linux-x64-1"]


def test_no_two_shards_of_one_name(repository: Repository) -> None:
    lines = "".join(
        f"  - {{id: case_{number}, backend: command, command: 'true', runs_on: [{one}]}}\n"
        for number, one in enumerate(["h100", "H100", "h100.2"])
    )
    repository.commit("start", perfgate_yml=HEAD + lines)
    repository.commit("change")
    names = [shard.name for shard in planned(repository).shards]
    assert names == ["h100-1", "h100.2-1", "h100.2.2-1"]
