"""The records that the jobs of a plan left: which belong to it, and which are refused, by name.

A record is a stranger's document until it proves to be of this plan, these commits and this policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perfgate.app.fleet.share import refuse_another_tree, shared
from perfgate.app.outputs import RECORD
from perfgate.errors import ConfigurationError
from perfgate.github.problems import short
from perfgate.records import FleetPlan, GatePolicy, Record, Shard, Share, parse_record

MAX_RECORD_BYTES = 200_000_000
MOST_RECORDS = 1_000
"""A matrix makes 256 jobs at most."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One file below the folder: its text with the record in it, or why there is none."""

    where: str
    text: str = field(default="", repr=False)
    record: Record | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Came:
    """The one record of a shard, with its text as it arrived."""

    where: str
    text: str = field(repr=False)
    record: Record
    share: Share


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """What came, by shard; ``lost`` and ``refused`` say of which shard or file nothing is used."""

    found: Mapping[str, Came]
    lost: Mapping[str, str]
    refused: tuple[str, ...] = ()


def read_records(folder: Path) -> list[Found]:
    """Every ``record.json`` below a folder. Raises ConfigurationError where there is no folder."""
    if not folder.is_dir():
        raise ConfigurationError(
            f"there is no folder {folder} with the shards' results",
            fix="Name the folder that actions/download-artifact filled.",
        )
    paths = sorted(folder.rglob(RECORD))
    if len(paths) > MOST_RECORDS:
        raise ConfigurationError(
            f"{folder} holds {len(paths)} records, and at most {MOST_RECORDS} are read",
            fix="Download the artifacts of this run alone.",
        )
    return [_read(path, str(path.relative_to(folder))) for path in paths]


def _read(path: Path, where: str) -> Found:
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            return Found(where=where, problem=f"it is larger than {MAX_RECORD_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
        return Found(where=where, text=text, record=parse_record(text, source="the file"))
    except (OSError, UnicodeDecodeError) as error:
        return Found(where=where, problem=f"it cannot be read: {error}")
    except ConfigurationError as error:
        return Found(where=where, problem=f"it is damaged: {error.problem}")


def sort_out(plan: FleetPlan, policy: GatePolicy, files: Sequence[Found]) -> Arrived:
    """The one record of each shard; ``policy`` is the whole suite's. Pure.

    Of a shard with two records none counts: nobody may choose between two measurements.
    """
    by_shard: dict[str, list[Came]] = {}
    refused: dict[str, str] = {}
    for one in files:
        record, share = one.record, one.record.share if one.record else None
        why = one.problem or next(_wrong(plan, policy, record), "")
        if record is not None and share is not None and not why:
            came = Came(where=one.where, text=one.text, record=record, share=share)
            by_shard.setdefault(share.shard, []).append(came)
        else:
            refused[one.where] = short(why)
    twice = {name: group for name, group in by_shard.items() if len(group) > 1}
    for name, group in twice.items():
        names = " and ".join(short(same.where) for same in group)
        for same in group:
            refused[same.where] = f"shard {name} has more than one record: {names}"
    found = {name: group[0] for name, group in by_shard.items() if len(group) == 1}
    lost = {
        shard.name: f"shard {shard.name} left "
        + ("two records, and none of them counts" if shard.name in twice else "no record")
        for shard in plan.shards
        if shard.name not in found
    }
    told = tuple(f"{short(where)} is refused: {why}" for where, why in refused.items())
    return Arrived(found=found, lost=lost, refused=told)


def _wrong(plan: FleetPlan, policy: GatePolicy, record: Record | None) -> Iterator[str]:
    """Why a record is not of this plan, if it is not."""
    if record is None:
        return
    share = record.share
    if share is None:
        yield "it is of no plan: its job did not measure a shard"
        return
    if share.plan != plan.digest:
        yield f"it is of another plan, {share.plan}; this one is {plan.digest}"
        return
    shard = plan.shard(share.shard)
    if shard is None or share != plan.share_of(shard):
        yield f"the plan has no shard {share.shard} with {share.judged} of {share.of} judged cases"
        return
    yield from _wrong_trees(plan, record)
    rule = shared(policy, share)
    fallen_back = plan.strategy == "auto" and record.policy.strategy == "baseline"
    if fallen_back:
        rule = rule.model_copy(update={"strategy": "baseline"})
    if record.policy != rule:
        yield "it was measured by another policy than the base's"
    yield from _wrong_cases(plan, shard, record)


def _wrong_trees(plan: FleetPlan, record: Record) -> Iterator[str]:
    if record.base is None:
        yield "it has no base"
        return
    try:
        refuse_another_tree("base", plan.base, record.base)
        refuse_another_tree("head", plan.head, record.head)
    except ConfigurationError as error:
        yield error.problem


def _wrong_cases(plan: FleetPlan, shard: Shard, record: Record) -> Iterator[str]:
    ids = [case.id for case in record.cases]
    if len(set(ids)) != len(ids):
        yield "it has a case twice"
    for case in record.cases:
        if case.id not in shard.cases:
            yield f"its case {short(case.id)} is not of shard {shard.name}"
            continue
        planned = plan.by_id[case.id]
        if (case.workload_hash, case.origin) != (planned.workload_hash, planned.origin):
            yield f"its case {case.id} computes something else than planned"
