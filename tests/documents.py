"""README and the pages below docs/ as tests read them: fenced blocks, prose, headings, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
ONLY_READ = "Only read by the tests: "
_FENCE = re.compile(r"^( *)```(\S*)[^\n]*\n(.*?)^\1```$", flags=re.MULTILINE | re.DOTALL)
_MARKED = re.compile(rf"\*{ONLY_READ}(?P<why>[^*\n]+)\*\n\n$")
_SPAN = re.compile(r"(`+)(.+?)\1", flags=re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Fence:
    """One fenced block, with the reason that stands above it where the tests cannot run it."""

    page: str
    line: int
    language: str
    text: str
    only_read: str

    @property
    def place(self) -> str:
        """Where it stands, as an editor understands it."""
        return f"{self.page}:{self.line}"


def page(name: str) -> str:
    """The text of one document, by its path below the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def fences(name: str) -> list[Fence]:
    """The fenced blocks of a document, in order."""
    text, found = page(name), []
    for match in _FENCE.finditer(text):
        marked = _MARKED.search(text, 0, match.start())
        indent, language, body = match.groups()
        found.append(
            Fence(
                page=name,
                line=text.count("\n", 0, match.start()) + 1,
                language=language,
                text=re.sub(rf"^{indent}", "", body, flags=re.MULTILINE),
                only_read=marked["why"] if marked else "",
            )
        )
    return found


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language in a text, without their fences."""
    return [body for _, known, body in _FENCE.findall(text) if known == language]


def prose(name: str) -> str:
    """A document without its fenced blocks."""
    return _FENCE.sub("", page(name))


def spans(name: str) -> list[str]:
    """The pieces of code inside a document's sentences and tables."""
    return [found[1].replace("\\|", "|") for found in _SPAN.findall(prose(name))]


def links(name: str) -> list[str]:
    """Where a document's links and pictures lead."""
    return re.findall(r"\]\(([^)\s]+)\)", _SPAN.sub("", prose(name)))


def anchors(name: str) -> set[str]:
    """What a link may name after ``#`` in a document, as GitHub makes it of the headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?) *$", prose(name), flags=re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        again = next(n for n in range(1000) if (f"{anchor}-{n}" if n else anchor) not in found)
        found.add(f"{anchor}-{again}" if again else anchor)
    return found
