"""Text that somebody may write who wants more than to be read: made of what is read as markup."""

from __future__ import annotations

from hypothesis import strategies as st

_MARKUP = (
    *("**", "_", "~~", "`", "```", "|", "\\", "\\|", "> ", "- ", "* ", "+ ", "1. ", "1) ", "# "),
    *("=====", "-----", "***", "[", "]", "(", ")", "![", "](", "[^1]", "[^1]: ", "[x]: ", "- [ ] "),
    *("$", "$$", "::", "%0A", "%", "&", "&#64;", "&lt;", "&nbsp;", "&#x202e;", "~", ":", "<", ">"),
    *("<!--", "-->", "<b>", "</details>", "<details>", "<img src=x onerror=y>", "</summary>"),
    *("<a href='javascript:x'>", "<https://evil.example>", "<me@evil.example>", "<?", "<![CDATA["),
    *("| --- | --- |", "\n| a | b |", "\n---\n", "\n\n# h\n\n", "\n    code", "\n\t- item", "  \n"),
    *(":rocket:", "@octocat", "@octo/perf", "octo/bench#12", "#12", "GH-12", "CVE-2026-1234"),
    *("https://evil.example/x", "http://", "www.evil.example", "ftp://evil.example", "mailto:"),
    *("me@evil.example", "xmpp:a@b.example", "[a](https://evil.example)", "![a](//evil.example/x)"),
    *("javascript:alert(1)", "deadbeefcafe", "0123456789abcdef0123456789abcdef01234567"),
    *("::error::", "::set-output name=x::y", "##[error]", "::add-mask::", "::stop-commands::x"),
    *("\n::error::x", "\r::error::x", "\u2028::error::x", "%0A::error::x", "/perfgate rerun"),
    *("<!-- perfgate:history=AAAA -->", "<!-- perfgate:comment key=x -->", "perfgate:answer"),
    *("\x1b[31m", "\x1b]8;;https://evil.example\x07", "\x00", "\x07", "\x85", "\u2028", "\r", "\n"),
    *("\u202e", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u0301", "\u00a0", "\u3000"),
    *(
        "\N{FULLWIDTH COMMERCIAL AT}octocat",
        "\U000e0041",
        "\U0001f534",
        "é",
        "作業",
        "../",
        "..\\",
        "/etc/passwd",
    ),
    *(
        "C:\\x",
        "$(id)",
        "`id`",
        "; id",
        "--base",
        "-x",
        "${{ github.token }}",
        "{{ 7*7 }}",
        "{% x %}",
    ),
)

MARKUP = st.lists(st.sampled_from(_MARKUP) | st.text(max_size=4), max_size=8).map("".join)
TEXT = MARKUP | st.text(max_size=40)
"""Any text, mostly of the parts that markdown, GitHub, terminals, shells and runners react to."""

LONG = st.builds(lambda text, times: text * times, TEXT, st.sampled_from([1, 1, 1, 40, 400]))
"""The same, sometimes too much of it."""

# json.loads makes lone surrogates of escapes, and such text cannot be printed or written.
JSON_TEXT = TEXT | st.lists(st.sampled_from([*_MARKUP, "\ud800", "\udfff"]), max_size=4).map(
    "".join
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | JSON_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(JSON_TEXT, inner, max_size=3),
    max_leaves=8,
)
"""Any JSON value."""


@st.composite
def damaged(draw, document):
    """A JSON document of which a few values are replaced, removed, or given twice the depth."""
    document = _copy(document)
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(document))
        if not places:
            return document
        holder, key = places[draw(st.integers(0, len(places) - 1))]
        match draw(st.integers(0, 3)):
            case 0:
                del holder[key]
            case 1:
                holder[key] = [holder[key]]
            case _:
                holder[key] = draw(JSON)
    return document


def _copy(value):
    if isinstance(value, dict):
        return {key: _copy(one) for key, one in value.items()}
    return [_copy(one) for one in value] if isinstance(value, list) else value


def _places(value):
    """Every place in a document, as what holds it and the key or index there."""
    if isinstance(value, dict | list):
        items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        for key, one in items:
            yield value, key
            yield from _places(one)
