"""Applies permissions to be slower to a case that was judged; values in, values out, no effect.

What is owed is the slowdown since the reference. A metric that owes nothing is judged as if there
were no permission, and so is one whose base is faster than the reference: its slowdown is not the
one that was accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from perfgate.records import Accepted, CaseDecision, GatePolicy, MetricDecision, Verdict
from perfgate.verdict.acceptance import WARN_DAYS, Acceptance
from perfgate.verdict.conclude import case_verdict
from perfgate.verdict.judge import MEMORY_RATIO
from perfgate.verdict.metrics import Unit, plan_metric
from perfgate.verdict.wording import count, percent

_JUDGED = frozenset(
    {
        Verdict.PASSED,
        Verdict.IMPROVED,
        Verdict.REGRESSED,
        Verdict.INCONCLUSIVE,
    }
)
"""Words of metrics and of cases that a permission can change: those that compare figures."""


@dataclass(frozen=True, kw_only=True)
class Permissions:
    """The acceptances that count for a job, and how it takes those that do not hold.

    ``today`` is the day of the job. ``answers_for_debt`` says that the job judges what is on the
    default branch, so that a slowdown which outlived its permission fails there; in every other job
    only what makes things worse does.
    """

    acceptances: Sequence[Acceptance] = ()
    today: date
    answers_for_debt: bool = False

    def of(self, hardware: str) -> dict[tuple[str, str], Acceptance]:
        """By case and metric, on one kind of machine."""
        return {(one.case, one.metric): one for one in self.acceptances if one.hardware == hardware}

    def metrics(self, hardware: str) -> dict[str, frozenset[str]]:
        """By case, the metrics that may be slower today."""
        found: dict[str, frozenset[str]] = {}
        for (case, metric), one in self.of(hardware).items():
            if one.days_left(self.today) >= 0:
                found[case] = found.get(case, frozenset()) | {metric}
        return found


@dataclass(frozen=True, kw_only=True)
class Permitted:
    """A case as it is told, and what a reader of the whole gate must know of its permissions."""

    case: CaseDecision
    notes: tuple[str, ...] = ()


def permit(
    case: CaseDecision,
    permissions: Permissions,
    *,
    hardware: str,
    policy: GatePolicy,
) -> Permitted:
    """The case with every metric's permission applied, and its own word made again from them."""
    granted = {
        metric: one
        for (case_id, metric), one in permissions.of(hardware).items()
        if case_id == case.id
    }
    if not granted or case.verdict not in {*_JUDGED, Verdict.MISSING}:
        return Permitted(case=case)
    rows = tuple(_row(row, granted, permissions, policy) for row in case.metrics)
    verdict = case_verdict(rows)
    told: dict[str, object] = {"metrics": rows, "verdict": verdict}
    if verdict is not case.verdict:
        told["sentence"] = _sentence(case, rows)
    if verdict is not Verdict.INCONCLUSIVE and case.verdict is Verdict.INCONCLUSIVE:
        told |= {"more_pairs": None, "detail": ""}
    return Permitted(case=case.model_copy(update=told), notes=_notes(case.id, rows))


def _row(
    row: MetricDecision,
    granted: Mapping[str, Acceptance],
    permissions: Permissions,
    policy: GatePolicy,
) -> MetricDecision:
    acceptance = granted.get(row.name)
    if acceptance is None or row.head is None or not row.judged or row.verdict not in _JUDGED:
        return row
    margin = margin_of(row.name, policy, unit=row.unit)
    stood = standing(acceptance, row.head, today=permissions.today, margin=margin)
    another = row.base is not None and acceptance.ratio(row.base) * (1.0 + margin) < 1.0
    slower, owed = row.verdict is Verdict.REGRESSED, stood.state != "paid"
    if not owed and not slower:
        return row.model_copy(update={"accepted": stood})
    if another or (not owed and stood.days_left < 0):
        return row
    if stood.state in ("holds", "paid"):
        told = {"verdict": Verdict.ACCEPTED, "accepted": stood, "reason": ""}
    elif slower or permissions.answers_for_debt:
        told = {"verdict": Verdict.REGRESSED, "accepted": stood, "reason": why_not(stood)}
    else:
        told = {"accepted": stood}
    return row.model_copy(update=told)


