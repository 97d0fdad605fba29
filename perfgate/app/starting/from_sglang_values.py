"""What Python source says, as values; what only a run would tell is told apart. Does nothing."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_SHOWN_CHARS: Final = 60
_MOST_PARTS: Final = 100_000
_MOST_DEEP: Final = 50


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """What only a run would tell; ``why`` in words."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Made:
    """An object as the source writes it: the name of its class, and its fields with defaults."""

    kind: str
    fields: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - whatever stands there
        return self.fields.get(name)


def unknown_in(value: object) -> Unknown | None:
    """The first part of a value that only a run would tell, or why it is too much to be read."""
    # Parts may be shared: a few lines of source make more of them than a memory holds.
    left, seen = [(value, 0)], 0
    while left:
        part, depth = left.pop()
        if isinstance(part, Unknown):
            return part
        seen += 1
        if seen > _MOST_PARTS or depth > _MOST_DEEP:
            return Unknown(why="it holds more than is read of one value")
        left += [(one, depth + 1) for one in reversed(_parts(part))]
    return None


def _parts(value: object) -> list[object]:
    match value:
        case Made():
            return [*value.fields.values()]
        case Mapping():
            return [*value, *value.values()]
        case list() | tuple():
            return [*value]
    return []


def added(one: Any, other: Any) -> Any:  # noqa: ANN401
    if isinstance(one, Unknown):
        return one
    both = (one, other)
    if all(isinstance(each, list) for each in both) or all(isinstance(each, str) for each in both):
        too_long = len(one) + len(other) > _MOST_PARTS
        return Unknown(why="a sum that is too long") if too_long else one + other
    return other if isinstance(other, Unknown) else Unknown(why="a sum that is not read")


def copied(value: Any) -> Any:  # noqa: ANN401
    return dict(value) if isinstance(value, Mapping) else value


def dumped(value: Any, options: Mapping[str, Any]) -> Any:  # noqa: ANN401
    separators = options.get("separators")
    try:
        return json.dumps(
            value,
            separators=tuple(separators) if isinstance(separators, list) else None,
            ensure_ascii=bool(options.get("ensure_ascii", True)),
            sort_keys=bool(options.get("sort_keys", False)),
        )
    except (TypeError, ValueError):
        return Unknown(why="json.dumps of what is no JSON")


def unread(node: ast.expr) -> Unknown:
    return Unknown(why=f"`{shown(node)}` is only known when it runs")


def shown(node: ast.expr) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS - 1]}…"
