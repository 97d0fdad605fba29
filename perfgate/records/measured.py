"""What is measured: raw samples, and what is known of the machine. Decides nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from perfgate.records.share import Share
from perfgate.records.value import Finite, NonNegative, PositiveMs, Value

MAX_HISTORY = 200
"""Stored A/A pair differences of a case at most, the newest ones."""


class Side(StrEnum):
    """The two things compared: what the change starts from, and the change."""

    BASE = "base"
    HEAD = "head"


class Stage(Value):
    """One named stage of a request; the same stage twice in a request adds up."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    duration_ms: NonNegative
    count: Annotated[int, Field(ge=1)] = 1


class TensorSummary(Value):
    """What identifies a tensor without keeping it: enough to see where two runs part ways.

    ``sketch`` holds sums under fixed random signs: two sketches estimate the distance of the
    tensors. ``span`` is from the least to the greatest value that a picture can hold (1 for frames
    in 0 … 1, 255 for 8-bit images), ``None`` for what is no picture.
    """

    name: str
    shape: tuple[int, ...] = ()
    mean: Finite
    deviation: NonNegative
    norm: NonNegative
    sketch: Annotated[tuple[Finite, ...], Field(max_length=1024)] = ()
    span: NonNegative | None = None


class OutputFingerprint(Value):
    """What a request computed: summaries in order of execution, and a hash of the final output.

    ``build`` names all that may move the last digits (torch, threads, device), ``dtype`` the type
    that was computed in; both empty where nothing is known.
    """

    stages: tuple[TensorSummary, ...] = ()
    sha256: str | None = None
    build: str = ""
    dtype: str = ""


class Report(Value):
    """One measured request, as the benchmark reported it.

    ``sync`` says what its times are: the device waited for at each stage, the device's own events,
    or host times alone; ``None`` where the benchmark does not tell. ``flops`` counts what the
    request executed, as far as that can be seen.
    """

    total_duration_ms: PositiveMs
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    steps_ms: tuple[NonNegative, ...] = ()
    load_ms: NonNegative | None = None
    peak_memory_mb: NonNegative | None = None
    memory_checkpoints: dict[str, dict[str, Finite]] = Field(default_factory=dict)
    sync: Literal["stage", "events", "off"] | None = None
    flops: NonNegative | None = None
    output: OutputFingerprint | None = None
    extra: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _add_up_repeated_stages(self) -> Self:
        names = [stage.name for stage in self.stages]
        if len(set(names)) == len(names):
            return self
        merged: dict[str, Stage] = {}
        for stage in self.stages:
            seen = merged.get(stage.name)
            merged[stage.name] = (
                stage
                if seen is None
                else Stage(
                    name=stage.name,
                    duration_ms=seen.duration_ms + stage.duration_ms,
                    count=seen.count + stage.count,
                )
            )
        object.__setattr__(self, "stages", tuple(merged.values()))
        return self


class Conditions(Value):
    """What the device and the host were doing while a launch ran.

    ``unfit`` says why its times may not be looked at, ``warnings`` what is only told; each text is
    a reason, a colon, and where it was seen. ``readings`` holds the lowest and the highest value
    seen, by a name that ends in its unit.
    """

    samples: Annotated[int, Field(ge=0)] = 0
    unfit: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    readings: dict[str, tuple[Finite, Finite]] = Field(default_factory=dict)


class Launch(Value):
    """One fresh process of one side, or one turn of a resident server: the unit of statistics.

    ``pair`` counts from 0; ``None`` is the discarded burn-in launch. A failed launch keeps its
    reason and the end of its log instead of reports. ``server`` is the order of the launch that
    started the resident server, ``None`` for a fresh process. ``output_files`` has a SHA-256 for
    each file that the case names, ``outputs`` a summary of each array in those that could be
    decoded, by the file's name and, in an archive, ``file: array``; ``undecoded`` says why some
    could not.
    """

    side: Side
    pair: int | None
    order: int
    started_at: str
    duration_s: NonNegative
    server: int | None = None
    reports: tuple[Report, ...] = ()
    imported: dict[str, str] = Field(default_factory=dict)
    output_files: dict[str, str] = Field(default_factory=dict)
    outputs: tuple[TensorSummary, ...] = ()
    undecoded: dict[str, str] = Field(default_factory=dict)
    conditions: Conditions | None = None
    failure: str | None = None
    log_tail: str = ""

    @property
    def ok(self) -> bool:
        return self.failure is None


