"""The sentences that every form shares: one a case, and what to do now; may not decide anything.

Plain text, not escaped: each form escapes for its own reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from perfgate.records import CASE_ID, Accepted, CaseDecision, Decision, MetricDecision, Verdict
from perfgate.report.order import (
    culprit,
    end_to_end,
    incomplete,
    moved,
    ordered_cases,
    plainly_unchanged,
)
from perfgate.report.words import (
    by_tolerance,
    case_word,
    change,
    count,
    figures,
    interval,
    known,
    within,
)
from perfgate.verdict.attribution import attribute, sentence_fragment

UNKNOWN = "?"
_CASE_ID = re.compile(CASE_ID)


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
    """The sentence of a case that is not plainly unchanged, with its machine where several are."""
    said = _said(case)
    if not case.hardware_key:
        return said
    end = "" if said.text.endswith(".") else "."
    return replace(said, text=f"{said.text}{end} On {case.hardware_key}.")


def _said(case: CaseDecision) -> Told:
    metric = culprit(case)
    if metric is not None and case.verdict is Verdict.REGRESSED and metric.accepted is not None:
        return _told_of_debt(case, metric, metric.accepted)
    if case.verdict in (Verdict.REGRESSED, Verdict.IMPROVED) and metric is not None:
        subject = f"{case.id} · {metric.name} {change(metric.ratio)}"
        return Told(subject=subject, text=_how_much_and_how_sure(case, metric))
    return Told(
        subject=f"{case.id} {_PREDICATES.get(case_word(case), '')}".strip() + ":",
        text=_reason(case),
    )


def _told_of_debt(case: CaseDecision, metric: MetricDecision, stood: Accepted) -> Told:
    """A slowdown that its permission does not cover: the reference is what counts."""
    then, head, unit = figures(stood.reference, metric.head, metric.unit)
    ended = f"It was accepted until {stood.expires}, which is over"
    if stood.state == "exceeded":
        ended = f"Accepted was at most {change(stood.ceiling)}"
    return Told(
        subject=f"{case.id} · {metric.name} {change(stood.ratio)} since {short(stood.commit)}",
        text=f"({then} → {head} {unit}); {change(metric.ratio)} against base. {ended}.",
    )


_PREDICATES = {
    "failed": "failed",
    "failed: output changed": "failed",
    "refused": "was refused",
    "missing": "is missing",
    "incomplete": "is incomplete",
    "not comparable": "is not comparable",
    "undecided": "is undecided",
    "new": "is new",
    "accepted": "is accepted",
}


def _how_much_and_how_sure(case: CaseDecision, metric: MetricDecision) -> str:
    base, head, unit = figures(metric.base, metric.head, metric.unit)
    known_to = interval(metric.low, metric.high)
    text = f"{known_to}, {base} → {head} {unit}" if known_to else f"({base} → {head} {unit})"
    total = end_to_end(case)
    if total is not None and total is not metric and total.ratio is not None:
        text += f"; end-to-end {change(total.ratio)}"
    sure = f"Sure after {count(case.pairs, 'pair')}"
    if not case.pairs:
        sure = f"From {count(case.launches, 'launch', 'launches')}, without pairs"
    if case.noise is not None:
        sure += f"; this runner's noise is {within(case.noise)}"
    more = [metric.reason, _where(case), case.detail]
    return " ".join([f"{text}. {sure}.", *(f"{_capital(part)}." for part in more if part)])


def _where(case: CaseDecision) -> str:
    """Which stage accounts for how much of an end-to-end change."""
    total = end_to_end(case)
    if total is None or not total.judged or total.verdict is not case.verdict:
        return ""
    both = [m for m in case.metrics if m.unit == "ms" and known(m.base) and known(m.head)]
    base, head = ({m.name: getattr(m, side) for m in both} for side in ("base", "head"))
    return sentence_fragment(attribute(base, head)) if total in both else ""


def _reason(case: CaseDecision) -> str:
    """Why a case has no plain verdict, and what it would take."""
    if incomplete(case):
        parts = [f"{m.name}: {m.reason}" for m in moved(case) if m.verdict is Verdict.MISSING]
    else:
        own = (f"{case.verdict}: ", "launch failed: ")
        told = case.sentence
        for start in own:
            told = told.removeprefix(start)
        parts = [told] if told else [m.reason for m in case.metrics if m.reason][:1]
    if case.verdict is Verdict.INCONCLUSIVE:
        if case.detail and case.detail not in case.sentence:
            parts.append(case.detail)
        if case.more_pairs and "more pair" not in case.sentence:
            parts.append(f"about {count(case.more_pairs, 'more pair')}")
    return "; ".join(parts)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


def worth_a_sentence(decision: Decision) -> tuple[CaseDecision, ...]:
    """The cases that are not plainly unchanged, worst first."""
    return tuple(case for case in ordered_cases(decision) if not plainly_unchanged(case))


def warnings(decision: Decision) -> tuple[tuple[str, str], ...]:
    """Every warning with the case it is about, the worst case first."""
    return tuple((case.id, text) for case in ordered_cases(decision) for text in case.warnings)


def next_step(decision: Decision) -> NextStep | None:
    """What now; None where nothing is to be done."""
    if decision.problem is not None:
        return NextStep(text=decision.problem.fix)
    command = "perfgate gate"
    if decision.base is not None and (commit := short(decision.base.commit)) != UNKNOWN:
        command += f" --base {commit}"
    words = {case_word(case): case for case in reversed(ordered_cases(decision))}
    if decision.interrupted is not None and not words.keys() & (
        _STEPS.keys() - {"undecided", "new"}
    ):
        if not _has_pairs(decision) or decision.split is not None:
            return NextStep(text="run the job again for what was not measured.")
        text = "measure on, on the same machine, what was not measured:"
        return NextStep(text=text, command=_CONTINUE)
    word = next((word for word in _STEPS if word in words), None)
    return None if word is None else _step_for(word, words[word], decision, command)


def _step_for(word: str, case: CaseDecision, decision: Decision, command: str) -> NextStep:
    """What to do about the worst case."""
    if decision.strategy == "tolerance" or by_tolerance(case):
        text = "measure both sides in pairs, which say how sure they are:"
        paired = " --strategy paired" if decision.strategy == "baseline" else ""
        return NextStep(text=text, command=f"perfgate gate{paired}")
    if word in _SEEN_LOCALLY:
        # Only what the suite allows as an id is safe to paste into a shell.
        if _CASE_ID.fullmatch(case.id):
            command += f" --case {case.id}"
        return NextStep(text=f"{_STEPS[word]} To see it on your own machine:", command=command)
    if decision.split is not None and word in ("missing", "undecided"):
        what = f"{_more_pairs(decision)} Run" if word == "undecided" else "see the log of, and run"
        return NextStep(text=f"{what} the jobs of those shards again.")
    if word == "undecided" and _has_pairs(decision):
        text = f"{_more_pairs(decision)} To measure on, on the same machine:"
        return NextStep(text=text, command=_CONTINUE)
    if word == "not comparable" and decision.strategy != "baseline":
        return NextStep(
            text="nothing; what is computed now is judged once it is on the base branch."
        )
    return NextStep(text=_STEPS[word], command=_TO_WRITE.get(word))


def comment_commands(decision: Decision) -> tuple[str, ...]:
    """What may be asked for in a comment about the worst case that is slower or undecided."""
    wanted = (Verdict.REGRESSED, Verdict.INCONCLUSIVE)
    case = next((case for case in ordered_cases(decision) if case.verdict in wanted), None)
    if case is None or not _CASE_ID.fullmatch(case.id):
        return ()
    others = (f"/perfgate explain {case.id}", f"/perfgate rerun {case.id}")
    if case.verdict is Verdict.INCONCLUSIVE:
        return others
    metric = culprit(case)
    named = f" {metric.name}" if metric is not None and _CASE_ID.fullmatch(metric.name) else ""
    accept = f"/perfgate accept {case.id}{named} until YYYY-MM-DD because … #123"
    return (accept, *others)


def _has_pairs(decision: Decision) -> bool:
    return decision.base is not None and decision.strategy != "baseline"


def _more_pairs(decision: Decision) -> str:
    """How many pairs the undecided cases are expected to need together."""
    waiting = [case for case in decision.cases if case_word(case) == "undecided"]
    foretold = [case.more_pairs for case in waiting if case.more_pairs]
    if len(foretold) < len(waiting):
        quieter = "a quieter machine may decide it sooner."
        return f"how many more pairs it takes cannot be foretold; {quieter}"
    return f"about {count(sum(foretold), 'more pair')} would decide it."


_CONTINUE = "perfgate gate --continue"

_STEPS = {
    "slower": "fix it.",
    "larger": "fix it.",
    "failed: output changed": (
        "find out why the output differs. Where that is meant, a reviewed change of the base "
        "branch says so first, at the case:"
    ),
    "failed": "read the end of the log and mend the benchmark.",
    "refused": (
        "write `launch: fresh`, or measure how often resident servers block equal sides on this "
        "machine, from the default branch, and commit the file:"
    ),
    "missing": "bring the case back, or remove it in a pull request of its own.",
    "incomplete": (
        "see why one side does not report it. Where that is meant, the base branch can let it "
        "through:"
    ),
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
_TO_WRITE = {
    "refused": "perfgate calibrate --resident",
    "failed: output changed": 'allow: {output: "why"}',
    "incomplete": "gate: {missing: neutral}",
}
_SEEN_LOCALLY = frozenset({"slower", "larger", "failed"})


def short(commit: str) -> str:
    """The first digits of a commit, or a question mark for what is no commit."""
    digits = commit[:12].lower()
    return digits if digits and set(digits) <= set("0123456789abcdef") else UNKNOWN
