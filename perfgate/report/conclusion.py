"""The one line that every form shares, and the action's outputs; may not decide anything.

Plain text, not escaped: each form escapes for its own reader.
"""

from __future__ import annotations

import json
import math

from perfgate.errors import ExitCode
from perfgate.records import CaseDecision, Decision, Verdict
from perfgate.report.order import end_to_end, moved, ordered_cases
from perfgate.report.words import EMOJI, by_tolerance, case_word, count, device_minutes, within

# The entries of the output `regressions`: a job output may hold 1 MB, all outputs 50 MB.
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idoutputs
MAX_REGRESSIONS_TOLD = 500

_NO_VERDICT: dict[int, str] = {
    ExitCode.CONFIGURATION: "the configuration needs a fix",
    ExitCode.DEVICE: "the device is missing or unfit",
    ExitCode.BENCHMARK: "the benchmark could not run",
    ExitCode.BASELINE: "a baseline cannot be trusted",
    ExitCode.PUBLISH: "the result could not be published",
}


def headline(decision: Decision) -> str:
    """The one line that comment, summary, terminal and JUnit file begin with."""
    name = "perfgate" if decision.suite == "perfgate" else f"perfgate {decision.suite}"
    emoji, text = _headline(decision)
    return f"{emoji} {name}: {text}"


def _headline(decision: Decision) -> tuple[str, str]:
    if decision.problem is not None:
        why = _NO_VERDICT.get(decision.problem.exit_code, "the job ended early")
        return "🟠", f"no verdict, {why}"
    stopped = decision.interrupted is not None
    if not decision.cases:
        return "🟠", "interrupted before anything was measured" if stopped else "nothing measured"
    judged = [case for case in decision.cases if case.verdict is not Verdict.NEW]
    if not judged:
        return "⚪", f"{count(len(decision.cases), 'new case')} measured, nothing to compare with"
    worst = ordered_cases(decision)[0].verdict
    groups = _groups(judged)
    text = _counted(groups, len(judged)) if groups else _all_unchanged(decision, judged)
    slower = [case for case in judged if case.verdict is Verdict.REGRESSED]
    if tolerated := sum(map(by_tolerance, slower)):
        several = f", {tolerated:,} of them" if tolerated < len(slower) else ""
        text += f"{several} by tolerance, no error rate"
    if new := len(decision.cases) - len(judged):
        text += f"; {new} new"
    emoji = EMOJI[min((case.verdict for case in judged), key=list(EMOJI).index)]
    if stopped:
        undecided = sum(case.verdict is Verdict.INCONCLUSIVE for case in judged)
        if worst is Verdict.INCONCLUSIVE:
            text = f"{len(judged) - undecided:,} of {count(len(judged), 'case')} decided"
        return "🔴" if worst is Verdict.REGRESSED else "🟠", f"interrupted; {text}"
    return emoji, text


def _groups(judged: list[CaseDecision]) -> list[tuple[int, str, str]]:
    """How many cases share a fate, worst first: number, predicate of one, predicate of many."""
    fates = {
        "slower": ("is slower", "are slower"),
        "larger": ("needs more memory", "need more memory"),
        "failed: output changed": ("changed its output", "changed their output"),
        "failed": ("failed", "failed"),
        "refused": ("was refused", "were refused"),
        "missing": ("is missing", "are missing"),
        "incomplete": ("lacks a metric", "lack a metric"),
        "not comparable": ("is not comparable", "are not comparable"),
        "undecided": ("could not be decided", "could not be decided"),
        "accepted": ("is slower as accepted", "are slower as accepted"),
        "faster": ("is faster", "are faster"),
        "smaller": ("needs less memory", "need less memory"),
    }
    found = [case_word(case) for case in judged]
    bad = [fate for fate in list(fates)[:9] if fate in found]
    # What is well is told only where nothing is wrong: the headline has one subject.
    shown = bad or [fate for fate in list(fates)[9:] if fate in found]
    return [(found.count(fate), *fates[fate]) for fate in shown]


def _counted(groups: list[tuple[int, str, str]], total: int) -> str:
    number, one, many = groups[0]
    first = f"{number:,} of {count(total, 'case')} {one if number == 1 else many}"
    rest = [f"{number:,} {one if number == 1 else many}" for number, one, many in groups[1:]]
    return ", ".join([first, *rest])


def _all_unchanged(decision: Decision, judged: list[CaseDecision]) -> str:
    total, tolerated = count(len(judged), "case"), sum(map(by_tolerance, judged))
    within_limits = f"{tolerated:,} of {total} within tolerance, no error rate"
    if tolerated == len(judged):
        return f"{within_limits}; {cost(decision)}"
    than = "the baseline" if decision.strategy == "baseline" else "base"
    text = f"{len(judged) - tolerated:,} of {total} as fast as {than}"
    totals = [end_to_end(case) for case in judged]
    ends = [
        abs(end - 1)
        for metric in totals
        if metric is not None
        for end in (metric.low, metric.high)
        if end is not None
    ]
    if ends:
        text += f", within {within(max(ends))}"
    if tolerated:
        text += f"; {within_limits}"
    return f"{text}; {cost(decision)}"


def cost(decision: Decision) -> str:
    """``19 launches, 11 GPU minutes``."""
    spent = device_minutes(decision.cost.device_minutes, decision.hardware_key)
    return f"{count(decision.cost.launches, 'launch', 'launches')}, {spent}"


def outputs(decision: Decision) -> dict[str, str]:
    """The action's outputs that a decision holds: ``verdict`` and ``regressions``.

    ``regressions`` is a JSON array, worst first, for ``fromJSON`` in a later step:
    ``[{"case": "wan_t2v_tiny", "metric": "DecodingStage", "ratio": 1.124}]``.
    """
    found = [
        {"case": case.id, "metric": metric.name, "ratio": _finite(metric.ratio)}
        for case in ordered_cases(decision)
        for metric in moved(case)
        if metric.verdict is Verdict.REGRESSED
    ]
    return {
        "verdict": str(decision.verdict),
        "regressions": json.dumps(found[:MAX_REGRESSIONS_TOLD], allow_nan=False),
    }


def _finite(ratio: float | None) -> float | None:
    return ratio if ratio is not None and math.isfinite(ratio) else None