def margin_of(name: str, policy: GatePolicy, *, unit: Unit = "ms") -> float:
    """The margin of a judged metric of this name."""
    if unit == "MiB":
        return MEMORY_RATIO
    return plan_metric(
        name,
        value=1.0,
        total=1.0,
        margin=policy.margin,
        stage_margin=policy.stage_margin,
        stage_floor_ms=0.0,
        on_device=True,
    ).margin


def standing(acceptance: Acceptance, figure: float, *, today: date, margin: float) -> Accepted:
    """How a permission stands today beside a figure that was measured."""
    ratio, days = acceptance.ratio(figure), acceptance.days_left(today)
    if ratio <= 1.0 + margin:
        state = "paid"
    elif ratio > acceptance.ceiling:
        state = "exceeded"
    else:
        state = "over" if days < 0 else "holds"
    return Accepted.model_validate(
        {
            "state": state,
            "ratio": ratio,
            "ceiling": acceptance.ceiling,
            "reference": acceptance.reference.value,
            "commit": acceptance.reference.commit,
            "reason": acceptance.reason,
            "issue": acceptance.issue,
            "expires": acceptance.expires.isoformat(),
            "days_left": days,
        }
    )


def why_not(stood: Accepted) -> str:
    """Why a permission does not hold any more."""
    since = f"{percent(stood.ratio - 1.0)} since {stood.commit[:12]}"
    if stood.state == "exceeded":
        return f"{since}, accepted up to {percent(stood.ceiling - 1.0)}"
    return f"{since}, accepted until {stood.expires}, which is over"


def _notes(case_id: str, rows: Sequence[MetricDecision]) -> tuple[str, ...]:
    """What is said above the folds: permissions that end, have ended, are exceeded or are paid.

    Metrics that the same is said of share a note, which gives the figures of the first.
    """
    alike: dict[tuple[object, ...], list[MetricDecision]] = {}
    for row in rows:
        if row.accepted is not None:
            stood = row.accepted
            kind = (stood.state, stood.expires, stood.issue, row.verdict is Verdict.REGRESSED)
            alike.setdefault(kind, []).append(row)
    notes = []
    for same in alike.values():
        name = f"{case_id} · {', '.join(row.name for row in same)}"
        notes.append(_note(name, same[0], same[0].accepted))
    return tuple(note for note in notes if note)


def _note(name: str, row: MetricDecision, stood: Accepted | None) -> str:
    if stood is None or (stood.state == "paid" and row.verdict is Verdict.ACCEPTED):
        return ""
    if stood.state == "paid":
        return (
            f"{name}: as fast as before its slowdown again; the next update of the baselines gives "
            f"its permission back ({stood.issue})"
        )
    if stood.state == "holds":
        if stood.days_left > WARN_DAYS:
            return ""
        left = f"in {count(stood.days_left, 'day')}" if stood.days_left else "today"
        return f"{name}: its permission ends {left} ({stood.expires}); {_what_now(stood)}"
    if row.verdict is Verdict.REGRESSED:
        return f"{name}: {why_not(stood)}; {_what_now(stood)}"
    return (
        f"{name}: {why_not(stood)}. This change makes it no worse, but the default branch's own "
        f"gate fails; {_what_now(stood)}"
    )


def _what_now(stood: Accepted) -> str:
    return (
        f"fix {stood.issue}, or renew it by a pull request (perfgate baseline update with --issue "
        "and --expires)"
    )


def _sentence(case: CaseDecision, rows: Sequence[MetricDecision]) -> str:
    """The case's sentence with what the permissions have to do with it."""
    parts = [case.sentence] if case.sentence else []
    for before, row in zip(case.metrics, rows, strict=True):
        stood = row.accepted
        if stood is None or row.verdict is before.verdict:
            continue
        if row.verdict is Verdict.ACCEPTED:
            parts.append(
                f"{row.name} {percent(stood.ratio - 1.0)} since {stood.commit[:12]}, accepted up "
                f"to {percent(stood.ceiling - 1.0)} until {stood.expires}"
            )
        else:
            parts.append(f"{row.name} {why_not(stood)}")
    return "; ".join(parts)
