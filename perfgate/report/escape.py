"""Makes text from a pull request or a benchmark harmless in markdown, terminals and XML.

Everything that a change can choose is hostile: ids, stage names, refs, notes, logs. May not format
numbers or decide what is told.
"""

from __future__ import annotations

import re
import unicodedata

JOINER = "\u2060"
"""WORD JOINER: invisible and without width. GitHub finds mentions and references in the finished
text, after backslashes are gone, so that only a character between the parts breaks them."""

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Control and format characters (bidirectional overrides, zero-width ones), surrogates.
_DROPPED = frozenset({"Cc", "Cf", "Cs"})
_LINE_BREAK = re.compile(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_MARKDOWN = re.compile(
    r"(?P<html>[&<>])"
    r"|(?P<dollar>\$)"
    r"|(?P<syntax>[\\`*\[\]~|])"
    r"|(?P<underscores>_+)"
    # A word may begin after an underscore here, which no `\b` sees.
    r"|(?P<reference>@|\#(?=\d)|:(?=//)|www(?=\.)|:(?=[\w+-]+(?::|$))"
    r"|(?<![^\W_])(?:GH|CVE|GHSA)(?=-\w)|(?<![^\W_])[0-9a-f]{4}(?=[0-9a-f]{3,36}(?:[\W_]|$)))",
    re.IGNORECASE,
)
# GitHub finds formulas in the finished text too, at dollars on both sides of them. What its manual
# gives against it, a <span> around each, would take fifteen times the room of what it shows.
# https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/writing-mathematical-expressions
_DOLLAR = "\N{FULLWIDTH DOLLAR SIGN}"
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# What begins a list, a heading or an underline when it stands first.
_BLOCK_START = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+=#])")
_XML_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def one_line(text: str, *, limit: int = 300) -> str:
    """The text without line breaks, control and invisible characters, cut to ``limit``."""
    text = _ANSI.sub("", text[: 4 * limit])
    shown = _shown(" ".join(_LINE_BREAK.sub(" ", text).replace("\t", " ").split()))
    shown = " ".join(shown.split())
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def plain(text: str, *, limit: int = 300) -> str:
    """One line for a terminal or a job log, which a runner reads for ``::command::`` lines."""
    return without_commands(one_line(text, limit=limit))


def message(text: str) -> str:
    """A message of several lines for a job log, with nothing in it that a runner obeys.

    Where a line ends nobody can tell our own words from a name that stands in them.
    """
    lines = _LINE_BREAK.sub("\n", _ANSI.sub("", text)).expandtabs(4).split("\n")
    return "\n".join(without_commands(_shown(line).rstrip()) for line in lines)


def _shown(line: str) -> str:
    """The line without control and invisible characters."""
    return "".join(char for char in line if unicodedata.category(char) not in _DROPPED)


def without_commands(line: str) -> str:
    """The line so that no runner takes a part of it for a workflow command, wrapped or not."""
    return line.replace("::", f":{JOINER}:").replace("##[", f"##{JOINER}[")


def escape_markdown(text: str, *, limit: int = 300) -> str:
    """One line of GitHub markdown that shows the text and nothing else, in a table cell too."""
    line = one_line(text, limit=limit)

    def harmless(match: re.Match[str]) -> str:
        found = match[0]
        if match["html"]:
            return _HTML[found]
        if match["dollar"]:
            return _DOLLAR
        if match["syntax"]:
            return "\\" + found
        if match["underscores"]:
            before, after = line[: match.start()][-1:], line[match.end() :][:1]
            # Inside a word an underscore is only itself, and names stay searchable.
            return found if before.isalnum() and after.isalnum() else "\\_" * len(found)
        return found + JOINER

    escaped = _MARKDOWN.sub(harmless, line)
    return _BLOCK_START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", escaped)


def log_lines(text: str, *, max_lines: int = 30, max_chars: int = 4000) -> list[str]:
    """The end of a log as clean lines, the last ones kept."""
    tail = _LINE_BREAK.sub("\n", _ANSI.sub("", text[-4 * max_chars :])).expandtabs(4)
    lines = [_shown(line).rstrip() for line in tail.strip().split("\n")]
    kept: list[str] = []
    for line in reversed(lines[-max_lines:]):
        shown = line if len(line) <= 300 else line[:299] + "…"
        max_chars -= len(shown) + 1
        if max_chars < 0:
            break
        kept.append(shown)
    return [] if kept == [""] else kept[::-1]


def fenced(text: str, *, max_lines: int = 30, max_chars: int = 4000) -> str:
    """The end of a text as a code block that nothing inside can close; empty for no text."""
    lines = log_lines(text, max_lines=max_lines, max_chars=max_chars)
    if not lines:
        return ""
    # A marker of ours inside a log must not be taken for ours by who searches the comment.
    body = "\n".join(lines).replace("<!--", f"<!{JOINER}--")
    longest = max((len(run) for run in re.findall("`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{body}\n{fence}"


def xml_text(text: str) -> str:
    """The text without the characters that no XML 1.0 document may hold."""
    return _XML_ILLEGAL.sub("", _ANSI.sub("", text))
