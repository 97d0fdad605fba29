"""Where every value of a JSON text begins and ends; text in, values out, no effect."""

from __future__ import annotations

import json
import re
from typing import NamedTuple, TypeAlias

JsonPath: TypeAlias = tuple[str | int, ...]
"""Keys and indices from the document down to a value; the document itself is ``()``."""

_STRING = r'"(?:[^"\\]|\\.)*"'
_TOKEN = re.compile(rf'({_STRING})\s*:|([{{\[])|([}}\]])|(?:{_STRING}|[^\s{{}}\[\],:"]+)')
_NOTHING_YET = -1


class Span(NamedTuple):
    """A value as ``text[start:end]``; ``key`` is where its key's opening quote stands.

    Where there is no key, at an item of a list and at the document, ``key`` is ``start``.
    """

    key: int
    start: int
    end: int

    def line(self, text: str) -> int:
        """The line, from 1, on which the value begins."""
        return text.count("\n", 0, self.start) + 1


def spans_of(text: str) -> dict[JsonPath, Span]:
    """Every value's place by its path; the parts of a value stand before the value itself.

    ``text`` is one that :func:`json.loads` reads and in which no key stands twice in one object;
    of anything else the answer means nothing.
    """
    found: dict[JsonPath, Span] = {}
    path: list[str | int] = []
    around: list[tuple[int, int]] = []
    key_at: int | None = None
    for token in _TOKEN.finditer(text):
        key, opens, closes = token.groups()
        if key is not None:
            key_at, path[-1] = token.start(), json.loads(key)
            continue
        if closes:
            path.pop()
            found[tuple(path)] = Span(*around.pop(), token.end())
            continue
        if key_at is None and path and isinstance(path[-1], int):
            path[-1] += 1
        place = (token.start() if key_at is None else key_at, token.start())
        key_at = None
        if opens:
            around.append(place)
            path.append(_NOTHING_YET)
        else:
            found[tuple(path)] = Span(*place, token.end())
    return found
