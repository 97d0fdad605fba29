"""Reads `/perfgate` commands out of a comment, which anybody may have written. Pure: no effect.

A command is a line that begins with `/perfgate`, outside of code and quotes. What a command may do,
and who may give it, is not decided here.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from markdown_it import MarkdownIt

from perfgate.records import CASE_ID

MOST_COMMANDS: Final = 5
"""In one comment; what comes after them is not read."""
_WORD: Final = "/perfgate"
_MAX_BODY_CHARS: Final = 65_536  # what GitHub takes
_MAX_LINE_CHARS: Final = 2_000
_MAX_CASES: Final = 50
_MAX_NAME_CHARS: Final = 200
_REASON_CHARS: Final = (3, 1_000)
_CASE: Final = re.compile(CASE_ID)
_NUMBER: Final = re.compile(r"#([1-9][0-9]{0,9})")
_ADDRESS: Final = re.compile(r"https?://[^\s\x00-\x20\x7f<>\"`]{1,480}")
# Control and format characters: what a reviewer cannot see has no place in a reason.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_MAX_SHOWN_CHARS: Final = 60

USAGE: Final = {
    "rerun": "/perfgate rerun [case…]",
    "accept": "/perfgate accept <case> [metric] until 2026-12-31 because … #123",
    "update-baseline": "/perfgate update-baseline <case>",
    "explain": "/perfgate explain <case>",
    "help": "/perfgate help",
}
"""Each command by its name, spelled as a person writes it."""
MEANINGS: Final = {
    "rerun": "measure these cases, or all of them, once more",
    "accept": "let the case, or one metric of it, be slower until that day",
    "update-baseline": "let the next job on the default branch propose the case's own figures",
    "explain": "show the evidence behind the case's verdict",
    "help": "show this",
}
"""What each does, in a few words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rerun:
    """Measure again; no cases means all of them."""

    cases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Accept:
    """Let a case be slower until a day; without a metric all of the case's that got slower.

    ``until`` is the last day on which it holds, ``issue`` the address where it is followed up.
    """

    case: str
    metric: str = ""
    until: date
    reason: str
    issue: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateBaseline:
    """Measure the case on the default branch, and propose what comes out."""

    case: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Explain:
    """Tell the evidence behind the case's verdict."""

    case: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Help:
    """Tell the commands."""


