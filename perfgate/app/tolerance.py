"""Decides by sglang's tolerance rule, for dumps and for files that hold one figure a metric.

Nothing here knows how often that rule is wrong, and everything that it decides says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from perfgate import __version__
from perfgate.app.documents import ACCEPTED, Dump
from perfgate.baselines.sglang import SglangBaseline, default_tolerances
from perfgate.errors import ConfigurationError
from perfgate.records import (
    CaseDecision,
    CaseRecord,
    Cost,
    Decision,
    GatePolicy,
    Record,
    Side,
    Tree,
    Verdict,
)
from perfgate.verdict.cases import failed, new, undecided
from perfgate.verdict.conclude import conclude
from perfgate.verdict.decide import cost_of, counts_of
from perfgate.verdict.metrics import failure_of, is_usable
from perfgate.verdict.plain import PlainFigures
from perfgate.verdict.tolerance import Expected, expected_of, judge_run, run_of

STRATEGY = "tolerance"
UNKNOWN_MACHINE = "unknown"
_RULE = (
    "decided by sglang's tolerance rule, profile {}: no error rate is known for it, and it never "
    "claims an improvement"
)
_MOST_NAMED = 8
_MS_PER_MINUTE = 60_000.0


def compare_dumps(base: Dump, head: Dump, *, scenario: str | None, profile: str) -> Decision:
    """Head's figures against base's, with the tolerances of sglang's H100 file."""
    name = scenario or "request"
    tolerances = default_tolerances(profile)
    other = [
        f"{key}: {base.meta[key]} → {head.meta[key]}"
        for key in base.meta.keys() & head.meta.keys()
        if base.meta[key] != head.meta[key]
    ]
    if other:
        why = f"another workload: {'; '.join(sorted(other))}"
        case = CaseDecision(
            id=name, verdict=Verdict.INCOMPARABLE, detail=why, sentence=why, launches=2
        )
    else:
        before = run_of(base.reports, denoising=base.denoising)
        run = run_of(head.reports, denoising=head.denoising)
        expected = expected_of(before, name)
        case = judge_run(expected, run, tolerances=tolerances, launches=2)
    return _decision(
        [case],
        notes=[_RULE.format(profile)],
        base=Tree(commit=base.commit, ref=base.name),
        head=Tree(commit=head.commit, ref=head.name),
        cost=_cost(base, head),
    )


def compare_dump(
    baseline: SglangBaseline, head: Dump, *, path: Path, scenario: str | None, profile: str
) -> Decision:
    """A dump's figures against one scenario of the file."""
    name = scenario or _only_scenario(baseline, head)
    expected = baseline.expected(name)
    if expected is None:
        raise ConfigurationError(
            f"{path} has no scenario {name!r}",
            fix=f"Name one of its scenarios: {_named(list(baseline.scenarios))}.",
        )
    case = judge_run(
        expected,
        run_of(head.reports, denoising=head.denoising),
        tolerances=baseline.tolerances_of(profile),
        fractions=baseline.sampling.step_fractions,
    )
    notes = told_of(baseline, name=path.name, profile=profile)
    if baseline.has_overrides_for(name):
        notes.append("a dump names no runner: the figures for all runners were used")
    tree = Tree(commit=head.commit, ref=head.name)
    return _decision([case], notes=notes, base=None, head=tree, cost=_cost(head))


