"""One decision of several parts: nothing is lost on the way, and nothing is counted anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfgate.records import CaseRecord, Decision, FleetPlan, parse_decision, to_json
from perfgate.report.comment import render_comment
from perfgate.report.conclusion import headline
from perfgate.report.sentences import next_step, told
from perfgate.report.split import split_facts
from perfgate.verdict.decide import decide
from perfgate.verdict.joining import Decided, join
from tests.factories import a_case_record
from tests.fleets import POLICY, a_plan, of_shard

SLOWER = {"base": [1000, 1001, 999, 1000], "head": [1200, 1201, 1199, 1200]}
PLAN = a_plan({"h100-1": ["wan", "flux"], "cpu-1": ["qwen"]})


def decided(plan: FleetPlan, name: str, key: str, cases: Sequence[CaseRecord] | None) -> Decided:
    record = of_shard(plan, name, cases, hardware_key=key)
    assert record.share is not None
    return Decided(share=record.share, decision=decide(record), policy=record.policy)


def joined(
    plan: FleetPlan = PLAN,
    *,
    keys: Mapping[str, str] | None = None,
    cases: Mapping[str, Sequence[CaseRecord]] | None = None,
    lost: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
) -> Decision:
    lost = lost or {}
    parts = [
        decided(
            plan,
            shard.name,
            (keys or {}).get(shard.name, "cpu-test-x2"),
            (cases or {}).get(shard.name),
        )
        for shard in plan.shards
        if shard.name not in lost
    ]
    return join(plan, parts, policy=POLICY, lost=lost, notes=notes)


def verdicts(decision: Decision) -> dict[str, str]:
    return {case.id: str(case.verdict) for case in decision.cases}


def test_all_unchanged() -> None:
    decision = joined()
    assert verdicts(decision) == {"wan": "passed", "flux": "passed", "qwen": "passed"}
    assert (decision.conclusion, decision.exit_code) == ("success", 0)
    assert decision.counts == {"passed": 3}
    assert decision.cost.launches == 27
    assert decision.hardware_key == "cpu-test-x2"
    assert [case.hardware_key for case in decision.cases] == ["", "", ""]
    assert decision.told == {"torch": "2.13.0", "runner": "test"}
    assert parse_decision(to_json(decision), source="decision.json") == decision


def test_one_part_is_slower() -> None:
    decision = joined(cases={"cpu-1": [a_case_record("qwen", **SLOWER)]})
    assert verdicts(decision)["qwen"] == "regressed"
    assert (decision.conclusion, decision.exit_code) == ("failure", 1)


def test_the_cases_of_a_lost_shard_are_missing() -> None:
    decision = joined(lost={"h100-1": "shard h100-1 left no record"})
    assert verdicts(decision) == {"wan": "missing", "flux": "missing", "qwen": "passed"}
    assert decision.cases[0].detail == "shard h100-1 left no record"
    assert (decision.conclusion, decision.exit_code) == ("failure", 7)
    assert headline(decision) == "🟠 perfgate: 2 of 3 cases are missing"
    step = next_step(decision)
    assert step is not None
    assert step.text == "see the log of, and run the jobs of those shards again."


def test_nothing_arrived() -> None:
    decision = joined(lost={"h100-1": "left no record", "cpu-1": "left no record"})
    assert set(verdicts(decision).values()) == {"missing"}
    assert decision.exit_code != 0
    assert decision.conclusion == "failure"
    assert decision.hardware_key == "unknown"


def test_a_case_that_its_shard_does_not_have_is_missing() -> None:
    decision = joined(cases={"h100-1": [a_case_record("wan")]})
    assert verdicts(decision)["flux"] == "missing"
    assert decision.cases[1].detail == "the record of shard h100-1 does not have it"


def test_several_kinds_of_machines() -> None:
    keys = {"h100-1": "nvidia-h100-80gb-hbm3-x1", "cpu-1": "cpu-test-x2"}
    decision = joined(keys=keys, cases={"h100-1": [a_case_record("wan", **SLOWER)] * 1})
    assert decision.hardware_key == "several"
    wan, flux, qwen = decision.cases
    assert (wan.hardware_key, qwen.hardware_key) == (keys["h100-1"], keys["cpu-1"])
    assert flux.hardware_key == ""
    assert told(wan).text.endswith("On nvidia-h100-80gb-hbm3-x1.")
    assert "device minutes" in render_comment(decision)
    facts = dict(split_facts(decision))
    assert facts["on cpu-test-x2"] == "1 case in 1 job"
    assert facts["on nvidia-h100-80gb-hbm3-x1"] == "1 case in 1 job"


def test_the_rate_is_told_for_the_whole_suite() -> None:
    decision = joined()
    assert decision.split is not None
    assert decision.split.plan == PLAN.digest
    assert [(part.shard, part.judged) for part in decision.split.parts] == [
        ("h100-1", 2),
        ("cpu-1", 1),
    ]
    facts = dict(split_facts(decision))
    assert facts["jobs"] == f"2 of 2 shards of plan {PLAN.digest}"
    assert facts["innocent changes blocked"] == (
        "at most 1 % over the whole suite: a job with c of the 3 cases that can block has c/3 of it"
    )
    assert "at most 1 % over the whole suite" in render_comment(decision)


def test_a_plan_of_which_no_case_can_block() -> None:
    plan = a_plan({"one": ["fresh"]}, new=["fresh"])
    decision = joined(plan)
    assert verdicts(decision) == {"fresh": "new"}
    assert decision.exit_code == 7
    facts = dict(split_facts(decision))
    assert facts["innocent changes blocked"] == "none: not one of the planned cases can block"


def test_what_every_part_notes_is_told_once() -> None:
    parts = []
    for shard in PLAN.shards:
        record = of_shard(PLAN, shard.name, notes=["base has another setup"])
        assert record.share is not None
        parts.append(Decided(share=record.share, decision=decide(record), policy=record.policy))
    decision = join(PLAN, parts, policy=POLICY, lost={}, notes=["x is refused: it is damaged"])
    assert decision.notes == ("x is refused: it is damaged", "base has another setup")


def test_an_interrupted_part_is_told() -> None:
    record = of_shard(PLAN, "cpu-1", interrupted="SIGTERM")
    assert record.share is not None
    part = Decided(share=record.share, decision=decide(record), policy=record.policy)
    found = join(PLAN, [part], policy=POLICY, lost={"h100-1": "gone"})
    assert found.interrupted == "SIGTERM"
