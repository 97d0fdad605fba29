"""Looks at what changed in one of perfgate's own baseline files since another version; no effect.

What a launch measured never changes, jobs come and go as a whole, the first figure stays what it
was, and what got slower beyond its margin has a permission.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from perfgate.baselines.audit import Entry, Finding, is_figure, names
from perfgate.baselines.audit_native import entry_of, parsed
from perfgate.baselines.change import beyond
from perfgate.baselines.entry import MOST_JOBS
from perfgate.baselines.margins import Margins
from perfgate.baselines.native import Baseline, Job, Milestone, derive_jobs
from perfgate.baselines.places import Document
from perfgate.baselines.spans import JsonPath
from perfgate.records import GatePolicy
from perfgate.verdict.acceptance import Acceptance
from perfgate.verdict.wording import count, percent

_MOST_EDITS = 20
"""Edited figures that are told of one file; beyond them it was not edited but replaced."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What may get slower: by how much anyway, and what by permission, on this day."""

    policy: GatePolicy
    accepted: tuple[Acceptance, ...]
    today: date


@dataclass(frozen=True, kw_only=True)
class Loosened:
    """A metric that got slower beyond its margin, and why it is not permitted."""

    metric: str
    old: float
    new: float
    why: str

    def told(self) -> str:
        """In words."""
        return (
            f"looser, {self.old:g} → {self.new:g} ({percent(self.new / self.old - 1)}): {self.why}"
        )


def audit_native_changes(new: Document, old: Document, terms: Terms) -> list[Finding]:
    """What changed from ``old`` to ``new`` that is no update by new launches."""
    after, before = parsed(new), parsed(old)
    if after is None or before is None:
        return []
    entry = entry_of(new)
    if after.hardware_key != before.hardware_key:
        return [entry.finding("error", ("hardware_key",), "these launches ran on another machine")]
    if after.case != before.case:
        return [entry.finding("error", ("case",), f"these launches are of {before.case}")]
    if after.workload_hash != before.workload_hash:
        return [*_another_workload(entry, after, before)]
    edits = [
        *_edited_jobs(entry, new.value, old.value),
        *([*_relabelled(entry, after, before)] or _left_out(entry, after, before)),
        *_other_machine(entry, after, before),
        *_other_work(entry, after, before),
    ]
    # Of launches that were edited nobody asks whether they are slower.
    looser = [] if edits else [*_looser(entry, after, before, terms)]
    return [*edits, *_remembered(entry, after, before), *looser]


def _another_workload(entry: Entry, after: Baseline, before: Baseline) -> Iterator[Finding]:
    path = ("workload_hash",)
    kept = _identities(after) & _identities(before)
    if kept:
        yield entry.finding(
            "error",
            path,
            f"{count(len(kept), 'job')} of another workload stayed: nothing measured them for this",
            stored=after.workload_hash,
        )
    else:
        yield entry.finding(
            "warning", path, "another workload: the entry starts over", stored=after.workload_hash
        )


def _identity(job: Job) -> tuple[str, str, str]:
    return (job.date, job.commit, job.job)


def _identities(baseline: Baseline) -> set[tuple[str, str, str]]:
    return {_identity(job) for job in baseline.jobs}


def _edited_jobs(entry: Entry, after: Any, before: Any) -> Iterator[Finding]:  # noqa: ANN401 - JSON
    """Launches of one job that say something else than they did."""
    known = {_of_json(job): job for job in before["jobs"]}
    edits = [
        found
        for index, job in enumerate(after["jobs"])
        if _of_json(job) in known
        for found in _differences(job, known[_of_json(job)], ("jobs", index))
    ]
    for path, new, old in edits[:_MOST_EDITS]:
        told = "what a launch measured does not change: undo the edit"
        if is_figure(new) and is_figure(old):
            way = "raised" if new > old else "lowered"
            told = f"{way} by hand from {old} to {new}: {told}"
        derived = old if is_figure(old) else None
        yield entry.finding("error", path, told, stored=_leaf(new), derived=derived)
    if len(edits) > _MOST_EDITS:
        more = f"{len(edits) - _MOST_EDITS} more values of these launches are others than before"
        yield entry.finding("error", ("jobs",), more)


def _of_json(job: Mapping[str, Any]) -> tuple[object, ...]:
    return (job.get("date"), job.get("commit"), job.get("job", ""))


def _differences(new: Any, old: Any, path: JsonPath) -> Iterator[tuple[JsonPath, Any, Any]]:  # noqa: ANN401 - JSON
    """Every value that is another one, by its place in the new version."""
    if isinstance(new, dict) and isinstance(old, dict):
        for key in {**old, **new}:
            yield from _differences(new.get(key), old.get(key), (*path, key))
    elif isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        for index, (one, other) in enumerate(zip(new, old, strict=True)):
            yield from _differences(one, other, (*path, index))
    elif new != old:
        yield path, new, old


def _leaf(value: object) -> object:
    return None if isinstance(value, dict | list) else value


def _left_out(entry: Entry, after: Baseline, before: Baseline) -> Iterator[Finding]:
    """Jobs that somebody picked: an update keeps all of them but the oldest, or none."""
    kept = [job for job in before.jobs if _identity(job) in _identities(after)]
    gone = len(before.jobs) - len(kept)
    oldest = kept == list(before.jobs[gone:]) and len(after.jobs) == MOST_JOBS
    if kept and gone and not oldest:
        yield entry.finding(
            "error", ("jobs",), f"{count(gone, 'job')} of {len(before.jobs)} was taken out by hand"
        )


