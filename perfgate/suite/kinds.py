"""Values of a suite file: what a person writes, checked, in perfgate's own units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
)

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
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
    # A suite is one file for every machine: what Windows calls a path means the same elsewhere,
    # and must not lead out of the tree there either.
    path = PurePosixPath(value.replace("\\", "/"))
    if not value or path.is_absolute() or ".." in path.parts or _DRIVE.match(value):
        raise ValueError(
            "write a path below the repository, without a leading / or drive and without .."
        )
    if _CONTROL.search(value):
        raise ValueError('a path holds a control character; "\\b" is one in YAML: write / instead')
    return value.replace("\\", "/")


def _scalar(value: object) -> object:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("write one number, one text, or true or false")
    return value


@dataclass(frozen=True)
class _OrText:
    """What a JSON schema says of a number that may be written as text: the pattern of that text."""

    pattern: str
    example: str

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        text = {"type": "string", "pattern": self.pattern, "examples": [self.example]}
        return {"anyOf": [handler(core_schema), text]}


_NUMBER = r"\d+(\.\d+)?"
_MORE_THAN_ZERO = r"(?=[0.]*[1-9])"
_UNIT = r"\s*(ms|s|m|h)\s*$"
_PERCENT = r"\s*%\s*$"
_DURATION_TEXT = rf"^\s*{_MORE_THAN_ZERO}{_NUMBER}{_UNIT}"
_BELOW_100 = rf"^\s*{_MORE_THAN_ZERO}0*\d{{1,2}}(\.\d+)?{_PERCENT}"
_UP_TO_500 = rf"^\s*{_MORE_THAN_ZERO}0*([0-4]?\d{{1,2}}(\.\d+)?|500(\.0+)?){_PERCENT}"
_PATH_INSIDE = r"^(?![/\\]|[A-Za-z]:)(?!(.*[/\\])?\.\.([/\\]|$))[^\x00-\x1f\x7f]+$"

Ratio = Annotated[
    float,
    Field(gt=0, lt=1, allow_inf_nan=False),
    BeforeValidator(_ratio),
    _OrText(_BELOW_100, "5%"),
]
Margin = Annotated[
    float,
    Field(gt=0, le=5, allow_inf_nan=False),
    BeforeValidator(_ratio),
    _OrText(_UP_TO_500, "3%"),
]
Seconds = Annotated[
    float,
    Field(gt=0, allow_inf_nan=False),
    BeforeValidator(_seconds),
    _OrText(_DURATION_TEXT, "90s"),
]
Milliseconds = Annotated[
    float,
    Field(ge=0, allow_inf_nan=False),
    BeforeValidator(_milliseconds),
    _OrText(rf"^\s*{_NUMBER}{_UNIT}", "5ms"),
]
Minutes = Annotated[
    float,
    Field(gt=0, allow_inf_nan=False),
    BeforeValidator(_minutes),
    _OrText(_DURATION_TEXT, "30m"),
]
Policy = Literal["neutral", "fail"]
Scalar = Annotated[
    Any,
    AfterValidator(_scalar),
    WithJsonSchema({"type": ["boolean", "number", "string"]}),
]
RelativePath = Annotated[
    str,
    AfterValidator(_inside),
    WithJsonSchema({"type": "string", "pattern": _PATH_INSIDE}),
]
KeyPattern = Annotated[str, Field(pattern=r"^[a-z0-9*?\[\]!._-]{1,100}$")]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
