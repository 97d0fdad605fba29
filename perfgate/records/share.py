"""Which part of a plan a job measured, and how much of the false-block rate is its own."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from perfgate.records.value import Value

SHARD = r"[a-z0-9][a-z0-9._-]{0,59}"
"""What a shard's name looks like: safe in a shell, in an artifact's name and as a file's."""
_DIGEST = r"^[0-9a-f]{16}$"

ShardName = Annotated[str, Field(pattern=f"^{SHARD}$")]


class Share(Value):
    """Which part of a plan a job measures: ``judged`` of the plan's ``of`` judged cases.

    ``plan`` is the plan's digest. A job's false-block rate is this share of the suite's.
    """

    plan: Annotated[str, Field(pattern=_DIGEST)]
    shard: ShardName
    judged: Annotated[int, Field(ge=0)]
    of: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _is_a_part(self) -> Self:
        if self.judged > self.of:
            raise ValueError("a shard cannot judge more cases than its plan")
        return self

    @property
    def fraction(self) -> float:
        """The part of the suite's false-block rate that this job may spend."""
        return self.judged / self.of if self.of else 0.0
