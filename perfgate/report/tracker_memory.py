"""What a tracker issue remembers, as two hidden lines at its start; may not fail on any text.

The first line says which regression the issue is about, the second what was told of it. Both are
read only from the start of a body, since a commit's title further down may hold anything. Whose
issue it is, is for the caller to check.
"""

from __future__ import annotations

import base64
import json
import math
import re
from dataclasses import dataclass, replace
from typing import Final, get_args

from perfgate.report.state import safe_url
from perfgate.verdict.tracking import Closing, Memory

MOST_LINES: Final = 200
"""Lines of which the last told ratio is kept, the most important first."""
_MAX_STATE_CHARS: Final = 16_000
_EVER: Final = (0, 2**60)
_MARKER = re.compile(
    r"<!-- perfgate:regression line=([0-9a-f]{12}) since=([0-9a-f]{1,40}|none) "
    r"until=([0-9a-f]{1,40}|none) -->"
)
_STATE = re.compile(rf"<!-- perfgate:told=([A-Za-z0-9+/=]{{0,{_MAX_STATE_CHARS}}}) -->")
_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_LINE = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Marks:
    """The hidden lines: the telling line's digest, the commits around, and the memory.

    ``picture`` is the address of the chart as it was last drawn, empty for none.
    """

    line: str
    since: str
    until: str
    memory: Memory
    picture: str = ""


def commit_of(text: str) -> str:
    """The text where it is a commit's id, else nothing: a result file may hold any text."""
    return text if _COMMIT.fullmatch(text) else ""


def hidden(marks: Marks) -> str:
    """The two lines that :func:`read` reads."""
    since, until = (commit_of(one)[:12] or "none" for one in (marks.since, marks.until))
    memory = marks.memory
    told = dict(list(memory.told.items())[:MOST_LINES])
    state = {
        "told": {line: round(ratio, 6) for line, ratio in told.items()},
        "span": list(memory.span_s),
        "steps": memory.steps,
        "closing": memory.closing,
        "picture": safe_url(marks.picture),
    }
    text = json.dumps(state, separators=(",", ":"))
    # The standard alphabet of base64 has no hyphen, so that it cannot end an HTML comment.
    return (
        f"<!-- perfgate:regression line={marks.line} since={since} until={until} -->\n"
        f"<!-- perfgate:told={base64.b64encode(text.encode()).decode()} -->"
    )


def read(body: str) -> Marks | None:
    """What a body remembers; None for what is no tracker issue.

    Where somebody damaged the second line, the issue is about any shift of its line: so it is not
    opened a second time.
    """
    first, *rest = body.replace("\r\n", "\n")[: 2 * _MAX_STATE_CHARS].split("\n")[:2]
    found = _MARKER.fullmatch(first.strip())
    if found is None:
        return None
    line, since, until = (text if text != "none" else "" for text in found.groups())
    lost = Marks(line=line, since=since, until=until, memory=_lost(line))
    state = _STATE.fullmatch(rest[0].strip()) if rest else None
    return lost if state is None else _read(state[1], lost)


def remembering(body: str, memory: Memory) -> str:
    """The body with another memory, and every other word of it as it is."""
    marks = read(body)
    if marks is None:
        return body
    text = body.replace("\r\n", "\n")
    lines = text.split("\n")
    has_state = len(lines) > 1 and _STATE.fullmatch(lines[1].strip()) is not None
    kept = "\n".join(lines[2 if has_state else 1 :])
    return f"{hidden(replace(marks, memory=memory))}\n{kept}"


def _lost(line: str) -> Memory:
    return Memory(told={line: math.inf}, span_s=_EVER)


def _read(state: str, lost: Marks) -> Marks:
    try:
        found = json.loads(base64.b64decode(state, validate=True))
        told = {
            line: float(ratio)
            for line, ratio in list(found["told"].items())[:MOST_LINES]
            if _LINE.fullmatch(line) and 0.0 < float(ratio) < math.inf
        }
        begins, ends = (int(second) for second in found["span"])
        memory = Memory(
            told=told or lost.memory.told,
            span_s=(begins, ends),
            steps=max(0, min(int(found["steps"]), 10**6)),
            closing=_closing(found["closing"]),
        )
        return replace(lost, memory=memory, picture=safe_url(str(found["picture"])))
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
        return lost


def _closing(word: object) -> Closing:
    return next((known for known in get_args(Closing) if known == word), "")
