"""Values of a suite file: what a person writes, checked, in perfgate's own units."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _ratio(value: object) -> object:
    if isinstance(value, str) and (match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value.strip())):
        return float(match[1]) / 100
    if isinstance(value, str):
        raise ValueError("write a percentage such as 3%")
    return value


def _seconds(value: object) -> object:
    if isinstance(value, str):
        if match := _DURATION.fullmatch(value.strip()):
            return float(match[1]) * _SECONDS[match[2]]
        raise ValueError("write a duration such as 90s, 20m or 1h")
    return value


def _milliseconds(value: object) -> object:
    seconds = _seconds(value)
    return seconds * 1000 if isinstance(value, str) and isinstance(seconds, float) else value


def _minutes(value: object) -> object:
    seconds = _seconds(value)
    return seconds / 60 if isinstance(value, str) and isinstance(seconds, float) else value


def _inside(value: str) -> str:
    path = PurePosixPath(value)
    if not value or path.is_absolute() or ".." in path.parts:
        raise ValueError("write a path below the repository, without a leading / and without ..")
    return value


def _scalar(value: object) -> object:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("write one number, one text, or true or false")
    return value


Ratio = Annotated[float, BeforeValidator(_ratio), Field(gt=0, lt=1, allow_inf_nan=False)]
Margin = Annotated[float, BeforeValidator(_ratio), Field(gt=0, le=5, allow_inf_nan=False)]
Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, allow_inf_nan=False)]
Milliseconds = Annotated[float, BeforeValidator(_milliseconds), Field(ge=0, allow_inf_nan=False)]
Minutes = Annotated[float, BeforeValidator(_minutes), Field(gt=0, allow_inf_nan=False)]
Policy = Literal["neutral", "fail"]
Scalar = Annotated[Any, AfterValidator(_scalar)]
RelativePath = Annotated[str, AfterValidator(_inside)]
KeyPattern = Annotated[str, Field(pattern=r"^[a-z0-9*?\[\]!._-]{1,100}$")]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
