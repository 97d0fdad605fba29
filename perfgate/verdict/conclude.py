"""From the cases' verdicts to one word, a conclusion and an exit code; looks at no number."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from perfgate.errors import ExitCode
from perfgate.records import SEVERITY, CaseDecision, GatePolicy, MetricDecision, Problem, Verdict

Conclusion: TypeAlias = Literal["success", "failure", "neutral"]

DECIDED = frozenset({Verdict.PASSED, Verdict.IMPROVED, Verdict.REGRESSED, Verdict.ACCEPTED})
_UNTOLD = frozenset({Verdict.MISSING, Verdict.INCOMPARABLE, Verdict.INCONCLUSIVE, Verdict.NEW})
_STOPPED = (ExitCode.CONFIGURATION, ExitCode.DEVICE, ExitCode.BASELINE)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the whole gate says."""

    verdict: Verdict
    conclusion: Conclusion
    exit_code: ExitCode


def worst(verdicts: Iterable[Verdict], *, default: Verdict) -> Verdict:
    """The word for several verdicts."""
    return min(verdicts, key=SEVERITY.index, default=default)


def case_verdict(metrics: Sequence[MetricDecision]) -> Verdict:
    """A case carries the worst of its judged metrics; with none it was not decided."""
    judged = (metric.verdict for metric in metrics if metric.judged)
    return worst(judged, default=Verdict.INCONCLUSIVE)


def conclude(
    cases: Sequence[CaseDecision],
    policy: GatePolicy,
    *,
    problem: Problem | None = None,
    publish_failed: bool = False,
) -> Outcome:
    """Exit code by the first that applies: 2, 3, 5, 1, 4, 7, 6, 0.

    ``publish_failed`` is for a caller that was told to be strict about publishing.
    """
    verdict = worst((case.verdict for case in cases), default=Verdict.FAILED)
    code = _exit_code(cases, policy, problem=problem, publish_failed=publish_failed)
    if code is not ExitCode.OK:
        conclusion: Conclusion = "failure"
    else:
        conclusion = "neutral" if verdict in _UNTOLD else "success"
    return Outcome(verdict=verdict, conclusion=conclusion, exit_code=code)


def _exit_code(
    cases: Sequence[CaseDecision],
    policy: GatePolicy,
    *,
    problem: Problem | None,
    publish_failed: bool,
) -> ExitCode:
    stopped = problem.exit_code if problem is not None else None
    verdicts = {case.verdict for case in cases}
    rules = (
        *((code, stopped == code) for code in _STOPPED),
        (ExitCode.REGRESSED, Verdict.REGRESSED in verdicts or _output_changed(cases)),
        (ExitCode.BENCHMARK, stopped == ExitCode.BENCHMARK or Verdict.FAILED in verdicts),
        (ExitCode.BENCHMARK, not any(case.launches for case in cases)),
        (ExitCode.UNDECIDED, bool(verdicts & _failing(policy)) or not verdicts & DECIDED),
        (ExitCode.PUBLISH, publish_failed or stopped == ExitCode.PUBLISH),
    )
    return next((code for code, applies in rules if applies), ExitCode.OK)


def _output_changed(cases: Sequence[CaseDecision]) -> bool:
    return any(case.verdict is Verdict.FAILED and case.output == "changed" for case in cases)


def _failing(policy: GatePolicy) -> set[Verdict]:
    """The undecided words that the suite's policy fails."""
    rules = {
        Verdict.MISSING: policy.missing,
        Verdict.INCOMPARABLE: policy.incomparable,
        Verdict.INCONCLUSIVE: policy.inconclusive,
    }
    return {verdict for verdict, rule in rules.items() if rule == "fail"}
