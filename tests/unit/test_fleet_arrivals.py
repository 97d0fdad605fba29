"""What the jobs of a plan left: one record a shard counts, every other is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfgate.app.fleet.arrivals import Found, read_records, sort_out
from perfgate.errors import ConfigurationError
from perfgate.records import Origin, Record, Share, Tree, to_json
from tests.factories import a_case_record, a_record
from tests.fleets import POLICY, a_plan, arrived, of_shard

PLAN = a_plan({"h100-1": ["wan", "flux"], "h100-2": ["qwen"]})
FIRST, SECOND = of_shard(PLAN, "h100-1"), of_shard(PLAN, "h100-2")


def refused(*files: Found) -> str:
    """What is told of the one file that is refused, beside the second shard's good record."""
    found = sort_out(PLAN, POLICY, [*files, arrived(SECOND)])
    assert list(found.found) == ["h100-2"]
    assert found.lost == {"h100-1": "shard h100-1 left no record"}
    (told,) = found.refused
    return told


def changed(**update: object) -> Found:
    return arrived(FIRST.model_copy(update=update), "artifact/record.json")


def test_all_arrived() -> None:
    found = sort_out(PLAN, POLICY, [arrived(SECOND), arrived(FIRST)])
    assert set(found.found) == {"h100-1", "h100-2"}
    assert not found.lost
    assert not found.refused


def test_one_is_lost() -> None:
    found = sort_out(PLAN, POLICY, [arrived(SECOND)])
    assert found.lost == {"h100-1": "shard h100-1 left no record"}


def test_of_a_shard_with_two_records_none_counts() -> None:
    found = sort_out(PLAN, POLICY, [arrived(FIRST, "a"), arrived(FIRST, "b"), arrived(SECOND)])
    assert list(found.found) == ["h100-2"]
    assert found.lost == {"h100-1": "shard h100-1 left two records, and none of them counts"}
    assert [told.split(":")[0] for told in found.refused] == ["a is refused", "b is refused"]
    assert all("has more than one record: a and b" in told for told in found.refused)


ANOTHER = a_plan({"h100-1": ["wan"], "h100-2": ["qwen", "flux"]})
LARGER = Share(plan=PLAN.digest, shard="h100-1", judged=3, of=3)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (arrived(a_record(), "artifact/record.json"), "it is of no plan"),
        (arrived(of_shard(ANOTHER, "h100-1"), "artifact/record.json"), "it is of another plan"),
        (changed(share=LARGER), "no shard h100-1 with 3 of 3 judged cases"),
        (changed(head=Tree(commit="c" * 40, ref="x")), "the plan is of another head"),
        (changed(base=Tree(commit="c" * 40, ref="x")), "the plan is of another base"),
        (changed(base=None), "it has no base"),
        (changed(policy=POLICY), "another policy than the base's"),
        (changed(cases=(a_case_record("wan"), a_case_record("wan"))), "it has a case twice"),
        (changed(cases=(a_case_record("qwen"),)), "its case qwen is not of shard h100-1"),
        (
            changed(cases=(a_case_record("wan", workload_hash="f" * 16),)),
            "its case wan computes something else",
        ),
        (changed(cases=(a_case_record("wan", origin=Origin.NEW),)), "computes something else"),
        (Found(where="artifact/record.json", problem="it is damaged: x"), "it is damaged"),
    ],
)
def test_a_record_that_is_refused(file: Found, told: str) -> None:
    said = refused(file)
    assert said.startswith("artifact/record.json is refused: ")
    assert told in said


def test_other_files_were_measured_than_planned() -> None:
    content = {"commit": PLAN.head.commit, "ref": "feature"}
    plan = a_plan({"one": ["wan"]}, head=Tree(**content, content="1" * 40))
    record = of_shard(plan, "one").model_copy(update={"head": Tree(**content, content="2" * 40)})
    (told,) = sort_out(plan, POLICY, [arrived(record)]).refused
    assert "files of the working tree are not those that were planned" in told


def test_head_alone_where_base_could_not_be_built() -> None:
    auto = POLICY.model_copy(update={"strategy": "auto"})
    plan = a_plan({"one": ["wan"]}, strategy="auto")
    record = of_shard(plan, "one")
    alone = record.model_copy(update={"policy": auto.model_copy(update={"strategy": "baseline"})})
    assert list(sort_out(plan, auto, [arrived(alone)]).found) == ["one"]
    paired = a_plan({"one": ["wan"]})
    other = of_shard(paired, "one")
    other = other.model_copy(update={"policy": POLICY.model_copy(update={"strategy": "baseline"})})
    assert not sort_out(paired, POLICY, [arrived(other)]).found


class TestFiles:
    def left(self, folder: Path, record: Record, name: str) -> None:
        (folder / name).mkdir(parents=True)
        (folder / name / "record.json").write_text(to_json(record), encoding="utf-8")

    def test_every_record_below_the_folder(self, tmp_path: Path) -> None:
        self.left(tmp_path, FIRST, "fleet one")
        self.left(tmp_path, SECOND, "fleet-two/perfgate-out")
        found = read_records(tmp_path)
        assert [one.where for one in found] == [
            "fleet one/record.json",
            "fleet-two/perfgate-out/record.json",
        ]
        assert [one.record for one in found] == [FIRST, SECOND]

    @pytest.mark.parametrize(
        "content", [b"", b"{", b'{"schema": "perfgate.decision"}', b"\xff\xfe", b"[" * 100_000]
    )
    def test_a_damaged_one_is_told(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "record.json").write_bytes(content)
        (found,) = read_records(tmp_path)
        assert found.record is None
        assert found.problem

    def test_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="there is no folder"):
            read_records(tmp_path / "nowhere")