Command: TypeAlias = Rerun | Accept | UpdateBaseline | Explain | Help


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One line of a comment: the command in it, or everything that is wrong with it.

    ``line`` is the author's own text, cut, on one line and nothing else: escape it.
    """

    line: str
    command: Command | None = None
    problems: tuple[str, ...] = ()


def commands_in(body: str, *, today: date, issues_url: str) -> tuple[Heard, ...]:
    """What a comment asks for, in its order; empty for a comment that is not for perfgate.

    ``issues_url`` is the address below which ``#123`` lies.
    """
    found: list[Heard] = []
    for line in _lines(body):
        if len(found) == MOST_COMMANDS:
            break
        one = _heard(line, today=today, issues_url=issues_url.rstrip("/"))
        # A second run of the same comment would end the first.
        if isinstance(one.command, Rerun) and any(isinstance(o.command, Rerun) for o in found):
            one = Heard(line=one.line, problems=("a comment starts one run: name all its cases",))
        found.append(one)
    return tuple(found)


def _lines(body: str) -> Iterator[str]:
    """The lines that begin with the word, where they are neither code nor quoted."""
    text = body[:_MAX_BODY_CHARS].replace("\r\n", "\n").replace("\r", "\n")
    if _WORD not in text:
        return
    lines, quotes = text.split("\n"), 0
    for token in _blocks().parse(text):
        quotes += {"blockquote_open": 1, "blockquote_close": -1}.get(token.type, 0)
        if token.type == "inline" and token.map is not None and not quotes:
            # A line after a quote without an empty one between belongs to it, as GitHub shows it.
            for line in lines[token.map[0] : token.map[1]]:
                if re.match(rf"{_WORD}(\s|$)", line):
                    yield line.strip()


def _blocks() -> MarkdownIt:
    """Only paragraphs, quotes, lists and code are told apart; no markup inside of lines is read."""
    parser = MarkdownIt("commonmark").disable(["inline", "text_join", "reference", "lheading"])
    # Lines with two tabs, or lists in lists, must not become slow.
    parser.options["maxNesting"] = 20
    return parser


def _heard(line: str, *, today: date, issues_url: str) -> Heard:
    cut = line if len(line) <= _MAX_LINE_CHARS else line[: _MAX_SHOWN_CHARS - 1] + "…"
    if cut != line:
        return Heard(line=cut, problems=(f"it is longer than {_MAX_LINE_CHARS} characters",))
    if any(unicodedata.category(char) in _HIDDEN for char in line.replace("\t", " ")):
        return Heard(line=line, problems=("it holds characters that nobody can see",))
    _, *words = line.split()
    if not words:
        return Heard(line=line, command=Help())
    name, rest = words[0].lower(), words[1:]
    problems: list[str] = []
    command: Command | None = None
    match name:
        case "help":
            command = Help()
        case "rerun":
            command = _rerun(rest, problems)
        case "accept":
            command = _accept(rest, problems, today=today, issues_url=issues_url)
        case "update-baseline":
            command = UpdateBaseline(case=_one_case(rest, problems))
        case "explain":
            command = Explain(case=_one_case(rest, problems))
        case _:
            close = difflib.get_close_matches(name, USAGE, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(USAGE)}"
            return Heard(line=line, problems=(f"{_shown(words[0])} is no command; {hint}",))
    if problems:
        problems.append(f"write it like this: {USAGE[name]}")
        return Heard(line=line, problems=tuple(problems))
    return Heard(line=line, command=command)


def _rerun(words: Sequence[str], problems: list[str]) -> Rerun:
    named = [one for word in words for one in word.split(",") if one]
    cases = tuple(dict.fromkeys(_case(one, problems) for one in named[:_MAX_CASES]))
    if len(named) > _MAX_CASES:
        problems.append(f"it names {len(named)} cases; {_MAX_CASES} at most")
    return Rerun(cases=cases)


def _one_case(words: Sequence[str], problems: list[str]) -> str:
    if len(words) != 1:
        problems.append(f"it names {len(words)} cases; it takes one" if words else "no case")
        return ""
    return _case(words[0], problems)


def _case(word: str, problems: list[str]) -> str:
    word = word.strip("`")
    if not _CASE.fullmatch(word):
        problems.append(
            f"{_shown(word)} is no case id: letters, digits, dots, hyphens and underscores, "
            "100 at most"
        )
    return word


def _accept(
    words: Sequence[str], problems: list[str], *, today: date, issues_url: str
) -> Accept | None:
    named, told = _split(words, "until")
    when, why = _split(told or (), "because")
    case = _case(named[0], problems) if named else ""
    if not named:
        problems.append("no case")
    metric = " ".join(named[1:]).strip("`")
    if len(metric) > _MAX_NAME_CHARS:
        problems.append(f"the metric's name is longer than {_MAX_NAME_CHARS} characters")
    until = _day(when if told is not None else (), problems, today=today)
    reason, issue = _reason(why, problems, issues_url=issues_url)
    if until is None:
        return None
    return Accept(case=case, metric=metric, until=until, reason=reason, issue=issue)


def _split(words: Sequence[str], at: str) -> tuple[Sequence[str], Sequence[str] | None]:
    """What stands before and after a word; None where the word is not there."""
    index = next((i for i, word in enumerate(words) if word.lower() == at), None)
    return (words, None) if index is None else (words[:index], words[index + 1 :])


def _day(words: Sequence[str], problems: list[str], *, today: date) -> date | None:
    if len(words) != 1:
        problems.append("no last day: `until` and a day such as 2026-12-31")
        return None
    try:
        day = date.fromisoformat(words[0])
    except ValueError:
        day = None
    if day is None or day.isoformat() != words[0]:
        problems.append(f"{_shown(words[0])} is no day such as 2026-12-31")
        return None
    if day <= today:
        problems.append(f"{words[0]} is not in the future")
    return day


def _reason(
    words: Sequence[str] | None, problems: list[str], *, issues_url: str
) -> tuple[str, str]:
    """Why, and the address of the last issue that the reason names."""
    told = list(words or ())
    found = [(i, url) for i, word in enumerate(told) if (url := _issue(word, issues_url))]
    issue = found[-1][1] if found else ""
    if found and found[-1][0] == len(told) - 1:
        told.pop()
    reason = " ".join(told)
    least, most = _REASON_CHARS
    if len(reason) < least:
        problems.append("no reason: `because` and some words")
    if len(reason) > most:
        problems.append(f"the reason is longer than {most} characters")
    if not issue:
        problems.append("no issue: `#123`, or an address that starts with https://")
    return reason, issue


def _issue(word: str, issues_url: str) -> str:
    bare = word.strip("()<>.,;:!")
    if number := _NUMBER.fullmatch(bare):
        return f"{issues_url}/{number[1]}"
    return bare if _ADDRESS.fullmatch(bare) else ""


def _shown(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN_CHARS else text[: _MAX_SHOWN_CHARS - 1] + "…"
