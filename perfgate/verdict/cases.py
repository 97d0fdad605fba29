"""One case's decision in each way it can come about: pairs, baseline, screen, or none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from perfgate.records import (
    CaseDecision,
    CaseRecord,
    Launch,
    MetricDecision,
    Record,
    Side,
    Verdict,
)
from perfgate.verdict.against_baseline import JobJudge, measured
from perfgate.verdict.baseline import MIN_JOBS, StoredJobs
from perfgate.verdict.conclude import case_verdict
from perfgate.verdict.conditions import burn_in_of, condition_warnings, pairs_of
from perfgate.verdict.hierarchy import Hierarchy
from perfgate.verdict.judge import CaseJudge
from perfgate.verdict.metrics import END_TO_END, failure_of, is_usable, launch_metrics
from perfgate.verdict.output import OutputCheck, check_outputs
from perfgate.verdict.plain import PlainFigures
from perfgate.verdict.rows import head_rows, not_the_same_work, pair_rows
from perfgate.verdict.screen import Screen, screen, screen_applies
from perfgate.verdict.sentences import leading_sentence, paired_sentence
from perfgate.verdict.wording import change, count, duration
from perfgate.verdict.work import flops_warnings


@dataclass(frozen=True, kw_only=True)
class Evidences:
    """What a case is judged with besides its own launches."""

    record: Record
    hierarchy: Hierarchy
    baselines: Mapping[str, StoredJobs]
    plain: Mapping[str, PlainFigures] = field(default_factory=dict)
    permitted: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def screened(self, case: CaseRecord) -> StoredJobs | None:
        """The stored jobs, where ``auto`` lets them pass this case."""
        stored = self.baselines.get(case.id)
        if case.resident or self.record.policy.strategy != "auto":
            return None
        if not screen_applies(
            stored,
            workload_hash=case.workload_hash,
            must_match=self.record.fingerprint.must_match,
        ):
            return None
        return stored


def by_pairs(case: CaseRecord, known: Evidences) -> CaseDecision:
    """The sequential rule, run again over the recorded pairs in their order."""
    judge = CaseJudge(
        case_id=case.id,
        policy=known.record.policy,
        hierarchy=known.hierarchy,
        history=case.history,
        allow=case.allow,
        screened=known.screened(case) is not None,
        permitted=known.permitted.get(case.id, ()),
    )
    for base, head in pairs_of(case.launches):
        judge.observe(base, head)
    broken = [launch for launch in case.launches if failure_of(launch) is not None]
    rows = pair_rows(judge) or head_rows(case.launches, Verdict.FAILED)
    whole = judge.evidence(END_TO_END)
    extra: dict[str, Any] = {
        "pairs": whole.pairs if whole is not None else 0,
        "noise": whole.noise if whole is not None else None,
        "output": judge.output.state,
        "warnings": _output_warnings(judge.output),
        "metrics": rows,
    }
    if judge.output.state == "changed":
        detail = f"output changed: {judge.output.what}"
        extra["metrics"] = not_the_same_work(rows)
        return _case(case, Verdict.FAILED, detail=detail, sentence=detail, **extra)
    if broken and not judge.accused:
        return failed(case, broken[0], **extra)
    if whole is None:
        return undecided(case, known.record)
    verdict = case_verdict(rows)
    waiting = verdict is Verdict.INCONCLUSIVE
    detail = (case.stopped or known.record.interrupted or "") if waiting else ""
    sentence = paired_sentence(judge, rows)
    if judge.output.state == "allowed":
        sentence = f"{sentence}; output changed: {judge.output.what}"
    if broken:
        detail = f"then a launch failed: {_told(broken[0])}"
    if waiting:
        extra["more_pairs"] = whole.more_pairs or None
    return _case(case, verdict, detail=detail, sentence=sentence, **extra)


def _output_warnings(check: OutputCheck) -> tuple[str, ...]:
    """What a reviewer should know of outputs that fail nothing."""
    if check.state == "allowed":
        return (f"output changed: {check.what}",)
    if check.state == "not checked" and check.what:
        return (f"outputs were not compared: {check.what}",)
    return ()


def by_stored(case: CaseRecord, known: Evidences) -> CaseDecision:
    """The head launches against the stored jobs, or plain figures where those are too few."""
    decided = by_baseline(case, known)
    plain, stored = known.plain.get(case.id), known.baselines.get(case.id)
    enough = stored is not None and len(stored.jobs) >= MIN_JOBS
    if plain is None or enough or decided.verdict not in (Verdict.NEW, Verdict.INCONCLUSIVE):
        return decided
    heads = [one for one in case.launches if one.side is Side.HEAD and one.pair is not None]
    usable = [launch for launch in heads if is_usable(launch)]
    if not usable:
        return undecided(case, known.record)
    told = plain.judge(case.id, usable)
    warnings = (*told.warnings, *decided.warnings)
    return told.model_copy(update={"output": decided.output, "warnings": warnings})


def by_baseline(case: CaseRecord, known: Evidences) -> CaseDecision:
    """The head launches against the stored jobs."""
    stored = known.baselines.get(case.id)
    key = known.record.fingerprint.hardware_key
    if stored is None or not stored.jobs:
        return new(case, f"no baseline for {key} yet")
    launches = measured(case.launches)
    if not launches:
        return undecided(case, known.record)
    why = stored.why_incomparable(
        workload_hash=case.workload_hash, must_match=known.record.fingerprint.must_match
    )
    if why:
        return incomparable(case, why)
    judge = JobJudge(stored=stored, launches=launches, hierarchy=known.hierarchy, case_id=case.id)
    rows = judge.rows()
    told = f"{count(len(launches), 'launch')} against {count(len(stored.jobs), 'job')}"
    found = judge.prediction(END_TO_END)
    noise = found.spread if found is not None else None
    spread = "" if noise is None else f"; spread between jobs ±{100.0 * noise:.1f} %"
    heads = [one for one in case.launches if one.side is Side.HEAD and one.pair is not None]
    usable = [launch for launch in heads if is_usable(launch)]
    output = check_outputs(stored.produced(), usable, allow=case.allow)
    extra: dict[str, Any] = {
        "output": output.state,
        "warnings": _beside_jobs(case, stored, output),
        "noise": noise,
    }
    if output.state == "changed":
        detail = f"output changed: {output.what} (beside the baseline's newest job)"
        extra["metrics"] = not_the_same_work(rows)
        return _case(case, Verdict.FAILED, detail=detail, sentence=detail, **extra)
    sentence = leading_sentence(rows, certain=f"{told}{spread}")
    doubts = [row for row in rows if row.judged and row.verdict is Verdict.INCONCLUSIVE]
    if doubts:
        sentence = f"{sentence}; undecided: {doubts[0].name}, {doubts[0].reason}"
    return _case(case, case_verdict(rows), sentence=sentence, metrics=rows, **extra)


def by_screen(case: CaseRecord, known: Evidences) -> CaseDecision | None:
    """Passed by the screen of ``auto``, or None where it does not pass the case."""
    stored = known.screened(case)
    two = _first_two(case)
    if stored is None or two is None:
        return None
    seen = screen(stored, burn_in=two[0], first=two[1], hierarchy=known.hierarchy, case_id=case.id)
    if not seen.passed:
        return None
    rows = _screen_rows(seen, stored, two)
    ratio, low, high = seen.predictions[END_TO_END].interval()
    sentence = (
        f"{change(ratio, low, high)} against {count(seen.jobs, 'job')} of the baseline, 2 launches"
    )
    return _case(
        case,
        Verdict.PASSED,
        sentence=sentence,
        output=seen.output.state,
        warnings=_beside_jobs(case, stored, seen.output),
        metrics=rows,
    )


def _beside_jobs(case: CaseRecord, stored: StoredJobs, output: OutputCheck) -> tuple[str, ...]:
    """What is to be known of head's work beside that of the stored jobs."""
    heads = [launch for launch in case.launches if launch.side is Side.HEAD]
    operations = flops_warnings(stored.produced(), heads, allow=case.allow)
    return (*_output_warnings(output), *operations)