class Fingerprint(Value):
    """Machine and software: what must match for a stored figure to be comparable, and the rest."""

    hardware_key: str
    must_match: dict[str, str] = Field(default_factory=dict)
    told: dict[str, str] = Field(default_factory=dict)


class Tree(Value):
    """What one side is: the commit that was measured and where it was.

    ``content`` is git's hash of every file as it was measured, changes that are not committed
    included; empty where git could not tell.
    """

    commit: str
    ref: str
    dirty: bool = False
    content: str = ""


class GatePolicy(Value):
    """The gate's rules; ratios are fractions (3 % is 0.03), the budget is in device minutes."""

    strategy: Literal["baseline", "paired", "auto"] = "auto"
    margin: float = 0.03
    stage_margin: float = 0.10
    stage_floor_ms: float = 5.0
    false_block: float = 0.01
    miss: float = 0.05
    max_pairs: int = 12
    budget_min: float = 30.0
    inconclusive: Literal["neutral", "fail"] = "neutral"
    incomparable: Literal["neutral", "fail"] = "neutral"
    missing: Literal["neutral", "fail"] = "fail"


class Origin(StrEnum):
    """How a case came into the gate: judged, or only told."""

    JUDGED = "judged"
    NEW = "new"
    WORKLOAD_CHANGED = "workload changed"


class Accuracy(Value):
    """What the score command said of head, once a job; ``failure`` is why it said nothing."""

    score: Finite | None = None
    minimum: Finite
    failure: str | None = None


class EqualGates(Value):
    """How whole gates of equal sides ended, launched by resident servers; undecided is neither.

    ``rule`` holds the fields of :class:`GatePolicy` that move the rate.
    """

    restart_every: Annotated[int, Field(ge=1)]
    gates: Annotated[int, Field(ge=1)]
    blocked: Annotated[int, Field(ge=0)]
    passed: Annotated[int, Field(ge=0)]
    undecided: Annotated[int, Field(ge=0)]
    rule: dict[str, Finite] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.gates != self.blocked + self.passed + self.undecided:
            raise ValueError("blocked, passed and undecided do not add up to gates")
        return self


class CaseRecord(Value):
    """All launches of one case in one job.

    ``workload`` is what its hash covers; ``allow`` maps a permitted change to its reason;
    ``history`` holds the stored differences log(head/base) of equal sides that the pairs are judged
    with; ``stopped`` says why launches ended before the case was decided. ``equal_gates`` is how
    often the rule is known to block equal sides where servers stay resident; ``refused`` says why
    a case was not launched at all.
    """

    id: str
    workload_hash: str
    workload: dict[str, Any] = Field(default_factory=dict)
    origin: Origin = Origin.JUDGED
    allow: dict[str, str] = Field(default_factory=dict)
    launches: tuple[Launch, ...] = ()
    history: Annotated[tuple[Finite, ...], Field(max_length=MAX_HISTORY)] = ()
    accuracy: Accuracy | None = None
    stopped: str | None = None
    equal_gates: EqualGates | None = None
    refused: str | None = None

    @property
    def resident(self) -> bool:
        """Whether its launches were turns of resident servers."""
        return self.workload.get("launch") == "resident"


class Record(Value):
    """All launches of one job: raw, versioned, the only input that a decision needs.

    ``job`` identifies one visit to a runner, empty where nothing tells; ``continued`` counts how
    often launches were added later, by the same rules and on the same machine. ``share`` is the
    part of a plan that the job measured, None where it measured everything.
    """

    schema_name: Literal["perfgate.record"] = Field("perfgate.record", alias="schema")
    version: Literal[1] = 1
    perfgate: str
    suite: str
    job: str = ""
    created_at: str
    fingerprint: Fingerprint
    policy: GatePolicy
    base: Tree | None
    head: Tree
    cases: tuple[CaseRecord, ...]
    notes: tuple[str, ...] = ()
    interrupted: str | None = None
    continued: Annotated[int, Field(ge=0)] = 0
    share: Share | None = None
