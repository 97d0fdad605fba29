"""What is decided, and all that is told of it. Measures nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from perfgate.records.measured import Tree
from perfgate.records.value import Finite, NonNegative, Value


class Verdict(StrEnum):
    """The one word for a metric or a case; a case carries the worst of its judged metrics."""

    PASSED = "passed"
    IMPROVED = "improved"
    REGRESSED = "regressed"
    ACCEPTED = "accepted"
    INCONCLUSIVE = "inconclusive"
    NEW = "new"
    MISSING = "missing"
    INCOMPARABLE = "incomparable"
    FAILED = "failed"


SEVERITY: tuple[Verdict, ...] = (
    Verdict.REGRESSED,
    Verdict.FAILED,
    Verdict.MISSING,
    Verdict.INCOMPARABLE,
    Verdict.INCONCLUSIVE,
    Verdict.NEW,
    Verdict.ACCEPTED,
    Verdict.IMPROVED,
    Verdict.PASSED,
)
"""Worst first: the order of rows, and how several verdicts become one word."""


class Accepted(Value):
    """How a permission to be slower stood on the day of the job, beside the figure of head.

    ``ratio`` and ``ceiling`` are to the ``reference``, the figure from before the slowdown at
    ``commit``. ``state``: it holds, is over, its ceiling is exceeded, or nothing is owed any more.
    """

    state: Literal["holds", "over", "exceeded", "paid"]
    ratio: Finite
    ceiling: Finite
    reference: Finite
    commit: str
    reason: str
    issue: str
    expires: str
    days_left: int


class MetricDecision(Value):
    """One metric of one case: medians of the launches, and the ratio with its interval.

    ``judged`` is false for what is shown without being able to block (small stages, CPU memory).
    ``first`` and ``best`` are the first and the lowest figure that was ever accepted as a baseline
    of this workload, ``None`` where no baseline is kept.
    """

    name: str
    unit: Literal["ms", "MiB"]
    base: float | None
    head: float | None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict
    judged: bool = True
    reason: str = ""
    first: Finite | None = None
    best: Finite | None = None
    accepted: Accepted | None = None


class CaseDecision(Value):
    """One case: its verdict, the sentence a reviewer reads, and every metric.

    ``refused`` is for a failed case that was not launched, since it could not have been judged.
    ``hardware_key`` is empty where the decision's own is every case's.
    """

    id: str
    verdict: Verdict
    detail: str = ""
    sentence: str = ""
    pairs: int = 0
    launches: int = 0
    noise: float | None = None
    more_pairs: int | None = None
    output: Literal["same", "changed", "allowed", "not checked"] = "not checked"
    refused: bool = False
    hardware_key: str = ""
    warnings: tuple[str, ...] = ()
    log_tail: str = ""
    metrics: tuple[MetricDecision, ...] = ()


class Cost(Value):
    """What the decision cost on the device."""

    launches: int
    device_minutes: float


class Part(Value):
    """One job of several whose decisions were joined: ``judged`` of its cases could block."""

    shard: str
    hardware_key: str
    judged: int
    cases: int
    cost: Cost


class Split(Value):
    """That a suite was measured in parts: ``shards`` were planned, and ``parts`` came.

    ``judged`` counts the cases of the plan that could block, and ``false_block`` is the rate of
    innocent changes over all of them; a job with c of them had c/``judged`` of it.
    """

    plan: str
    shards: int
    judged: int
    false_block: NonNegative
    parts: tuple[Part, ...] = ()


class Problem(Value):
    """Why a job ended without deciding: the error's own words."""

    problem: str
    fix: str
    exit_code: int


class Decision(Value):
    """Everything that is told: every text, file and exit code is made from this value.

    ``measured_by_fork`` says that a stranger's code ran the job and wrote its figures. ``split`` is
    told of a suite whose parts were joined; where those ran on more than one kind of machine,
    ``hardware_key`` is ``several`` and every case has its own.
    """

    schema_name: Literal["perfgate.decision"] = Field("perfgate.decision", alias="schema")
    version: Literal[1] = 1
    perfgate: str
    suite: str
    conclusion: Literal["success", "failure", "neutral"]
    verdict: Verdict
    exit_code: int
    strategy: str
    hardware_key: str
    base: Tree | None = None
    head: Tree | None = None
    counts: dict[str, int] = Field(default_factory=dict)
    cost: Cost = Cost(launches=0, device_minutes=0.0)
    cases: tuple[CaseDecision, ...] = ()
    notes: tuple[str, ...] = ()
    told: dict[str, str] = Field(default_factory=dict)
    interrupted: str | None = None
    problem: Problem | None = None
    measured_by_fork: bool = False
    split: Split | None = None