def _first_two(case: CaseRecord) -> tuple[Launch, Launch] | None:
    """The burn-in and the first head launch."""
    burn_in = burn_in_of(case.launches)
    heads = [
        launch for launch in case.launches if launch.pair is not None and launch.side == "head"
    ]
    return (burn_in, heads[0]) if burn_in is not None and heads else None


def _screen_rows(
    seen: Screen, stored: StoredJobs, two: tuple[Launch, Launch]
) -> tuple[MetricDecision, ...]:
    first, second = (launch_metrics(launch) for launch in two)
    rows = []
    for name, found in seen.predictions.items():
        ratio, low, high = found.interval()
        rows.append(
            MetricDecision(
                name=name,
                unit="ms",
                base=stored.median(name),
                head=min(first[name], second[name]),
                ratio=ratio,
                low=low,
                high=high,
                verdict=Verdict.PASSED,
                reason="by the screen: the faster of two launches",
            )
        )
    return tuple(rows)


def new(case: CaseRecord, why: str = "new: nothing to compare with yet") -> CaseDecision:
    """A case that has no past."""
    rows = head_rows(case.launches, Verdict.NEW)
    whole = next((row.head for row in rows if row.name == END_TO_END), None)
    sentence = why if whole is None else f"{why}; end-to-end {duration(whole)}"
    return _case(case, Verdict.NEW, detail=why, sentence=sentence, metrics=rows)


def incomparable(case: CaseRecord, why: str) -> CaseDecision:
    """A case whose figures must not become a ratio."""
    rows = head_rows(case.launches, Verdict.INCOMPARABLE)
    return _case(case, Verdict.INCOMPARABLE, detail=why, sentence=why, metrics=rows)


def undecided(case: CaseRecord, record: Record) -> CaseDecision:
    """A case that ended before anything could be compared."""
    why = case.stopped or record.interrupted or "not one pair was measured"
    rows = head_rows(case.launches, Verdict.INCONCLUSIVE)
    return _case(case, Verdict.INCONCLUSIVE, detail=why, sentence=why, metrics=rows)


def refused(case: CaseRecord, why: str) -> CaseDecision:
    """A case that was not launched, since nothing permits a verdict from its launches."""
    return _case(case, Verdict.FAILED, detail=why, sentence=why, refused=True)


def failed(case: CaseRecord, launch: Launch, **extra: Any) -> CaseDecision:  # noqa: ANN401
    """A case of which a launch died, with the end of its log."""
    detail = f"launch failed: {_told(launch)}"
    fields = {"metrics": head_rows(case.launches, Verdict.FAILED), **extra}
    return _case(
        case, Verdict.FAILED, detail=detail, sentence=detail, log_tail=launch.log_tail, **fields
    )


def _told(launch: Launch) -> str:
    reason = failure_of(launch) or ""
    return f"base: {reason}" if launch.side == "base" else reason


def _case(case: CaseRecord, verdict: Verdict, **fields: Any) -> CaseDecision:  # noqa: ANN401
    fields["warnings"] = (
        *fields.get("warnings", ()),
        *flops_warnings(
            [launch for launch in case.launches if launch.side is Side.BASE],
            [launch for launch in case.launches if launch.side is Side.HEAD],
            allow=case.allow,
        ),
        *condition_warnings(case.launches),
    )
    return CaseDecision(id=case.id, verdict=verdict, launches=len(case.launches), **fields)
