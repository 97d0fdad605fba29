"""A JSON file with the place of each value, so that a finding can name its line; no effect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perfgate.baselines.native import no_duplicate_keys
from perfgate.baselines.spans import JsonPath, Span, spans_of


@dataclass(frozen=True, kw_only=True)
class Document:
    """What a file says; ``value`` is as :func:`json.loads` gives it, NaN and Infinity included."""

    name: str
    text: str
    value: Any
    spans: Mapping[JsonPath, Span]

    def line(self, path: JsonPath) -> int:
        """The line, from 1, of a value, or of what surrounds the place where it is missing."""
        while path not in self.spans:
            path = path[:-1]
        return self.spans[path].line(self.text)


def read_document(text: str, *, name: str) -> Document:
    """Read a JSON file; ValueError or RecursionError where it is none, or a key stands twice."""
    value = json.loads(text, object_pairs_hook=no_duplicate_keys)
    return Document(name=name, text=text, value=value, spans=spans_of(text))
