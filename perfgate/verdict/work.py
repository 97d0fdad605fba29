"""Says whether head did less work than base, by its score and its operations; knows no times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfgate.records import Accuracy, CaseDecision, CaseRecord, Launch, Verdict
from perfgate.verdict.rows import not_the_same_work

LEAST_FLOPS = 0.98
"""Of base's: below it something was left out, and a reviewer is told what to ask."""


def scored(case: CaseRecord, decision: CaseDecision) -> CaseDecision:
    """The decision with head's score looked at, which is a check of the output of its own.

    A score below its minimum, or none, is a changed output whatever the times say.
    """
    if case.accuracy is None or decision.verdict is Verdict.FAILED:
        return decision
    wrong = _wrong(case.accuracy)
    if not wrong:
        checked = "same" if decision.output == "not checked" else decision.output
        return decision.model_copy(update={"output": checked})
    told = f"output changed: {wrong}"
    reason = case.allow.get("output")
    if reason is not None:
        told = f"{told}; allowed: {reason}"
        return decision.model_copy(
            update={
                "output": "allowed",
                "sentence": f"{decision.sentence}; {told}",
                "warnings": (told, *decision.warnings),
            }
        )
    return decision.model_copy(
        update={
            "verdict": Verdict.FAILED,
            "output": "changed",
            "detail": told,
            "sentence": told,
            "more_pairs": None,
            "metrics": not_the_same_work(decision.metrics),
        }
    )


def _wrong(accuracy: Accuracy) -> str:
    """What is wrong with the score; empty if nothing is."""
    if accuracy.score is None:
        return f"accuracy is unknown, {accuracy.failure or 'there is no score'}"
    if accuracy.score >= accuracy.minimum:
        return ""
    return f"accuracy {accuracy.score:.6g} is below {accuracy.minimum:.6g}"


def flops_warnings(
    base: Sequence[Launch], head: Sequence[Launch], *, allow: Mapping[str, str]
) -> tuple[str, ...]:
    """A question about operations that head leaves out, or the suite's answer to it.

    Fusion, caching and quantisation leave some out honestly, so that this decides nothing.
    """
    counted, executed = _flops(base), _flops(head)
    if not counted or executed is None or executed >= LEAST_FLOPS * counted:
        return ()
    told = f"head executes {_share(executed / counted)} of base's floating-point operations"
    reason = allow.get("flops")
    if reason is not None:
        return (f"{told}; allowed: {reason}",)
    return (f'{told}: say why with allow: {{flops: "why"}} at the case, on the base branch',)


def _flops(launches: Sequence[Launch]) -> float | None:
    """What the last request counted of the first launch that counted at all."""
    for launch in sorted(launches, key=lambda one: one.order):
        found = [report.flops for report in launch.reports if report.flops is not None]
        if found:
            return found[-1]
    return None


def _share(fraction: float) -> str:
    """In per cent, with a decimal where a whole number could read as enough: ``97.9 %``."""
    percent = 100.0 * fraction
    return f"{percent:.1f} %" if percent >= 97.0 else f"{percent:.0f} %"
