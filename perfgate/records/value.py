"""What every part of a document is made of: frozen values, and numbers that are some."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PositiveMs = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

CASE_ID: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
"""What the id of a case looks like: safe as a file's name, in a shell and inside a span of code."""


class Value(BaseModel):
    """Base of every document part: frozen, keyword-only, written and read by field alias."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, serialize_by_alias=True
    )


def first_problem(error: ValidationError, *, whole: str = "the document") -> str:
    """What is wrong first and where; ``whole`` is where no place is told."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or whole
    return f"{where}: {first['msg']}"
