"""How a suite was measured in parts, as facts for who doubts the figures; decides nothing."""

from __future__ import annotations

from perfgate.records import Decision, Split
from perfgate.report.words import count


def split_facts(decision: Decision) -> list[tuple[str, str]]:
    """Names and plain texts, not escaped; none for a suite that one job measured."""
    split = decision.split
    if split is None:
        return []
    return [
        ("jobs", _jobs(split)),
        *((f"on {key}", _on(split, key)) for key in _keys(split) if len(_keys(split)) > 1),
        ("innocent changes blocked", _rate(split)),
    ]


def _keys(split: Split) -> list[str]:
    return sorted({part.hardware_key for part in split.parts})


def _jobs(split: Split) -> str:
    came = f"{len(split.parts):,} of {count(split.shards, 'shard')}"
    return f"{came} of plan {split.plan}"


def _on(split: Split, key: str) -> str:
    here = [part for part in split.parts if part.hardware_key == key]
    cases = count(sum(part.cases for part in here), "case")
    return f"{cases} in {count(len(here), 'job')}"


def _rate(split: Split) -> str:
    if not split.judged:
        return "none: not one of the planned cases can block"
    rate = f"{100.0 * split.false_block:.3g} %"
    return (
        f"at most {rate} over the whole suite: a job with c of the {count(split.judged, 'case')} "
        f"that can block has c/{split.judged} of it"
    )
