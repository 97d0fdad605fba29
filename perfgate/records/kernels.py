"""What kernel benchmarks measured: raw samples of every variant, or why it has none.

Schema history, both documents:
    1  first version

Decides nothing, and holds no figure that can be derived from the samples.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AwareDatetime, Field, model_validator

from perfgate.records.value import NonNegative, PositiveMs, Value

MAX_ROUNDS = 10_000
_MOST_ROWS = 200

State: TypeAlias = Literal["timed", "not available", "hazard", "out of memory", "failed"]
Method: TypeAlias = Literal["host clock", "events", "graph"]
Cache: TypeAlias = Literal["warm", "cold"]

_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Text = Annotated[str, Field(max_length=2_000)]


class CallTimes(Value):
    """Microseconds a call, one sample a round: the mean over its fastest block of ``calls`` calls.

    All contenders of a table took their turn in each round, so that samples of one index belong
    together. ``method`` is what timed the blocks: the host's clock, events in the device's queue,
    or the same around a replayed device graph of them.
    """

    method: Method
    calls: Annotated[int, Field(ge=1)]
    samples_us: Annotated[tuple[PositiveMs, ...], Field(min_length=1, max_length=MAX_ROUNDS)]


class HazardFinding(Value):
    """One thing that a variant does wrong; ``hazard`` is the name that it is known by."""

    hazard: _Name
    text: _Text = ""


class VariantTimes(Value):
    """One implementation of a kernel at one shape: its times, or why it was not timed.

    ``mutates`` are the inputs that it is declared to write besides the kernel's own state;
    ``first_call_ms`` is making it and calling it once, a compilation included.
    """

    name: _Name
    dialect: _Text = ""
    mutates: tuple[_Name, ...] = ()
    state: State
    reason: _Text = ""
    findings: Annotated[tuple[HazardFinding, ...], Field(max_length=_MOST_ROWS)] = ()
    first_call_ms: NonNegative | None = None
    times: CallTimes | None = None

    @model_validator(mode="after")
    def _has_times_or_says_why(self) -> Self:
        if self.state == "timed" and self.times is None:
            raise ValueError(f"{self.name} is timed and has no times")
        if self.state != "timed" and self.times is not None:
            raise ValueError(f"{self.name} has times, and its state is {self.state}")
        return self


class KernelBound(Value):
    """What bounds a kernel, measured in the same rounds: a copy or a matrix product.

    ``moved_bytes`` and ``operations`` are what one call of it moves and computes.
    """

    name: Literal["copy", "matmul"]
    moved_bytes: Annotated[int, Field(ge=1)]
    operations: Annotated[int, Field(ge=0)] = 0
    times: CallTimes


class KernelTable(Value):
    """One kernel at one shape: ``variants`` begins with the reference, where that was asked for.

    ``moved_bytes`` and ``operations`` are what the kernel has to move and compute at least. With
    ``cache: cold`` calls went through ``sets`` sets of inputs that together are twice the last
    cache; ``warm`` is one set, again and again. ``skipped`` says why nothing was timed at all,
    ``failure`` what ended the process that should have.
    ``unfit`` and ``warnings`` are what the machine was doing meanwhile.
    """

    kernel: _Name
    shape: _Name
    cache: Cache
    sets: Annotated[int, Field(ge=0)] = 0
    moved_bytes: Annotated[int, Field(ge=0)] = 0
    operations: Annotated[int, Field(ge=0)] = 0
    reference: Annotated[str, Field(max_length=200)] = ""
    variants: Annotated[tuple[VariantTimes, ...], Field(max_length=_MOST_ROWS)] = ()
    bound: KernelBound | None = None
    skipped: _Text = ""
    failure: _Text = ""
    unfit: tuple[_Text, ...] = ()
    warnings: tuple[_Text, ...] = ()

    @model_validator(mode="after")
    def _rounds_belong_together(self) -> Self:
        times = [one.times for one in self.variants] + [self.bound.times if self.bound else None]
        if len({len(one.samples_us) for one in times if one is not None}) > 1:
            raise ValueError(f"{self.kernel} at {self.shape} has rows of different rounds")
        return self

    @property
    def timed(self) -> bool:
        """Whether any variant has a time."""
        return any(one.times is not None for one in self.variants)


class KernelResults(Value):
    """Everything that one run of ``perfgate kernels`` measured on one machine.

    ``build`` names what the times depend on: torch, device, libraries, threads. ``problems`` are
    files that could not be read; ``interrupted`` names a signal.
    """

    schema_name: Literal["perfgate.kernels"] = Field("perfgate.kernels", alias="schema")
    version: Literal[1] = 1
    perfgate: str
    measured_at: AwareDatetime
    device: Literal["cpu", "cuda", "npu"]
    hardware_key: Annotated[str, Field(pattern=r"^[a-z0-9._-]{1,100}$")]
    build: _Text = ""
    threads: Annotated[int, Field(ge=1)]
    tables: tuple[KernelTable, ...] = ()
    problems: tuple[_Text, ...] = ()
    interrupted: str | None = None

    @property
    def failed(self) -> bool:
        """Whether a row, a table or a file went wrong, or nothing beside references was timed.

        What is not available here, or does not fit the memory, has not failed.
        """
        rows = [row for table in self.tables for row in table.variants]
        wrong = any(row.state in ("hazard", "failed") for row in rows)
        return (
            wrong
            or self.problems != ()
            or self._nothing_timed
            or any(table.failure for table in self.tables)
        )

    @property
    def all_unfit(self) -> bool:
        """Whether the device was unfit whenever something was timed."""
        timed = [table for table in self.tables if table.timed]
        return bool(timed) and all(table.unfit for table in timed)

    @property
    def _nothing_timed(self) -> bool:
        return not any(
            row.times is not None and (row.name != table.reference or len(table.variants) == 1)
            for table in self.tables
            for row in table.variants
        )


class ListedVariant(Value):
    """An implementation as its kernel's file declares it."""

    name: _Name
    dialect: _Text = ""
    mutates: tuple[_Name, ...] = ()


class ListedKernel(Value):
    """A kernel as its file declares it; ``file`` is empty for one that perfgate brings along."""

    name: _Name
    file: _Text = ""
    bound: Literal["copy", "matmul"]
    reference: ListedVariant
    variants: Annotated[tuple[ListedVariant, ...], Field(max_length=_MOST_ROWS)] = ()
    shapes: Annotated[tuple[_Name, ...], Field(max_length=10_000)] = ()
    hazards: Annotated[tuple[_Name, ...], Field(max_length=_MOST_ROWS)] = ()


class KernelListing(Value):
    """What there is to measure; ``problems`` are files that could not be read."""

    schema_name: Literal["perfgate.kernel-list"] = Field("perfgate.kernel-list", alias="schema")
    version: Literal[1] = 1
    perfgate: str
    kernels: tuple[ListedKernel, ...] = ()
    problems: tuple[_Text, ...] = ()
