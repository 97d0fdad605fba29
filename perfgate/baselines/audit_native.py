"""Looks for what cannot be true in one of perfgate's own baseline files; text in, findings out.

The gate refuses such a file at the first contradiction. Here all of them are told, and what a gate
lives with: old launches, single ones, times that nobody waited for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from perfgate.baselines.audit import Entry, Finding, Limits, aged, host_times, is_figure, tolerance
from perfgate.baselines.derived import Derived, Steps, agree
from perfgate.baselines.native import (
    Baseline,
    Job,
    derive_again,
    impossible_milestones,
    parse_baseline,
)
from perfgate.baselines.places import Document
from perfgate.baselines.spans import JsonPath
from perfgate.errors import BaselineError
from perfgate.records import Report
from perfgate.verdict.metrics import metrics_of
from perfgate.verdict.wording import count

KIND = "perfgate.baseline"
"""The schema that such a file names."""
_FIGURE = ("value", "between_jobs", "between_launches")


def entry_of(document: Document) -> Entry:
    """The one entry of the file, named as the file names its case."""
    case = document.value.get("case")
    return Entry(document=document, scenario=case if isinstance(case, str) else "", root=())


def parsed(document: Document | None) -> Baseline | None:
    """The baseline of perfgate's own in a file; None where it is none that can be read."""
    value = document.value if document is not None else None
    if not isinstance(value, dict) or value.get("schema") != KIND:
        return None
    try:
        return Baseline.model_validate(value)
    except ValidationError:
        return None


def audit_native(document: Document, limits: Limits) -> list[Finding]:
    """Everything that is wrong in one file by itself."""
    entry = entry_of(document)
    try:
        baseline = Baseline.model_validate(document.value)
    except ValidationError as error:
        return [
            entry.finding(
                "error", _within(entry, one["loc"]), one["msg"], stored=_leaf(one["input"])
            )
            for one in _telling(error)
        ]
    derived = derive_again(baseline)
    found = [
        *_misplaced(entry, baseline),
        *_derived(entry, baseline.derived, derived),
        *_milestones(entry, baseline, derived),
        *_of_its_age(entry, baseline.jobs[-1], limits, last=len(baseline.jobs) - 1),
        *_samples(entry, derived),
        *_vanished(entry, baseline.jobs),
        *_requests(entry, baseline.jobs),
        *_enqueued(entry, baseline.jobs),
    ]
    if not any(one.severity == "error" for one in found):
        found += _unreadable(entry)
    return found


def _telling(error: ValidationError) -> list[ErrorDetails]:
    """What is wrong; a list whose items are wrong is not told as too short, too."""
    found = error.errors()
    return [one for one in found if one["type"] != "too_short"] or found


def _within(entry: Entry, loc: tuple[int | str, ...]) -> JsonPath:
    """The part of pydantic's place that the file has."""
    path = tuple(part for part in loc if part != "[key]")
    while path[:-1] and path[:-1] not in entry.document.spans:
        path = path[:-1]
    return path


def _leaf(value: object) -> object:
    return None if isinstance(value, dict | list) else value


def _misplaced(entry: Entry, baseline: Baseline) -> Iterator[Finding]:
    """A file that a gate refuses where it lies."""
    place = PurePosixPath(entry.document.name)
    for field, said, path in (
        ("case", baseline.case, place.stem),
        ("hardware_key", baseline.hardware_key, place.parent.name or baseline.hardware_key),
    ):
        if said != path:
            told = f"a gate refuses it here: the file says {said}, its path {path}"
            yield entry.finding("warning", (field,), told, stored=said)


def _derived(entry: Entry, said: Derived, given: Derived) -> Iterator[Finding]:
    """Figures above the launches that the launches do not give."""
    for part in ("jobs", "launches", "requests"):
        yield from _contradiction(entry, (part,), getattr(said, part), getattr(given, part))
    for name in {**given.metrics, **said.metrics}:
        one, other = said.metrics.get(name), given.metrics.get(name)
        if one is None or other is None:
            told = (
                "is missing: the launches below give it" if one is None else "no launch gives this"
            )
            yield entry.finding("error", ("derived", "metrics", name), told)
            continue
        for part in _FIGURE:
            path = ("metrics", name, part)
            yield from _contradiction(entry, path, getattr(one, part), getattr(other, part))
    yield from _derived_steps(entry, said.steps, given.steps)


