"""Changes one value of a JSON text and leaves every other byte; text in, text out, no effect.

Libraries that keep a document's order write its numbers and spaces anew, and then a reviewer sees a
change on every line.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from perfgate.baselines.spans import JsonPath, Span, spans_of

_INDENTED = re.compile(r"[{\[](\r?\n)([ \t]+)")


def with_value(text: str, path: JsonPath, value: Any) -> str:  # noqa: ANN401 - JSON
    """The text with ``value`` at ``path``, whose parent must be an object that is there.

    Inside the value, what is equal keeps its bytes (``30.20`` stays for 30.2), keys keep their
    order, and new ones come last in the text's own indentation. ``text`` is one that
    :func:`json.loads` reads, without a key that stands twice; raises KeyError where the parent is
    absent or no object.
    """
    document = json.loads(text)
    edit = _Edit(text=text, spans=spans_of(text))
    whole = edit.spans[()]
    changed = edit.rewritten((), document, _with(document, path, value))
    return text[: whole.start] + changed + text[whole.end :]


def _with(document: Any, path: JsonPath, value: Any) -> Any:  # noqa: ANN401 - JSON
    if not path:
        return value
    if not isinstance(document, dict) or (len(path) > 1 and path[0] not in document):
        raise KeyError(path[0])
    return {**document, path[0]: _with(document.get(path[0]), path[1:], value)}


@dataclass(frozen=True, kw_only=True)
class _Edit:
    """A text and the places of its values."""

    text: str
    spans: dict[JsonPath, Span]

    def rewritten(self, path: JsonPath, old: Any, new: Any) -> str:  # noqa: ANN401 - JSON
        """The text of the value at ``path``, which was ``old`` and becomes ``new``."""
        span = self.spans[path]
        if old is new or _same(old, new):
            return self.text[span.start : span.end]
        if isinstance(old, dict) and isinstance(new, dict) and old and new:
            return self._object(path, old, new)
        return self._new(new, beside=span.key)

    def _object(self, path: JsonPath, old: dict[str, Any], new: dict[str, Any]) -> str:
        """Members that stay keep the space before them; the usual one goes before new ones."""
        whole, members = self.spans[path], {key: self.spans[*path, key] for key in old}
        places = list(members.values())
        opening = self.text[whole.start : places[0].key]
        spaces = [self.text[one.end : other.key] for one, other in pairwise(places)]
        usual = spaces[0] if spaces else f",{opening[1:]}"
        before = dict(zip(list(members)[1:], spaces, strict=True))
        parts: list[str] = []
        for key in (*(key for key in old if key in new), *(key for key in new if key not in old)):
            parts.append(before.get(key, usual) if parts else opening)
            if key in old:
                parts.append(self.text[members[key].key : members[key].start])
                parts.append(self.rewritten((*path, key), old[key], new[key]))
            else:
                parts.append(f"{json.dumps(key)}: {self._new(new[key], beside=places[0].key)}")
        return "".join(parts) + self.text[places[-1].end : whole.end]

    def _new(self, value: Any, *, beside: int) -> str:  # noqa: ANN401 - JSON
        """A value that was not there, indented like the line on which ``beside`` stands."""
        style = _INDENTED.search(self.text)
        if style is None:
            return json.dumps(value)
        line = self.text[self.text.rfind("\n", 0, beside) + 1 : beside]
        margin = line[: len(line) - len(line.lstrip(" \t"))]
        return json.dumps(value, indent=style[2]).replace("\n", style[1] + margin)


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether two values say the same: 128 and 128.0 do, 1 and true do not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)
