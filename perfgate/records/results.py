"""What one job measured of cases across frameworks: the file that a history is made of.

Schema history:
    1  first version

A job attempt leaves one such file and nobody changes it afterwards. Raw samples only; a cell has a
number or says why it has none.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from perfgate.records.value import CASE_ID, NonNegative, Value

END_TO_END = "e2e"
"""The metric that every measured cell has: a whole request, in milliseconds."""
MAX_SAMPLES = 10_000
_Name = Annotated[str, Field(min_length=1, max_length=200)]


class FailureKind(StrEnum):
    """Why a launch or a whole cell has no number: the words that people read."""

    MISSING = "framework missing"
    SETUP = "setup failed"
    PORT = "port in use"
    UNHEALTHY = "never healthy"
    MEMORY = "out of memory"
    FALLBACK = "not the native backend"
    NOT_COMPILED = "not compiled"
    TIMEOUT = "timed out"
    REFUSED = "request refused"
    CRASHED = "crashed"
    DAMAGED = "report damaged"
    UNFIT = "device not fit"
    UNKNOWN = "failed"


class Failure(Value):
    """One failure of a cell; ``text`` is what was said, cut to a length that a table can hold."""

    kind: FailureKind
    text: Annotated[str, Field(max_length=2_000)] = ""


class Measured(Value):
    """The samples of one metric, one a request, in the order in which they were taken."""

    name: _Name
    unit: Literal["ms", "MiB"] = "ms"
    samples: Annotated[tuple[NonNegative, ...], Field(min_length=1, max_length=MAX_SAMPLES)]


class Cell(Value):
    """One case in one framework.

    ``workload`` is what its hash covers, empty where only the hash is known. ``failures`` also
    tells of launches that failed beside others that did not. ``launches`` is how many requests
    each launch measured, in order, which samples belong together; empty where nobody knows.
    """

    case: Annotated[str, Field(pattern=f"^{CASE_ID}$")]
    framework: Annotated[str, Field(pattern=f"^{CASE_ID}$")]
    framework_version: str = ""
    workload_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    workload: dict[str, Any] = Field(default_factory=dict)
    metrics: tuple[Measured, ...] = ()
    launches: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(max_length=MAX_SAMPLES)] = ()
    failures: tuple[Failure, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.metrics and not self.failures:
            raise ValueError(f"{self.case} in {self.framework} has neither a number nor a failure")
        names = [metric.name for metric in self.metrics]
        if len(set(names)) < len(names):
            raise ValueError(f"{self.case} in {self.framework} names a metric twice")
        return self


class JobRun(Value):
    """Which attempt of which job measured; ``id`` is empty outside of a workflow."""

    id: str = ""
    attempt: Annotated[int, Field(ge=1)] = 1
    name: str = ""
    url: str = ""


class Results(Value):
    """Everything that one job attempt measured on one machine at one commit."""

    schema_name: Literal["perfgate.results"] = Field("perfgate.results", alias="schema")
    version: Literal[1] = 1
    perfgate: str
    measured_at: AwareDatetime
    commit: Annotated[str, Field(max_length=64)]
    hardware_key: Annotated[str, Field(pattern=r"^[a-z0-9._-]{1,100}$")]
    run: JobRun = JobRun()
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_cell_each(self) -> Self:
        keys = [(cell.case, cell.framework, cell.workload_hash) for cell in self.cells]
        if len(set(keys)) < len(keys):
            raise ValueError("a case is there twice in one framework with one workload hash")
        return self