def compare_record(
    baseline: SglangBaseline, record: Record, *, path: Path, scenario: str | None, profile: str
) -> Decision:
    """The head launches of a record against the scenarios that its cases are called like."""
    if scenario is not None and len(record.cases) != 1:
        raise ConfigurationError(
            f"the record holds {len(record.cases)} cases, and --scenario names one",
            fix="Leave it out: a case is held against the scenario of its name.",
        )
    names = {case.id: scenario or case.id for case in record.cases}
    if not baseline.scenarios.keys() & set(names.values()):
        raise ConfigurationError(
            f"{path} has none of the scenarios {_named(sorted(names.values()))}",
            fix=f"Name one of its scenarios: {_named(list(baseline.scenarios))}.",
        )
    runner = record.fingerprint.told.get("runner", "")
    cases = [
        _case(
            baseline.expected(names[case.id], runner=runner),
            case,
            record,
            baseline=baseline,
            profile=profile,
        )
        for case in record.cases
    ]
    decision = _decision(
        cases,
        notes=[*record.notes, *told_of(baseline, name=path.name, profile=profile)],
        base=None,
        head=record.head,
        cost=cost_of(record.cases),
        policy=record.policy,
    )
    return decision.model_copy(
        update={
            "suite": record.suite,
            "hardware_key": record.fingerprint.hardware_key,
            "told": {**record.fingerprint.must_match, **record.fingerprint.told},
            "interrupted": record.interrupted,
        }
    )


def _case(
    expected: Expected | None,
    case: CaseRecord,
    record: Record,
    *,
    baseline: SglangBaseline,
    profile: str,
) -> CaseDecision:
    heads = [one for one in case.launches if one.side is Side.HEAD and one.pair is not None]
    broken = [launch for launch in heads if failure_of(launch) is not None]
    if broken:
        return failed(case, broken[0])
    usable = [launch for launch in heads if is_usable(launch)]
    if not usable:
        return undecided(case, record)
    if expected is None:
        return new(case, "the file has no such scenario")
    return plain_figures(baseline, expected, profile=profile).judge(case.id, usable)


def plain_figures(baseline: SglangBaseline, expected: Expected, *, profile: str) -> PlainFigures:
    """What the file expects of a scenario, with the file's own rules for it."""
    return PlainFigures(
        expected=expected,
        tolerances=baseline.tolerances_of(profile),
        fractions=baseline.sampling.step_fractions,
    )


def _decision(
    cases: Sequence[CaseDecision],
    *,
    notes: Sequence[str],
    base: Tree | None,
    head: Tree,
    cost: Cost,
    policy: GatePolicy | None = None,
) -> Decision:
    outcome = conclude(cases, policy or GatePolicy())
    return Decision(
        perfgate=__version__,
        suite="perfgate",
        conclusion=outcome.conclusion,
        verdict=outcome.verdict,
        exit_code=int(outcome.exit_code),
        strategy=STRATEGY,
        hardware_key=UNKNOWN_MACHINE,
        base=base,
        head=head,
        counts=counts_of(cases),
        cost=cost,
        cases=tuple(cases),
        notes=tuple(notes),
    )


def told_of(baseline: SglangBaseline, *, name: str, profile: str) -> list[str]:
    """What a reader of a decision by the file called ``name`` must know."""
    told = [_RULE.format(profile)]
    if not baseline.tolerances:
        told.append(f"{name} holds no tolerances: those of sglang's H100 file were used")
    about = [baseline.metadata.get(key) for key in ("hardware", "last_updated")]
    known = [text for text in about if isinstance(text, str)]
    if known:
        told.append(f"{name} says of its figures: {', '.join(known)}")
    return told


def _cost(*dumps: Dump) -> Cost:
    spent = [report.total_duration_ms for dump in dumps for report in dump.reports]
    return Cost(launches=len(dumps), device_minutes=sum(spent) / _MS_PER_MINUTE)


def _only_scenario(baseline: SglangBaseline, head: Dump) -> str:
    if len(baseline.scenarios) == 1:
        return next(iter(baseline.scenarios))
    raise ConfigurationError(
        f"{head.name} does not say which of {len(baseline.scenarios)} scenarios it is of",
        fix=f"Name it with --scenario, for example {_named(list(baseline.scenarios))}. {ACCEPTED}",
    )


def _named(names: Sequence[str]) -> str:
    shown = [name[:100] for name in names[:_MOST_NAMED]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
