"""The answers to commands, as a section of the pull request's comment that later results keep.

What stands in the section is what is remembered: each answer begins with a hidden line of its own.
Nothing else in a comment can hold such a line, since all text from outside is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from perfgate.report.escape import escape_markdown
from perfgate.report.state import marker, safe_url
from perfgate.report.tables import size

MAX_ANSWERS_BYTES = 8_000
"""What the section takes at most, and what a comment without one leaves free for it."""
MOST_ANSWERS = 10
MAX_TEXT_BYTES = 3_500
"""Of one answer."""

_BEGIN = "<!-- perfgate:answers -->"
_TITLE = "<details open><summary>Commands</summary>"
_END = "</details>"
_HIDDEN = re.compile(
    r"<!-- perfgate:answer comment=([0-9]{1,16}) by=([A-Za-z0-9_\[\]-]{1,110}) "
    r"(done|failed|refused) -->"
)
_LINE_CHARS = 200
_CUT = "…"
_MOST_REFUSED = 40

State = Literal["done", "failed", "refused"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a comment was answered; ``text`` is markdown of our own, with all else escaped.

    ``comment`` is the number of the comment that asked, ``by`` its author. ``refused`` says that
    the author may not give commands, which each person is told once: that is remembered longer
    than the words for it.
    """

    comment: int
    by: str
    text: str
    state: State = "done"


def asked(line: str, answer: str, *, url: str = "") -> str:
    """One command and its answer as markdown; ``line`` is its author's own text."""
    told = escape_markdown(line, limit=_LINE_CHARS)
    where = safe_url(url)
    return f"**[{told}]({where})**\n\n{answer}" if where else f"**{told}**\n\n{answer}"


def read_answers(body: str) -> tuple[Answer, ...]:
    """The answers that a comment of ours holds, oldest first; anything damaged reads as none."""
    begin = body.rfind(_BEGIN)
    if begin < 0:
        return ()
    section = body[begin:].removesuffix("\n").removesuffix(_END)
    found = list(_HIDDEN.finditer(section))
    ends = [*(one.start() for one in found[1:]), len(section)]
    return tuple(
        Answer(
            comment=int(one[1]),
            by=one[2],
            state=_state(one[3]),
            text=section[one.end() : end].strip(),
        )
        for one, end in zip(found, ends, strict=False)
    )


def answers_section(answers: Sequence[Answer]) -> str:
    """The section with the newest answers; empty for none."""
    refused = [one for one in answers if one.state == "refused"][-_MOST_REFUSED:]
    remembered = {one: _head(one) for one in refused}
    room = MAX_ANSWERS_BYTES - size(_around(tuple(remembered.values())))
    shown: dict[Answer, str] = {}
    for one in reversed([one for one in answers if one.text][-MOST_ANSWERS:]):
        text = f"{_head(one)}\n{_bounded(one.text)}"
        room -= size(text) + 2
        if room < 0 and shown:
            break
        shown[one] = text
    kept = remembered | shown
    ordered = [kept[one] for one in answers if one in kept]
    return _around(ordered) if ordered else ""


def with_answers(body: str, answers: Sequence[Answer]) -> str:
    """The comment with these answers in the place of those that it holds."""
    begin = body.rfind(_BEGIN)
    rest = body if begin < 0 else body[:begin]
    return "\n\n".join(part for part in (rest.rstrip(), answers_section(answers)) if part) + "\n"


def first_comment(suite: str) -> str:
    """A comment for the answers where no result was published yet; the first result takes it."""
    return f"{marker(suite)}\n### perfgate: no result so far\n"


def _around(shown: Sequence[str]) -> str:
    return "\n\n".join((f"{_BEGIN}\n{_TITLE}", *shown, _END))


def _head(answer: Answer) -> str:
    """The hidden line of an answer; nothing in it is of any other shape than it is read by."""
    return f"<!-- perfgate:answer comment={answer.comment} by={answer.by} {answer.state} -->"


def _state(word: str) -> State:
    return "refused" if word == "refused" else "failed" if word == "failed" else "done"


def _bounded(text: str) -> str:
    """The text up to the last whole line that finds room: a half one could open what never ends."""
    if size(text) <= MAX_TEXT_BYTES:
        return text
    kept = text.encode()[: MAX_TEXT_BYTES - size(_CUT) - 1].decode("utf-8", "ignore")
    return f"{kept[: kept.rfind(chr(10))]}\n{_CUT}" if "\n" in kept else _CUT