def _relabelled(entry: Entry, after: Baseline, before: Baseline) -> Iterator[Finding]:
    """Launches that are there as they were, in a job of another name."""
    if len(after.jobs) == MOST_JOBS:
        return  # The oldest may have gone, and made-up launches can be alike.
    gone = [
        launch
        for job in before.jobs
        if _identity(job) not in _identities(after)
        for launch in job.launches
    ]
    for index, job in enumerate(after.jobs):
        is_new = _identity(job) not in _identities(before)
        if is_new and any(launch in gone for launch in job.launches):
            yield entry.finding(
                "error",
                ("jobs", index),
                "these launches were there before with another date, commit or job: undo the edit",
            )


def _other_work(entry: Entry, after: Baseline, before: Baseline) -> Iterator[Finding]:
    """What the launches were and computed, where the newest of them are the same."""
    if _identity(after.jobs[-1]) != _identity(before.jobs[-1]):
        return
    for name in ("workload", "produced", "protocol"):
        if getattr(after, name) != getattr(before, name):
            told = "changed without new launches: an output that differs would go unseen"
            if name != "produced":
                told = "changed without new launches"
            yield entry.finding("error", (name,), told)


def _other_machine(entry: Entry, after: Baseline, before: Baseline) -> Iterator[Finding]:
    if after.must_match != before.must_match and _identities(after) & _identities(before):
        yield entry.finding(
            "error", ("must_match",), "launches that stayed were measured on other software"
        )


def _remembered(entry: Entry, after: Baseline, before: Baseline) -> Iterator[Finding]:
    """First figures that moved, and best ones that were raised or forgotten."""
    for name, first in before.first.items():
        yield from _moved(entry, ("first", name), after.first.get(name), first)
    for name, best in before.best.items():
        now = after.best.get(name)
        # A lower one makes the creep look larger, which fools nobody.
        if now is None or now.value >= best.value:
            yield from _moved(entry, ("best", name), now, best)


def _moved(
    entry: Entry, path: JsonPath, now: Milestone | None, then: Milestone
) -> Iterator[Finding]:
    if now is None:
        yield entry.finding("error", path, "this figure is not remembered any more")
    elif now.value != then.value:
        yield entry.finding(
            "error",
            (*path, "value"),
            f"changed from {then.value} to {now.value}, which no update does",
            stored=now.value,
            derived=then.value,
        )
    elif now != then:
        yield entry.finding("error", path, "it has another commit or date, which no update gives")


def _looser(entry: Entry, after: Baseline, before: Baseline, terms: Terms) -> Iterator[Finding]:
    old, new = values_of(before), values_of(after)
    looser = loosened(old, new, of=after, terms=terms)
    for one in looser:
        path = ("derived", "metrics", one.metric, "value")
        yield entry.finding("error", path, one.told(), stored=one.new, derived=one.old)
    margins = Margins.of_machine(after.hardware_key, terms.policy)
    tighter = [
        name
        for name, value in new.items()
        if name in old and _is_beyond(margins, name, value, old[name], old)
    ]
    if looser and tighter:
        which = names([one.metric for one in looser])
        yield entry.finding(
            "warning",
            ("derived", "metrics"),
            f"{count(len(looser), 'metric')} got looser among {len(tighter)} that got tighter: "
            f"{which}",
        )


def values_of(baseline: Baseline) -> dict[str, float]:
    """The figure of every metric as the launches give it, whatever stands above them."""
    metrics = derive_jobs(baseline.jobs).metrics
    return {name: figure.value for name, figure in metrics.items() if figure.value > 0.0}


def loosened(
    old: Mapping[str, float], new: Mapping[str, float], *, of: Baseline, terms: Terms
) -> list[Loosened]:
    """The metrics of an entry that got slower beyond their margins without a permission."""
    margins = Margins.of_machine(of.hardware_key, terms.policy)
    return [
        Loosened(metric=name, old=old[name], new=value, why=why)
        for name, value in new.items()
        if name in old
        and _is_beyond(margins, name, old[name], value, old)
        and (why := _why_not(terms, (of.hardware_key, of.case, name), value))
    ]


def _is_beyond(
    margins: Margins, name: str, less: float, more: float, entry: Mapping[str, float]
) -> bool:
    margin = margins.of(name, entry)
    return margin is not None and beyond(less, more, margin=margin, unit=margins.unit(name))


def _why_not(terms: Terms, key: tuple[str, str, str], value: float) -> str:
    """Why no acceptance permits the figure; empty where one does."""
    held = _held(terms.accepted, key)
    if held is None:
        return "there is no acceptance"
    if held.days_left(terms.today) < 0:
        return f"its acceptance ended on {held.expires}"
    if held.ratio(value) > held.ceiling:
        return f"its acceptance ends at {held.ceiling:g} times {held.reference.value:g}"
    return ""


def _held(accepted: Iterable[Acceptance], key: tuple[str, str, str]) -> Acceptance | None:
    return next((one for one in accepted if one.key == key), None)
