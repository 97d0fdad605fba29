"""Makes documents for tests from the few numbers a test is about; may not decide anything.

A launch is written as its end-to-end milliseconds (``1000``), as keyword arguments of
:func:`a_report` (``{"total": 1000, "DecodingStage": 150}``), as the reason why it failed
(``"exit status 1"``), as ``None`` where there was none, or as a finished :class:`Launch`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from perfgate.records import (
    SEVERITY,
    Accuracy,
    CaseDecision,
    CaseRecord,
    Cost,
    Decision,
    Fingerprint,
    GatePolicy,
    Launch,
    MetricDecision,
    Origin,
    OutputFingerprint,
    Record,
    Report,
    Side,
    Stage,
    TensorSummary,
    Tree,
    Verdict,
)
from perfgate.verdict.acceptance import Acceptance, Reference

BASE_COMMIT = "b" * 40
HEAD_COMMIT = "a" * 40
WHEN = "2026-01-01T00:00:00+00:00"
WORKLOAD = "0123456789abcdef"

LaunchLike = float | str | Mapping[str, Any] | Launch | None


def a_report(
    total: float = 1000.0,
    *,
    steps: Sequence[float] | None = None,
    peak_memory_mb: float | None = None,
    load_ms: float | None = None,
    flops: float | None = None,
    output: OutputFingerprint | None = None,
    **stages: float,
) -> Report:
    """A request: without ``stages`` 5 % text encoding, 80 % denoising in 8 steps, 15 % decoding."""
    shares = {"TextEncodingStage": 0.05, "DenoisingStage": 0.80, "DecodingStage": 0.15}
    named = stages or {name: share * total for name, share in shares.items()}
    if steps is None:
        steps = [named["DenoisingStage"] / 8] * 8 if "DenoisingStage" in named else []
    return Report(
        total_duration_ms=total,
        stages=tuple(Stage(name=name, duration_ms=ms) for name, ms in named.items()),
        steps_ms=tuple(steps),
        load_ms=load_ms,
        peak_memory_mb=peak_memory_mb,
        flops=flops,
        output=output,
    )


_OF_ITS_MEANS = "of its means"


def an_output(sha256: str | None = _OF_ITS_MEANS, **means: float) -> OutputFingerprint:
    """What a request computed: one tensor a stage, with deviation 1, norm 10 and a hash of all."""
    if sha256 == _OF_ITS_MEANS:
        sha256 = hashlib.sha256(repr(means).encode()).hexdigest()
    return OutputFingerprint(
        stages=tuple(
            TensorSummary(name=name, shape=(1, 4), mean=mean, deviation=1.0, norm=10.0)
            for name, mean in means.items()
        ),
        sha256=sha256,
    )


def a_launch(
    side: str = "head",
    pair: int | None = 0,
    total: float = 1000.0,
    *,
    order: int = 0,
    reports: Sequence[Report] | None = None,
    requests: int = 1,
    duration_s: float | None = None,
    failure: str | None = None,
    log_tail: str = "",
    output_files: Mapping[str, str] | None = None,
    outputs: Sequence[TensorSummary] = (),
    undecoded: Mapping[str, str] | None = None,
    **report: Any,
) -> Launch:
    """One process of one side; ``report`` goes to :func:`a_report`, ``failure`` leaves none."""
    if failure is not None:
        reports = ()
    elif reports is None:
        reports = [a_report(total, **report)] * requests
    return Launch(
        side=Side(side),
        pair=pair,
        order=order,
        started_at=WHEN,
        duration_s=6.0 if duration_s is None else duration_s,
        reports=tuple(reports),
        failure=failure,
        log_tail=log_tail,
        output_files=dict(output_files or {}),
        outputs=tuple(outputs),
        undecoded=dict(undecoded or {}),
    )


def _launch(what: LaunchLike, *, side: str, pair: int | None, order: int) -> Launch | None:
    if what is None:
        return None
    if isinstance(what, Launch):
        return what.model_copy(update={"side": Side(side), "pair": pair, "order": order})
    if isinstance(what, str):
        return a_launch(side, pair, order=order, failure=what)
    if isinstance(what, Mapping):
        return a_launch(side, pair, order=order, **what)
    return a_launch(side, pair, what, order=order)


def a_case_record(
    id: str = "wan_t2v_tiny",  # noqa: A002 - the word that the documents use
    base: Sequence[LaunchLike] = (1000, 1001, 999, 1000),
    head: Sequence[LaunchLike] = (1000, 999, 1001, 1000),
    *,
    burn_in: LaunchLike = "like the first head launch",
    origin: Origin = Origin.JUDGED,
    allow: Mapping[str, str] | None = None,
    accuracy: Accuracy | None = None,
    stopped: str | None = None,
    workload_hash: str = WORKLOAD,
) -> CaseRecord:
    """A case with a head burn-in launch and pairs in the order BA AB BA AB …"""
    if burn_in == "like the first head launch":
        burn_in = next((one for one in head if one is not None and not isinstance(one, str)), None)
    launches = [_launch(burn_in, side="head", pair=None, order=0)]
    for pair in range(max(len(base), len(head))):
        turn = (
            [("base", base), ("head", head)] if pair % 2 == 0 else [("head", head), ("base", base)]
        )
        for side, values in turn:
            what = values[pair] if pair < len(values) else None
            launches.append(_launch(what, side=side, pair=pair, order=len(launches)))
    return CaseRecord(
        id=id,
        workload_hash=workload_hash,
        origin=origin,
        allow=dict(allow or {}),
        launches=tuple(launch for launch in launches if launch is not None),
        accuracy=accuracy,
        stopped=stopped,
    )


def a_fingerprint(hardware_key: str = "cpu-test-x2", **must_match: str) -> Fingerprint:
    return Fingerprint(
        hardware_key=hardware_key,
        must_match=must_match or {"torch": "2.13.0"},
        told={"runner": "test"},
    )


def a_record(
    cases: Sequence[CaseRecord] | None = None,
    *,
    suite: str = "perfgate",
    hardware_key: str = "cpu-test-x2",
    fingerprint: Fingerprint | None = None,
    created_at: str = WHEN,
    notes: Sequence[str] = (),
    interrupted: str | None = None,
    base: Tree | None = Tree(commit=BASE_COMMIT, ref="main"),  # noqa: B008 - frozen
    head: Tree = Tree(commit=HEAD_COMMIT, ref="feature"),  # noqa: B008 - frozen
    **policy: Any,
) -> Record:
    """A job; ``policy`` are fields of GatePolicy, the strategy is ``paired`` unless told."""
    return Record(
        perfgate="0.1.0",
        suite=suite,
        created_at=created_at,
        fingerprint=fingerprint or a_fingerprint(hardware_key),
        policy=GatePolicy(**{"strategy": "paired", **policy}),
        base=base,
        head=head,
        cases=tuple([a_case_record()] if cases is None else cases),
        notes=tuple(notes),
        interrupted=interrupted,
    )


def a_metric(
    name: str = "end-to-end",
    base: float | None = 1000.0,
    head: float | None = 1000.0,
    verdict: str = "passed",
    *,
    unit: str = "ms",
    low: float | None = None,
    high: float | None = None,
    judged: bool = True,
    reason: str = "",
) -> MetricDecision:
    """A row of the table; the interval is one per cent to either side unless told."""
    ratio = head / base if base and head is not None else None
    return MetricDecision(
        name=name,
        unit=unit,
        base=base,
        head=head,
        ratio=ratio,
        low=low if low is not None or ratio is None else ratio * 0.99,
        high=high if high is not None or ratio is None else ratio * 1.01,
        verdict=Verdict(verdict),
        judged=judged,
        reason=reason,
    )


def a_case_decision(
    id: str = "wan_t2v_tiny",  # noqa: A002 - the word that the documents use
    verdict: str = "passed",
    metrics: Sequence[MetricDecision] | None = None,
    *,
    pairs: int = 4,
    launches: int | None = None,
    **rest: Any,
) -> CaseDecision:
    return CaseDecision(
        id=id,
        verdict=Verdict(verdict),
        metrics=tuple([a_metric(verdict=verdict)] if metrics is None else metrics),
        pairs=pairs,
        launches=2 * pairs + 1 if launches is None else launches,
        **rest,
    )


_EXIT_CODE = {"regressed": 1, "failed": 4, "missing": 7}


def a_decision(cases: Sequence[CaseDecision] | None = None, **rest: Any) -> Decision:
    """What is told; verdict, exit code, counts and cost follow the cases unless told."""
    cases = tuple([a_case_decision()] if cases is None else cases)
    verdict = min((case.verdict for case in cases), key=SEVERITY.index, default=Verdict.FAILED)
    exit_code = rest.get("exit_code", _EXIT_CODE.get(str(verdict), 0))
    neutral = verdict in (Verdict.INCONCLUSIVE, Verdict.INCOMPARABLE, Verdict.NEW)
    launches = sum(case.launches for case in cases)
    return Decision(
        **{
            "perfgate": "0.1.0",
            "suite": "perfgate",
            "conclusion": "failure" if exit_code else "neutral" if neutral else "success",
            "verdict": verdict,
            "exit_code": exit_code,
            "strategy": "paired",
            "hardware_key": "cpu-test-x2",
            "base": Tree(commit=BASE_COMMIT, ref="main"),
            "head": Tree(commit=HEAD_COMMIT, ref="feature"),
            "counts": {
                str(word): sum(case.verdict == word for case in cases)
                for word in Verdict
                if any(case.verdict == word for case in cases)
            },
            "cost": Cost(launches=launches, device_minutes=launches * 0.1),
            "cases": cases,
            **rest,
        }
    )


def an_acceptance(
    case: str = "wan_t2v_tiny",
    metric: str = "end-to-end",
    *,
    reference: float = 1000.0,
    unit: str = "ms",
    ceiling: float = 1.15,
    expires: date = date(2026, 6, 30),
    hardware: str = "cpu-test-x2",
    **rest: Any,
) -> Acceptance:
    """A permission for :func:`a_case_record`: up to 15 % slower until the end of June."""
    return Acceptance(
        **{
            "case": case,
            "metric": metric,
            "hardware": hardware,
            "reference": Reference(value=reference, unit=unit, commit="c" * 40),
            "ceiling": ceiling,
            "reason": "the new sampler is better",
            "issue": "https://github.com/o/r/issues/7",
            "expires": expires,
            "asked_by": "octocat",
            **rest,
        }
    )
