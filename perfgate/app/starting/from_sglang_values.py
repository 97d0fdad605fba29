"""What Python source says, as values; what only a run would tell is told apart. Does nothing."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_SHOWN_CHARS: Final = 60


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
    """The first part of a value that only a run would tell."""
    if isinstance(value, Unknown):
        return value
    parts: Iterator[object] = iter(())
    if isinstance(value, Made):
        parts = iter(value.fields.values())
    elif isinstance(value, Mapping):
        parts = iter((*value, *value.values()))
    elif isinstance(value, list | tuple):
        parts = iter(value)
    return next((found for part in parts if (found := unknown_in(part)) is not None), None)


def added(one: Any, other: Any) -> Any:  # noqa: ANN401
    if isinstance(one, Unknown):
        return one
    if isinstance(one, list) and isinstance(other, list):
        return [*one, *other]
    if isinstance(one, str) and isinstance(other, str):
        return one + other
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
