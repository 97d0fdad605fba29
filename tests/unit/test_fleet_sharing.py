"""Parts of a suite: together they block innocent changes no more often than the whole would."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from perfgate.app.fleet.share import find_shard, shared
from perfgate.errors import ConfigurationError
from perfgate.records import Share, parse_plan, parse_record, to_json
from perfgate.verdict.decide import decide
from perfgate.verdict.hierarchy import hierarchy_of
from tests.factories import a_case_record, a_record
from tests.fleets import POLICY, a_plan, of_shard

SIZES = st.lists(st.integers(min_value=1, max_value=6), min_size=1, max_size=6)


def split(sizes: list[int]) -> dict[str, list[str]]:
    return {
        f"part-{number}": [f"case_{number}_{index}" for index in range(size)]
        for number, size in enumerate(sizes)
    }


@given(sizes=SIZES)
def test_a_case_has_the_threshold_that_it_has_in_the_whole_suite(sizes: list[int]) -> None:
    plan = a_plan(split(sizes))
    whole = hierarchy_of(a_record([a_case_record(case.id) for case in plan.cases]))
    parts = [hierarchy_of(of_shard(plan, shard.name)) for shard in plan.shards]
    for part in parts:
        assert part.primary_level == pytest.approx(whole.primary_level)
    spent = sum(part.secondary_level * part.secondaries for part in parts)
    assert spent == pytest.approx(whole.secondary_level * whole.secondaries)


def test_new_cases_take_nothing_of_the_rate() -> None:
    plan = a_plan({"one": ["a", "fresh"], "two": ["b"], "three": ["also_fresh"]}, new=["fresh"])
    plan = a_plan(
        {"one": ["a", "fresh"], "two": ["b"], "three": ["also_fresh"]},
        new=["fresh", "also_fresh"],
    )
    shares = [plan.share_of(shard) for shard in plan.shards]
    assert [(one.judged, one.of) for one in shares] == [(1, 2), (1, 2), (0, 2)]
    assert [shared(POLICY, one).false_block for one in shares] == [0.005, 0.005, 0.0]
    decision = decide(of_shard(plan, "three"))
    assert [str(case.verdict) for case in decision.cases] == ["new"]
    assert "none of its cases can block" in decision.notes[-1]


def test_a_job_that_measured_everything_keeps_its_policy() -> None:
    assert shared(POLICY, None) is POLICY
    assert decide(a_record()).notes == ()


def test_a_shards_decision_tells_its_rate() -> None:
    plan = a_plan({"one": ["a"], "two": ["b", "c"]})
    (note,) = decide(of_shard(plan, "two")).notes
    assert "judges 2 of 3 cases" in note
    assert "2/3 of the whole suite's rate: 0.667 %" in note


def test_a_record_keeps_its_share() -> None:
    record = of_shard(a_plan({"one": ["a"]}), "one")
    assert parse_record(to_json(record), source="a file") == record


def test_a_record_from_before_there_were_plans_has_none() -> None:
    text = to_json(a_record()).replace(' "share": null\n', ' "notes": []\n')
    assert '"share"' not in text
    assert parse_record(text, source="a file").share is None


def test_a_plan_is_read_as_it_was_written() -> None:
    plan = a_plan({"one": ["a"], "two": ["b"]})
    again = parse_plan(to_json(plan), source="plan.json")
    assert again == plan
    assert again.digest == plan.digest


@pytest.mark.parametrize(
    "shards",
    [
        {"one": ["a"], "two": ["a"]},  # measured twice
        {"one": []},  # an empty job
    ],
)
def test_a_plan_that_is_none(shards: dict[str, list[str]]) -> None:
    with pytest.raises(ValidationError):
        a_plan(shards)


def test_a_plan_that_leaves_a_case_out_is_damaged() -> None:
    plan = a_plan({"one": ["a", "b"]})
    text = to_json(plan).replace('    "a",\n    "b"', '    "a"')
    with pytest.raises(ConfigurationError, match="exactly one shard"):
        parse_plan(text, source="plan.json")


def test_the_digest_is_of_what_is_split_and_how() -> None:
    digests = {
        a_plan({"one": ["a"], "two": ["b"]}).digest,
        a_plan({"one": ["a", "b"]}).digest,
        a_plan({"one": ["a"], "two": ["b"]}, suite="another").digest,
        a_plan({"one": ["a"], "two": ["b"]}, false_block=0.02).digest,
        a_plan({"one": ["a"], "two": ["b"]}, new=["b"]).digest,
    }
    assert len(digests) == 5


def test_no_shard_of_that_name() -> None:
    plan = a_plan({f"h100-{number}": [f"case_{number}"] for number in range(12)})
    with pytest.raises(ConfigurationError, match="no shard 'h100-12'") as caught:
        find_shard(plan, "h100-12")
    assert caught.value.fix == (
        f"It has: {', '.join(f'h100-{number}' for number in range(10))} and 2 more."
    )


def test_a_share_is_a_part() -> None:
    with pytest.raises(ValidationError, match="more cases than its plan"):
        Share(plan="0" * 16, shard="one", judged=3, of=2)
