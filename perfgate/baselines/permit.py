"""Permissions that an update needs, shrinks, renews or gives back; values in, values out.

What got looser beyond its margin needs a reason, an issue and a last day. Its reference is the
figure from before the first slowdown, however often the permission is renewed, and its ceiling the
upper confidence bound of what was measured, times 1 + margin.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from statistics import fmean, stdev

from pydantic import ValidationError

from perfgate.baselines.ask import Ask
from perfgate.baselines.change import CaseChange, MetricChange
from perfgate.baselines.native import Baseline
from perfgate.errors import BaselineError
from perfgate.records import first_problem
from perfgate.verdict.acceptance import Acceptance, Reference
from perfgate.verdict.baseline import quantile

CONFIDENCE = 0.975
"""Of the one-sided bound that a ceiling stands on."""
_CEILING_DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a person asks for: why, until when, and in whose name.

    ``issue`` and ``expires`` make acceptances of what got looser; without them it is unexplained.
    ``asks`` are what others asked for in comments on the case in question.
    """

    reason: str
    asked_by: str
    issue: str = ""
    expires: date | None = None
    workload_changed: bool = False
    asks: tuple[Ask, ...] = ()

    @property
    def grants(self) -> bool:
        """Whether enough was said to accept a slowdown."""
        return bool(self.reason.strip() and self.issue and self.expires is not None)

    def granting(self, metric: str) -> Request | None:
        """What accepts a slowdown of the metric: what names it, then what names none, then this."""
        for name in (metric, ""):
            for one in self.asks:
                if one.kind == "accept" and one.metric == name:
                    return Request(
                        reason=one.reason,
                        asked_by=one.asked_by,
                        issue=one.issue,
                        expires=one.expires,
                    )
        return self if self.grants else None


def permitted(
    change: CaseChange,
    entry: Baseline,
    accepted: Iterable[Acceptance],
    *,
    commit: str,
    request: Request,
) -> tuple[CaseChange, tuple[Acceptance, ...]]:
    """The change with what it needs or has been permitted, and all acceptances as they will be.

    ``commit`` is the newest one that the old figures are of.
    """
    standing = {one.key: one for one in accepted}
    granted, unexplained, paid = [], [], []
    notes = list(change.notes)
    for metric in change.metrics:
        key = (entry.hardware_key, entry.case, metric.metric)
        held = standing.get(key)
        if held is not None and change.kind == "changed workload":
            del standing[key]
            notes.append(f"the acceptance of {metric.metric} ends: it was of another workload")
        elif held is not None and _is_paid(metric, held):
            del standing[key]
            paid.append(metric.metric)
        elif _is_owed(metric, held):
            grant = request.granting(metric.metric)
            if grant is not None:
                standing[key] = _acceptance(metric, entry, held, commit=commit, request=grant)
                granted.append(standing[key])
            elif metric.looser or _above(metric, held):
                unexplained.append(metric.metric)
            elif held is not None:
                standing[key] = _shrunk(metric, entry, held)
    told = {
        "acceptances": tuple(granted),
        "unexplained": tuple(unexplained),
        "paid": tuple(paid),
        "notes": tuple(notes),
    }
    return change.model_copy(update=told), tuple(standing.values())


def _is_owed(metric: MetricChange, held: Acceptance | None) -> bool:
    return metric.new is not None and (metric.looser or held is not None)


def _is_paid(metric: MetricChange, held: Acceptance) -> bool:
    return metric.new is not None and held.ratio(metric.new) <= 1.0 + (metric.margin or 0.0)


def _above(metric: MetricChange, held: Acceptance | None) -> bool:
    return held is not None and metric.new is not None and held.ratio(metric.new) > held.ceiling


def _shrunk(metric: MetricChange, entry: Baseline, held: Acceptance) -> Acceptance:
    """The same permission for what is owed now: a part that was paid is not lent again."""
    ceiling = min(held.ceiling, _ceiling(metric, entry, held.reference))
    return held.model_copy(update={"ceiling": ceiling})


def _ceiling(metric: MetricChange, entry: Baseline, reference: Reference) -> float:
    # What only another format holds has no launches here, and hardly varies: memory.
    own = metric.metric in entry.derived.metrics
    level = upper_bound(entry, metric.metric) if own else metric.new or 0.0
    bound = level * (1.0 + (metric.margin or 0.0))
    return round(bound / reference.value, _CEILING_DIGITS)


def _acceptance(
    metric: MetricChange,
    entry: Baseline,
    held: Acceptance | None,
    *,
    commit: str,
    request: Request,
) -> Acceptance:
    try:
        reference = (
            held.reference
            if held is not None
            else Reference.model_validate(
                {"value": metric.old, "unit": metric.unit, "commit": commit}
            )
        )
        return Acceptance.model_validate(
            {
                "case": entry.case,
                "metric": metric.metric,
                "hardware": entry.hardware_key,
                "reference": reference,
                "ceiling": _ceiling(metric, entry, reference),
                "reason": " ".join(request.reason.split()),
                "issue": request.issue,
                "expires": request.expires,
                "asked_by": request.asked_by,
            }
        )
    except ValidationError as error:
        raise BaselineError(
            f"{metric.metric} of {entry.case} cannot be accepted: {first_problem(error)}",
            fix="Give a reason of one line, the address of an issue and a last day, and let git "
            "know who asks (git config user.name).",
        ) from error


def upper_bound(entry: Baseline, name: str) -> float:
    """The upper 97.5 % confidence bound of a metric's level, in its own unit.

    Student's t over the means of three or more jobs; of fewer over their launches, which know less
    of what another job brings: no job's own mean lies above the bound.
    """
    jobs = entry.stored_jobs().metric(name)
    means = [fmean(values) for values in jobs]
    samples = means if len(means) >= 3 else [value for values in jobs for value in values]
    bound = fmean(means)
    if len(samples) >= 2:
        error = stdev(samples) / math.sqrt(len(samples))
        bound += quantile(len(samples), CONFIDENCE) * error
    return math.exp(max(bound, *means))
