"""What GitHub's own markdown parser makes of a text, as a reader's browser gets it. No tests.

cmark-gfm is the parser behind GitHub's pages. After it GitHub looks for mentions, references and
emoji in the text that is left, which :func:`spoken` does in its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from cmarkgfm import cmark

_EXTENSIONS = ["table", "autolink", "strikethrough", "tasklist"]
# UNSAFE: raw HTML is to be seen, not hidden.
_OPTIONS = cmark.Options.CMARK_OPT_UNSAFE | cmark.Options.CMARK_OPT_FOOTNOTES
_TOLD = ("href", "src", "type", "class")
_SPOKEN = re.compile(
    r"(?P<mention>(?<![\w`])@[A-Za-z0-9])"
    r"|(?P<reference>(?<!\w)(?:[\w.-]+/[\w.-]+)?#\d|\bGH-\d|\bCVE-\d)"
    r"|(?P<address>\w+://\w|\bwww\.\w)"
    r"|(?P<emoji>:[\w+-]+:)"
    r"|(?P<math>\$[^\s$][^$]*\$)"
)


@dataclass
class Page(HTMLParser):
    """The elements of a page with the attributes that matter, and its text outside of code."""

    elements: list[str] = field(default_factory=list)
    links: set[str] = field(default_factory=set)
    hidden: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = [f"{name}={value}" for name, value in attrs if name in _TOLD]
        others = [name for name, _ in attrs if name not in _TOLD]
        self.elements.append(" ".join([tag, *told, *others]))
        self.links |= {value or "" for name, value in attrs if name in ("href", "src")}
        self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.elements.append(f"/{tag}")
        if tag in self.inside:
            del self.inside[len(self.inside) - 1 - self.inside[::-1].index(tag) :]

    def handle_comment(self, data: str) -> None:
        self.elements.append("comment")
        self.hidden.append(data)

    def handle_decl(self, decl: str) -> None:
        self.elements.append("declaration")

    def unknown_decl(self, data: str) -> None:
        self.elements.append("declaration")

    def handle_pi(self, data: str) -> None:
        self.elements.append("instruction")

    def handle_data(self, data: str) -> None:
        if not {"code", "pre", "a"} & set(self.inside):
            self.texts.append(data)


def page_of(markdown: str) -> Page:
    """The page that a reader sees."""
    html = cmark.markdown_to_html_with_extensions(markdown, _OPTIONS, extensions=_EXTENSIONS)
    page = Page()
    page.feed(html)
    page.close()
    return page


def spoken(page: Page) -> list[str]:
    """What GitHub would make a mention, a reference, a link, an emoji or a formula of."""
    return [match[0] for text in page.texts for match in _SPOKEN.finditer(text)]
