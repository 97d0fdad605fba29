"""The sentences that every form shares: one a case, and what to do now; may not decide anything.

Plain text, not escaped: each form escapes for its own reader.
"""

from __future__ import annotations

from dataclasses import dataclass

from perfgate.records import CaseDecision, Decision, MetricDecision, Verdict
from perfgate.report.conclusion import fate_of
from perfgate.report.rows import (
    WITHOUT_NUMBERS,
    culprit,
    end_to_end,
    ordered_cases,
    plainly_unchanged,
)
from perfgate.report.words import case_word, change, count, figures, interval, within


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What is said of a case: what to look at, then how much and how sure."""

    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.subject} {self.text}".strip()


@dataclass(frozen=True, kw_only=True, slots=True)
class NextStep:
    """What to do now, and the command to type for it."""

    text: str
    command: str | None = None


def told(case: CaseDecision) -> Told:
    """The sentence of a case that is not plainly unchanged."""
    metric = culprit(case)
    if case.verdict in WITHOUT_NUMBERS:
        return Told(subject=f"{case.id} {_predicate(case)}.", text=_reason(case))
    if case.verdict is Verdict.INCONCLUSIVE:
        return Told(subject=f"{case.id} {_predicate(case)}.", text=_what_it_takes(case))
    if metric is None or case.verdict in (Verdict.NEW, Verdict.ACCEPTED):
        return Told(subject=f"{case.id} {_predicate(case)}.", text=case.sentence)
    return Told(
        subject=f"{case.id} · {metric.name} {change(metric.ratio)}",
        text=_how_much_and_how_sure(case, metric),
    )


def _predicate(case: CaseDecision) -> str:
    word = case_word(case)
    return word if case.verdict is Verdict.FAILED else f"is {word}"


def _how_much_and_how_sure(case: CaseDecision, metric: MetricDecision) -> str:
    base, head, unit = figures(metric.base, metric.head, metric.unit)
    text = f"{interval(metric.low, metric.high)}, {base} → {head} {unit}".removeprefix(", ")
    total = end_to_end(case)
    if total is not None and total is not metric and total.ratio is not None:
        text += f"; end-to-end {change(total.ratio)}"
    sure = f"Sure after {count(case.pairs, 'pair')}"
    if not case.pairs:
        sure = f"From {count(case.launches, 'launch', 'launches')}, without pairs"
    if case.noise is not None:
        sure += f"; this runner's noise is {within(case.noise)}"
    return " ".join([f"{text}. {sure}.", metric.reason]).strip()


def _what_it_takes(case: CaseDecision) -> str:
    told = case.sentence or f"{count(case.pairs, 'pair')} did not decide it."
    if case.more_pairs and "more pair" not in told:
        told += f" About {count(case.more_pairs, 'more pair')} would decide it."
    return told


def _reason(case: CaseDecision) -> str:
    reasons = (case.sentence, *(metric.reason for metric in case.metrics))
    return next((reason for reason in reasons if reason), "")


def worth_a_sentence(decision: Decision) -> tuple[CaseDecision, ...]:
    """The cases that are not plainly unchanged, worst first."""
    return tuple(case for case in ordered_cases(decision) if not plainly_unchanged(case))


def next_step(decision: Decision) -> NextStep | None:
    """What now; None where nothing is to be done."""
    if decision.problem is not None:
        return NextStep(text=decision.problem.fix)
    command = "perfgate gate"
    if decision.base is not None and (commit := short(decision.base.commit)) != UNKNOWN:
        command += f" --base {commit}"
    fates = {fate_of(case) for case in decision.cases}
    if decision.interrupted is not None and fates <= {
        "undecided",
        "unchanged",
        "faster",
        "smaller",
    }:
        return NextStep(text="run the job again for what was not measured.")
    for fate, step in _STEPS.items():
        if fate in fates:
            if fate in _SEEN_LOCALLY:
                return NextStep(text=f"{step} To see it on your own machine:", command=command)
            return NextStep(text=step, command=_TO_WRITE.get(fate))
    return None


_STEPS = {
    "slower": "fix it.",
    "larger": "fix it.",
    "output changed": (
        "find out why the output differs. Where that is meant, a reviewed change of the base "
        "branch says so first, at the case:"
    ),
    "failed": "read the end of the log and mend the benchmark.",
    "missing": "bring the case back, or remove it in a pull request of its own.",
    "not comparable": (
        "judge it in pairs, which need no stored figures (gate.strategy: paired), or renew the "
        "baseline on this hardware."
    ),
    "undecided": (
        "run it on a quieter machine, or allow more pairs and minutes (gate.max_pairs, "
        "gate.budget)."
    ),
    "new": "nothing; the case is judged once it is on the base branch.",
}
_TO_WRITE = {"output changed": 'allow: {output: "why"}'}
_SEEN_LOCALLY = frozenset({"slower", "larger", "failed"})


UNKNOWN = "?"


def short(commit: str) -> str:
    """The first digits of a commit, or a question mark for what is no commit."""
    digits = commit[:12].lower()
    return digits if digits and set(digits) <= set("0123456789abcdef") else UNKNOWN
