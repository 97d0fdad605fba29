"""Reads one JSON object that others wrote, field by field and by type. Pure: no effect.

The payload of an event is written in part by whoever opened the pull request or wrote the comment,
so every field is checked before it is used, and a wrong one is a ConfigurationError that names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from perfgate.errors import ConfigurationError

_SHA: Final = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_NO_COMMIT: Final = re.compile(r"0+")
_MAX_NUMBER: Final = 2**53
_MAX_SHOWN_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Part:
    """One JSON object of the payload with its path, for reading fields by type."""

    path: str
    fields: Mapping[str, Any]

    def part(self, key: str) -> Part | None:
        value = self._get(key, dict)
        return None if value is None else Part(self._path(key), value)

    def need(self, key: str) -> Part:
        found = self.part(key)
        if found is None:
            raise damaged(f"{self._path(key)} is missing")
        return found

    def text(self, key: str) -> str | None:
        value: str | None = self._get(key, str)
        return value or None

    def sha(self, key: str) -> str | None:
        value = self.text(key)
        if value is None or _NO_COMMIT.fullmatch(value):
            return None
        if not is_commit(value):
            raise damaged(f"{self._path(key)} is {shown(value)}, not a commit")
        return value

    def like(self, pattern: re.Pattern[str], key: str, wanted: str) -> str | None:
        """The text, which must be like ``pattern`` as a whole; ``wanted`` names it in words."""
        value = self.text(key)
        if value is not None and not pattern.fullmatch(value):
            raise damaged(f"{self._path(key)} is {shown(value)}, not {wanted}")
        return value

    def time(self, key: str) -> datetime | None:
        """A moment in ISO 8601 with its zone, as GitHub writes them."""
        value = self.text(key)
        if value is None:
            return None
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            raise damaged(f"{self._path(key)} is {shown(value)}, not a time")
        return found

    def number(self, key: str) -> int | None:
        value: int | None = self._get(key, int)
        if value is not None and not 0 < value < _MAX_NUMBER:
            raise damaged(f"{self._path(key)} is {shown(value)}, not a number of GitHub's")
        return value

    def need_number(self, key: str) -> int:
        value = self.number(key)
        if value is None:
            raise damaged(f"{self._path(key)} is missing")
        return value

    def parts(self, key: str) -> tuple[Part, ...]:
        items = self._get(key, list) or []
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                raise damaged(f"{self._path(key)}[{index}] is {shown(item)}, not an object")
        return tuple(Part(f"{self._path(key)}[{i}]", item) for i, item in enumerate(items))

    def names(self, key: str) -> tuple[str, ...]:
        found = (part.text("name") for part in self.parts(key))
        return tuple(name for name in found if name is not None)

    def _get(self, key: str, kind: type) -> Any:  # noqa: ANN401 - checked here, typed by callers
        value = self.fields.get(key)
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise damaged(f"{self._path(key)} is {shown(value)}, not of type {kind.__name__}")
        return value

    def _path(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def load(path: str, read_text: Callable[[str], str]) -> Part:
    """The whole payload; ``path`` is what GITHUB_EVENT_PATH says."""
    if not path:
        raise damaged("GITHUB_EVENT_PATH is not set")
    try:
        payload = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(f"{type(error).__name__} on reading it") from error
    if not isinstance(payload, dict):
        raise damaged("it holds no JSON object")
    return Part("", payload)


def is_commit(value: str) -> bool:
    return _SHA.fullmatch(value) is not None


def damaged(what: str) -> ConfigurationError:
    """The error for a payload that is not as GitHub writes it."""
    return ConfigurationError(
        f"the event payload that GITHUB_EVENT_PATH names cannot be used: {what}",
        fix="Run perfgate in a GitHub Actions step, or unset GITHUB_EVENT_NAME to run as on a "
        "laptop.",
    )


def shown(value: object) -> str:
    """A foreign value as a message can carry it: on one line, and short."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN_CHARS else text[: _MAX_SHOWN_CHARS - 1] + "…"
