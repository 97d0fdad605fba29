"""One entry brought up to date by one set of launches; values in, values out, no effect.

New launches join an entry that they agree with. Launches of another level or of other software
start it over, so that every figure of it comes from one set of launches. What it remembers of the
first and the best figure stays, unless the workload is declared to be another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from perfgate.baselines.change import CaseChange, Kind, MetricChange
from perfgate.baselines.entry import add_job, following, remembered
from perfgate.baselines.margins import Margins
from perfgate.baselines.native import Baseline, Milestone
from perfgate.baselines.permit import Request, permitted
from perfgate.baselines.refusals import other_software, refuse_records
from perfgate.errors import BaselineError
from perfgate.records import GatePolicy, Record
from perfgate.verdict.acceptance import Acceptance
from perfgate.verdict.hierarchy import is_device
from perfgate.verdict.metrics import ordered_names
from perfgate.verdict.wording import count, percent


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What an entry says, by metric, and since when: of another format, or of an older set."""

    values: Mapping[str, float]
    commit: str
    date: str


@dataclass(frozen=True, kw_only=True)
class Updated:
    """The entry as it will be, what changed in it, and all acceptances as they will be."""

    entry: Baseline
    change: CaseChange
    accepted: tuple[Acceptance, ...]


def update_entry(
    earlier: Baseline | None,
    records: Sequence[Record],
    case_id: str,
    *,
    policy: GatePolicy,
    request: Request,
    accepted: Iterable[Acceptance] = (),
    elsewhere: Figures | None = None,
    beside: Callable[[Baseline], tuple[MetricChange, ...]] | None = None,
) -> Updated:
    """The entry of ``case_id`` with the head launches of ``records``, each a job of its own.

    ``elsewhere`` are the figures of an entry in another format, which has no launches; they count
    where there is no ``earlier`` one; ``beside`` gives the changes of what only that format holds,
    from the entry as it will be. BaselineError for launches that failed, were flagged or are
    too few, for jobs of different machines or levels, and for an undeclared other workload.
    """
    margins = Margins(
        policy=policy,
        on_device=bool(records) and is_device(records[0].fingerprint),
    )
    refuse_records(records, case_id, margins)
    fresh = _with_jobs(None, records, case_id)
    if earlier is not None:
        _refuse_undeclared(earlier, fresh, request)
        kind, entry, notes = _joined(earlier, fresh, records, margins)
        before = figures(earlier) if kind == "updated" else None
    else:
        kind, before, notes = ("new" if elsewhere is None else "updated"), elsewhere, ()
        entry = fresh if elsewhere is None else _after(fresh, elsewhere)
    change = CaseChange(
        case=case_id,
        hardware_key=entry.hardware_key,
        kind=kind,
        metrics=(
            *changes_since(entry, before, margins),
            *(beside(entry) if beside and kind != "changed workload" else ()),
        ),
        reason=request.reason,
        notes=notes,
    )
    known = before or elsewhere
    commit = known.commit if known is not None else ""
    change, accepted = permitted(change, entry, accepted, commit=commit, request=request)
    return Updated(entry=entry, change=change, accepted=tuple(accepted))


def _with_jobs(entry: Baseline | None, records: Sequence[Record], case_id: str) -> Baseline:
    for record in records:
        entry = add_job(entry, record, case_id)
    if entry is None:
        raise BaselineError("no record was given", fix="Give one with --record.")
    return entry


def _refuse_undeclared(earlier: Baseline, fresh: Baseline, request: Request) -> None:
    if earlier.workload_hash != fresh.workload_hash and not request.workload_changed:
        raise BaselineError(
            f"the workload hash of {fresh.case} is {fresh.workload_hash} in this record, "
            f"{earlier.workload_hash} in the baseline",
            fix="Declare it with --workload-changed, which starts a new entry, or measure the "
            "workload that the baseline is of.",
        )


def _joined(
    earlier: Baseline, fresh: Baseline, records: Sequence[Record], margins: Margins
) -> tuple[Kind, Baseline, tuple[str, ...]]:
    """The entry that follows ``earlier``, and why it starts over where it does."""
    over = f"starts over from {count(len(records), 'job')}"
    if earlier.workload_hash != fresh.workload_hash:
        return "changed workload", fresh, (f"{over}: another workload, declared as one",)
    software = other_software(earlier.must_match, fresh.must_match)
    if software:
        return "updated", following(fresh, earlier), (f"{over} on other software: {software}",)
    moved = _moved(_values(earlier), _values(fresh), margins)
    if moved:
        return "updated", following(fresh, earlier), (f"{over} at another level: {moved}",)
    return "updated", _with_jobs(earlier, records, fresh.case), ()


def _moved(old: Mapping[str, float], new: Mapping[str, float], margins: Margins) -> str:
    """What differs by more than a margin; empty where launches may be joined."""
    found = []
    for name in ordered_names([old, new]):
        if name not in old or name not in new:
            found.append(f"{name} {'is new' if name in new else 'has gone'}")
        elif margins.apart(name, old, new):
            found.append(f"{name} {percent(new[name] / old[name] - 1.0)}")
    return ", ".join(found)


def _values(entry: Baseline) -> dict[str, float]:
    return {name: figure.value for name, figure in entry.derived.metrics.items()}


def figures(entry: Baseline) -> Figures:
    """What an entry says, as of its newest job."""
    newest = entry.jobs[-1]
    return Figures(values=_values(entry), commit=newest.commit, date=newest.date)


def _after(fresh: Baseline, before: Figures) -> Baseline:
    """A first entry of launches, which begins at the figures that stood elsewhere."""
    first, best = dict(fresh.first), dict(fresh.best)
    for name, value in before.values.items():
        stood = Milestone(value=value, commit=before.commit, date=before.date)
        first[name] = stood
        if name not in best or value < best[name].value:
            best[name] = stood
    return fresh.model_copy(update={"first": first, "best": best})


def changes_since(
    entry: Baseline, before: Figures | None, margins: Margins
) -> tuple[MetricChange, ...]:
    """Every metric of an entry beside what it was before, and what the entry remembers of it."""
    old = before.values if before is not None else {}
    new = _values(entry)
    first, best = remembered(entry)
    launches = [launch for job in entry.stored_jobs().jobs for launch in job.launches]
    jobs = [[*job.launches] for job in entry.stored_jobs().jobs]
    return tuple(
        MetricChange(
            metric=name,
            unit=margins.unit(name),
            old=old.get(name),
            new=new.get(name),
            first=first[name].value,
            best=best[name].value,
            launches=sum(name in launch for launch in launches),
            jobs=sum(any(name in launch for launch in job) for job in jobs),
            variation=entry.derived.metrics[name].between_launches if name in new else None,
            margin=margins.of(name, old if name in old else new),
        )
        for name in ordered_names([new, old])
    )