def _derived_steps(entry: Entry, said: Steps | None, given: Steps | None) -> Iterator[Finding]:
    """Steps, and what is reckoned from them, that the launches do not give."""
    if said is None or given is None or len(said.ms) != len(given.ms):
        if said != given:
            listed, known = (len(one.ms) if one is not None else 0 for one in (said, given))
            told = f"the launches below give {count(known, 'step')}, but {listed} stand here"
            yield entry.finding("error", ("derived", "steps", "ms"), told)
        return
    for index, (one, other) in enumerate(zip(said.ms, given.ms, strict=True)):
        yield from _contradiction(entry, ("steps", "ms", index), one, other)
    for part in ("mean_ms", "median_ms"):
        yield from _contradiction(entry, ("steps", part), getattr(said, part), getattr(given, part))


def _contradiction(
    entry: Entry, path: JsonPath, stored: float | None, derived: float | None
) -> Iterator[Finding]:
    if (stored is not None and not is_figure(stored)) or not agree(stored, derived):
        yield entry.finding(
            "error",
            ("derived", *path),
            f"the launches below give {derived}, but {stored} stands here",
            stored=stored,
            derived=derived,
        )


def _milestones(entry: Entry, baseline: Baseline, derived: Derived) -> Iterator[Finding]:
    """First and best figures that cannot have been accepted."""
    for wrong in impossible_milestones(baseline, derived):
        yield entry.finding(
            "error", wrong.path, wrong.told, stored=wrong.stored, derived=wrong.derived
        )


def _of_its_age(entry: Entry, job: Job, limits: Limits, *, last: int) -> Iterator[Finding]:
    path = ("jobs", last, "date")
    try:
        days = aged(job.date, limits)
    except ValueError:
        yield entry.finding("warning", path, "this is no ISO date", stored=job.date)
        return
    if days is not None:
        told = (
            f"the newest launches are {count(days, 'day')} old: measure again"
            if days > 0
            else "the date is yet to come"
        )
        yield entry.finding("warning", path, told, stored=job.date)


def _samples(entry: Entry, derived: Derived) -> Iterator[Finding]:
    path = ("derived", "launches")
    if derived.launches < 2:
        yield entry.finding("warning", path, "a single sample: one launch", stored=derived.launches)
    elif derived.jobs < 2:
        yield entry.finding(
            "warning",
            ("derived", "jobs"),
            "one job: how far jobs differ on such machines is not known",
            stored=derived.jobs,
        )


def _vanished(entry: Entry, jobs: tuple[Job, ...]) -> Iterator[Finding]:
    """Metrics that earlier jobs have and the newest has not."""
    by_job = [
        {name for launch in job.launches for name in metrics_of(launch.reports)} for job in jobs
    ]
    for name in sorted(set().union(*by_job[:-1]) - by_job[-1]):
        yield entry.finding(
            "warning", ("jobs", len(jobs) - 1), f"{name} vanished: the newest launches have none"
        )


def _reports(jobs: tuple[Job, ...]) -> Iterator[tuple[JsonPath, Report]]:
    for index, job in enumerate(jobs):
        for place, launch in enumerate(job.launches):
            for number, report in enumerate(launch.reports):
                yield ("jobs", index, "launches", place, "reports", number), report


def _requests(entry: Entry, jobs: tuple[Job, ...]) -> Iterator[Finding]:
    """Requests whose stages take longer than the whole, told once."""
    found = [
        (path, report.total_duration_ms, total)
        for path, report in _reports(jobs)
        if (total := sum(one.duration_ms for one in report.stages)) - report.total_duration_ms
        > tolerance(total, parts=len(report.stages))
    ]
    if found:
        path, stored, derived = found[0]
        yield entry.finding(
            "warning",
            (*path, "total_duration_ms"),
            f"the stages of {count(len(found), 'request')} add up to more than end to end, here to "
            f"{derived:.2f} ms of {stored:.2f} ms: they overlap, or somebody wrote them",
            stored=stored,
            derived=round(derived, 6),
        )


def _enqueued(entry: Entry, jobs: tuple[Job, ...]) -> Iterator[Finding]:
    """First steps of the newest request that look like host times, if nobody says what they are."""
    path, report = list(_reports(jobs))[-1]
    told = host_times(report.steps_ms) if report.sync in (None, "off") else ""
    if told:
        yield entry.finding("warning", (*path, "steps_ms", 0), told, stored=report.steps_ms[0])


def _unreadable(entry: Entry) -> Iterator[Finding]:
    """What else the gate would refuse the file for."""
    name = entry.document.name
    try:
        parse_baseline(entry.document.text, source=name)
    except BaselineError as error:
        yield entry.finding("error", (), error.problem.removeprefix(f"{name}: "))
