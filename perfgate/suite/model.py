"""A whole suite file as frozen models; does no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from perfgate.records import GatePolicy
from perfgate.suite.case import Case, FrameworkName
from perfgate.suite.frameworks import Framework
from perfgate.suite.kinds import (
    KeyPattern,
    Margin,
    Milliseconds,
    Minutes,
    Part,
    Policy,
    Ratio,
    RelativePath,
)


class Gate(Part):
    """The rules of the gate, as written; :meth:`policy` is what the rest of perfgate reads."""

    strategy: Literal["baseline", "paired", "auto"] = "auto"
    """Decide by pairs, against the baselines, or, with auto, by these where that is possible."""
    margin: Margin = 0.03
    """The slowdown of a whole request that must be caught."""
    stage_margin: Margin = 0.10
    """The same for stages and the median step."""
    stage_floor: Milliseconds = 5.0
    """Shorter stages, and those under 1 % of a request, are shown and not judged. Plain: ms."""
    false_block: Ratio = 0.01
    """How many innocent changes may be blocked, over the whole suite."""
    miss: Ratio = 0.05
    """How many slowdowns of the margin may be missed."""
    max_pairs: Annotated[int, Field(ge=2, le=100)] = 12
    """Pairs of launches after which a case ends undecided."""
    budget: Minutes = 30.0
    """Device time for the job: no launch starts that could not end within it. Plain: minutes."""
    inconclusive: Policy = "neutral"
    """What a case that could not be decided does to the job; fail is exit code 7."""
    incomparable: Policy = "neutral"
    """What a case on another machine or of another workload does; fail is exit code 7."""
    missing: Policy = "fail"
    """What a case without a figure does; fail is exit code 7."""

    def policy(self) -> GatePolicy:
        return GatePolicy(
            strategy=self.strategy,
            margin=self.margin,
            stage_margin=self.stage_margin,
            stage_floor_ms=self.stage_floor,
            false_block=self.false_block,
            miss=self.miss,
            max_pairs=self.max_pairs,
            budget_min=self.budget,
            inconclusive=self.inconclusive,
            incomparable=self.incomparable,
            missing=self.missing,
        )


class SglangFiles(Part):
    """Baselines in sglang's own files; ``state`` holds what that format has no place for."""

    format: Literal["sglang"]
    """The form of the files."""
    files: Annotated[dict[KeyPattern, RelativePath], Field(min_length=1)]
    """Each file by the hardware keys it is for, as a pattern; the first that matches counts."""
    state: RelativePath
    """A folder for launches, calibration and acceptances, which the files have no place for."""

    def file_of(self, hardware_key: str) -> str | None:
        """The file of the first pattern that the key matches, as in a shell."""
        matching = (path for glob, path in self.files.items() if fnmatchcase(hardware_key, glob))
        return next(matching, None)


def _folder_or_files(value: object) -> object:
    if not isinstance(value, str | Mapping | SglangFiles):
        raise ValueError("write a folder, or a mapping with the keys format, files and state")
    return value


def _kind_of_baselines(value: object) -> str:
    return "[folder]" if isinstance(value, str) else "[files]"


Baselines = Annotated[
    Annotated[RelativePath, Tag("[folder]")] | Annotated[SglangFiles, Tag("[files]")],
    Discriminator(_kind_of_baselines),
    BeforeValidator(_folder_or_files),
]


class Suite(Part):
    """A whole suite file."""

    version: Literal[1]
    """The version of this form: 1."""
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,59}$")] = "perfgate"
    """Names the suite: each has a comment and a check of its own."""
    baselines: Baselines | None = None
    """The folder of baselines, or sglang's own files; without it pairs decide."""
    gate: Gate = Gate()
    """The rules by which is decided."""
    setup: str | None = None
    """Shell line that makes a side's environment, in its tree; without it perfgate's own."""
    imports: tuple[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.\w+)*$")], ...] = ()
    """Modules that each side must import from its own tree or environment."""
    frameworks: dict[FrameworkName, Framework] = Field(default_factory=dict)
    """The environment of each framework that cases run in, by its name."""
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]
    """What is measured."""

    @model_validator(mode="after")
    def _cases_have_their_frameworks_variables(self) -> Suite:
        # They change what is computed, so that a case's hash has to cover them.
        cases = tuple(case.with_variables(self.frameworks) for case in self.cases)
        object.__setattr__(self, "cases", cases)
        return self

    @property
    def sglang(self) -> SglangFiles | None:
        """Where the baselines are sglang's own files, which; else None."""
        return self.baselines if isinstance(self.baselines, SglangFiles) else None

    @property
    def state_folder(self) -> str | None:
        """The folder of launches, calibrations and acceptances, in perfgate's own format."""
        return self.baselines.state if isinstance(self.baselines, SglangFiles) else self.baselines

    def setup_command(self) -> str | None:
        """The shell line that makes a side's environment; ``none`` is the same as absent."""
        return None if self.setup is None or self.setup.strip() in ("", "none") else self.setup
