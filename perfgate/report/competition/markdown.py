"""A comparison of frameworks as GitHub markdown, for the job summary; may not order or decide."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from tabulate import tabulate

from perfgate.records.results import Results
from perfgate.report.competition.rows import Row, Told, failures, headline, rows_of, winners
from perfgate.report.escape import escape_markdown, one_line
from perfgate.report.words import NOTHING

_HEADERS = (
    *("case", "framework", "median", f"least {NOTHING} greatest", "95 % interval"),
    *("requests", "server's own", "against the fastest"),
)
_OPTIONAL = ("interval", "server")
_FIELDS = ("case", "framework", "median", "range", "interval", "samples", "server", "told")
_LEFT = ("case", "framework", "told")
_NAME_CHARS = 64
_MOST_NOTES = 20


def render_markdown(results: Results) -> str:
    """The table, who wins, what failed and what is to be known about it."""
    parts = [
        f"## perfgate compete: {escape_markdown(headline(results))}",
        _table(rows_of(results)),
        _listed(winners(results)),
        _section("What failed", failures(results)),
        _notes(results.notes),
        escape_markdown(measured_where(results), limit=300),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def measured_where(results: Results) -> str:
    """One line: machine, commit and moment."""
    when = results.measured_at.strftime("%Y-%m-%d %H:%M UTC")
    return f"{results.hardware_key}, commit {results.commit[:12] or 'unknown'}, {when}"


def fields_shown(rows: Sequence[Row]) -> tuple[str, ...]:
    """Columns of the table: those that say something in no row are left out."""
    return tuple(
        name
        for name in _FIELDS
        if name not in _OPTIONAL or any(getattr(row, name) != NOTHING for row in rows)
    )


def header_of(field: str) -> str:
    """What a column is called."""
    return _HEADERS[_FIELDS.index(field)]


def is_text(field: str) -> bool:
    """Whether a column reads from the left; figures stand at the right."""
    return field in _LEFT


def _table(rows: Sequence[Row]) -> str:
    if not rows:
        return "Nothing was measured."
    fields = fields_shown(rows)
    lines = []
    for _, found in groupby(rows, key=lambda row: row.case):
        for index, row in enumerate(found):
            line = [escape_markdown(getattr(row, name), limit=_NAME_CHARS) for name in fields]
            line[0] = "" if index else f"**{line[0]}**"
            if row.good:
                line[1] = f"**{line[1]}**"
            lines.append(line)
    return tabulate(
        lines,
        headers=[header_of(name) for name in fields],
        tablefmt="pipe",
        colalign=["left" if is_text(name) else "right" for name in fields],
        disable_numparse=True,
    )


def _section(title: str, found: Sequence[Told]) -> str:
    return f"### {title}\n\n{_listed(found)}" if found else ""


def _listed(found: Sequence[Told]) -> str:
    return "\n".join(
        f"- **{escape_markdown(one.subject)}**: {escape_markdown(one.text, limit=400)}"
        for one in found
    )


def _notes(notes: Sequence[str]) -> str:
    told = [escape_markdown(one_line(note, limit=400), limit=400) for note in notes[:_MOST_NOTES]]
    return "\n".join(f"> {line}" for line in told)
