"""How a suite is split over several runners: a plan, which is also a document. Decides nothing.

Schema history of the plan:
    1  first version
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from perfgate.records.measured import Origin, Tree
from perfgate.records.share import ShardName, Share
from perfgate.records.value import CASE_ID, NonNegative, Value

CaseId = Annotated[str, Field(pattern=f"^{CASE_ID}$")]
MAX_LABEL_CHARS = 256
Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL_CHARS)]
"""What a runner is asked for by."""


class CaseInPlan(Value):
    """One case: what it computes, how many launches it takes, and how long one of them is.

    ``launch_s`` is None where nothing tells it; ``known_from`` says what told it. ``timeout_s``
    bounds a launch. Launches are counted with the burn-in: ``launches`` what an unchanged case
    usually takes, ``most_launches`` what it can take.
    """

    id: CaseId
    workload_hash: str
    origin: Origin = Origin.JUDGED
    devices: Annotated[int, Field(ge=1)] = 1
    launches: Annotated[int, Field(ge=0)]
    most_launches: Annotated[int, Field(ge=0)]
    launch_s: NonNegative | None = None
    known_from: str = ""
    timeout_s: NonNegative

    @property
    def expected_s(self) -> float | None:
        """How long the case usually keeps its devices; None where no launch tells it."""
        if not self.launches:
            return 0.0
        return None if self.launch_s is None else self.launches * self.launch_s

    @property
    def worst_s(self) -> float:
        """How long it can keep them: every launch there may be, unknown ones until they time out.

        The budget of the job bounds it, too.
        """
        launch_s = self.timeout_s if self.launch_s is None else self.launch_s
        return self.most_launches * launch_s


class Shard(Value):
    """The part of one job: its cases in the suite's order, on a runner with all these labels.

    ``seconds`` is what it was balanced by: cases of unknown length count as long as they may take.
    """

    name: ShardName
    runs_on: Annotated[tuple[Label, ...], Field(min_length=1)]
    cases: Annotated[tuple[CaseId, ...], Field(min_length=1)]
    seconds: NonNegative = 0.0


class FleetPlan(Value):
    """A whole comparison, split: every case of it is in exactly one shard.

    ``path`` is the suite file's below the repository; ``budget_s`` bounds each job. ``longest_s``
    is the part that takes longest, as far as that is known, ``bound_s`` what no split can beat.
    """

    schema_name: Literal["perfgate.plan"] = Field("perfgate.plan", alias="schema")
    version: Literal[1] = 1
    perfgate: str
    suite: str
    path: str
    base: Tree
    head: Tree
    strategy: Literal["baseline", "paired", "auto"]
    false_block: NonNegative
    budget_s: NonNegative
    cases: Annotated[tuple[CaseInPlan, ...], Field(min_length=1)]
    shards: Annotated[tuple[Shard, ...], Field(min_length=1)]
    longest_s: NonNegative = 0.0
    bound_s: NonNegative = 0.0
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _splits_every_case_once(self) -> Self:
        planned = [case.id for case in self.cases]
        split = [case for shard in self.shards for case in shard.cases]
        if len(set(planned)) != len(planned) or sorted(planned) != sorted(split):
            raise ValueError("every case must be in exactly one shard, and each once")
        if len({shard.name for shard in self.shards}) != len(self.shards):
            raise ValueError("two shards have one name")
        return self

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of SHA-256 over what is compared and how it is split."""
        told = {
            "suite": [self.suite, self.path],
            "trees": [self.base.commit, self.head.commit, self.head.content],
            "rule": [self.strategy, self.false_block],
            "cases": [(case.id, case.workload_hash, str(case.origin)) for case in self.cases],
            "shards": [(shard.name, shard.cases) for shard in self.shards],
        }
        canonical = json.dumps(told, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @cached_property
    def by_id(self) -> Mapping[str, CaseInPlan]:
        """Every case by its id."""
        return {case.id: case for case in self.cases}

    @cached_property
    def judged(self) -> frozenset[str]:
        """The cases that can block."""
        return frozenset(case.id for case in self.cases if case.origin is Origin.JUDGED)

    def shard(self, name: str) -> Shard | None:
        """The shard of that name."""
        return next((one for one in self.shards if one.name == name), None)

    def share_of(self, shard: Shard) -> Share:
        """Its part of the plan."""
        judged = sum(case in self.judged for case in shard.cases)
        return Share(plan=self.digest, shard=shard.name, judged=judged, of=len(self.judged))
