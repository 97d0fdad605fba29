"""What the repository's baselines add: permissions to be slower, creep, and when they were updated.

Texts of files in, values out; reads no file and decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import PurePosixPath

from perfgate.baselines.accepted import NAME as ACCEPTED
from perfgate.baselines.accepted import parse_accepted
from perfgate.baselines.entry import remembered
from perfgate.baselines.store import load_baselines
from perfgate.records.results import END_TO_END
from perfgate.verdict.acceptance import Acceptance
from perfgate.verdict.metrics import END_TO_END as BASELINE_END_TO_END
from perfgate.verdict.metrics import LOAD as BASELINE_LOAD
from perfgate.verdict.metrics import MEDIAN_STEP, PEAK_MEMORY

_METRICS = {
    BASELINE_END_TO_END: END_TO_END,
    MEDIAN_STEP: "step",
    PEAK_MEMORY: "peak_memory",
    BASELINE_LOAD: "load",
}
"""What a baseline calls a metric, as results over time call it; stages have one name."""
CREEP = 0.01
"""A change since the first baseline that is worth a line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """A job whose launches a baseline stands on: when it was measured, and of which commit."""

    case: str
    hardware_key: str
    seconds: int
    commit: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Crept:
    """A metric of a baseline that is slower or larger than the first that was ever accepted."""

    case: str
    hardware_key: str
    metric: str
    unit: str
    first: float
    best: float
    now: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """All of it; empty without a folder of baselines. ``today`` is what days are left from."""

    updates: tuple[Update, ...] = ()
    crept: tuple[Crept, ...] = ()
    accepted: tuple[Acceptance, ...] = ()
    today: date


def metric_of(baseline_metric: str) -> str:
    """A baseline's metric as a line of the history names it."""
    return _METRICS.get(baseline_metric, baseline_metric)


def kept_in(files: Mapping[str, str], *, today: date) -> Kept:
    """What stands in a folder of baselines: texts by their path, ``<hardware key>/<case>.json``.

    Raises BaselineError for a file that cannot be trusted.
    """
    accepted = [
        one
        for path, text in sorted(files.items())
        if PurePosixPath(path).name == ACCEPTED
        for one in parse_accepted(text, source=path)
    ]
    updates: list[Update] = []
    crept: list[Crept] = []
    for key in sorted({PurePosixPath(path).parent.name for path in files}):
        for case, baseline in sorted(load_baselines(files, hardware_key=key).items()):
            updates += [
                Update(case=case, hardware_key=key, seconds=_seconds(job.date), commit=job.commit)
                for job in baseline.jobs
            ]
            first, best = remembered(baseline)
            crept += [
                Crept(
                    case=case,
                    hardware_key=key,
                    metric=name,
                    unit="MiB" if name == PEAK_MEMORY else "ms",
                    first=first[name].value,
                    best=best[name].value,
                    now=figure.value,
                )
                for name, figure in baseline.derived.metrics.items()
                if name in first and figure.value > (1 + CREEP) * first[name].value
            ]
    crept.sort(key=lambda one: (-one.now / one.first, one.hardware_key, one.case, one.metric))
    known = tuple(one for one in updates if one.seconds > 0)
    return Kept(updates=known, crept=tuple(crept), accepted=tuple(accepted), today=today)


def _seconds(moment: str) -> int:
    """A job's date in seconds since 1970, 0 where it says none."""
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return 0
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
