"""What ``perfgate baseline check`` found, as a document and on a terminal; may not look at files.

Schema history:
    1  first version
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Literal

from pydantic import Field
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from perfgate.baselines.audit import Finding, Shown
from perfgate.records import Value
from perfgate.report.escape import plain
from perfgate.report.words import count

_STYLES = {"error": "bold red", "warning": "yellow"}
_MOST_ROWS = 1000
"""More than anyone reads; the JSON document has them all."""
_NAME_CHARS = 100
_HEADERS = ("line", "severity", "field", "stored", "expected")
_FIELD = _HEADERS.index("field")
_GAP = "  "
_NEXT = (
    "undo what was edited by hand; new figures come from launches: "
    "perfgate baseline update --record RECORD --reason TEXT"
)


class Findings(Value):
    """What was looked at, what was wrong there, and what was wrong there before.

    ``against`` names the other version, empty where there is none; ``standing`` counts what that
    version holds just the same, which is not repeated.
    """

    schema_name: Literal["perfgate.findings"] = Field("perfgate.findings", alias="schema")
    version: Literal[1] = 1
    perfgate: str
    files: tuple[str, ...]
    against: str = ""
    standing: int = 0
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    def of(self, severity: str) -> tuple[Finding, ...]:
        """The errors, or the warnings."""
        return tuple(one for one in self.findings if one.severity == severity)


def render_findings(found: Findings, console: Console) -> None:
    """Print a table a file, what is wrong below each row, and the sentence that sums them up."""
    shown = found.findings[:_MOST_ROWS]
    for file, of_file in groupby(shown, key=lambda one: one.file):
        console.print(Text(plain(file), style="bold"))
        _print_table(list(of_file), console)
        console.print()
    if len(found.findings) > len(shown):
        console.print(Text(f"And {len(found.findings) - len(shown)} more: --json lists them all."))
    for note in found.notes:
        console.print(Text(f"Note: {plain(note, limit=700)}"))
    console.print(Text(plain(summary(found), limit=700), style="bold"))
    if found.of("error"):
        console.print(Text(f"Next: {_NEXT}"))


def _print_table(found: list[Finding], console: Console) -> None:
    """Columns as wide as their widest cell; a field is cut before a figure is."""
    cells = [_cells(one) for one in found]
    widths = [max(map(len, column)) for column in zip(_HEADERS, *cells, strict=True)]
    widths[_FIELD] = min(widths[_FIELD], console.width - sum(widths) + widths[_FIELD] - 8)
    console.print(Text(_row(_HEADERS, widths), style="dim"))
    last = ""
    for one, row in zip(found, cells, strict=True):
        if one.scenario != last:
            console.print(Text(plain(one.scenario, limit=_NAME_CHARS), style="bold"))
            last = one.scenario
        line = Text(_row(row, widths))
        start = widths[0] + len(_GAP)
        line.stylize(_STYLES[one.severity], start, start + len(one.severity))
        console.print(line)
        console.print(Padding(Text(plain(one.message, limit=700)), (0, 0, 0, start), expand=False))


def _cells(one: Finding) -> tuple[str, ...]:
    field = plain(one.field, limit=_NAME_CHARS) or "-"
    return (str(one.line), one.severity, field, _figure(one.stored), _figure(one.derived))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    line, severity, field, stored, derived = widths
    cut = cells[_FIELD] if len(cells[_FIELD]) <= field else cells[_FIELD][: field - 1] + "…"
    return _GAP.join(
        (
            f"{cells[0]:>{line}}",
            f"{cells[1]:<{severity}}",
            f"{cut:<{field}}",
            f"{cells[3]:>{stored}}",
            f"{cells[4]:>{derived}}",
        )
    )


def _figure(value: Shown) -> str:
    if value is None:
        return "-"
    return plain(value, limit=20) if isinstance(value, str) else f"{value:.10g}"


def summary(found: Findings) -> str:
    """``7 errors and 1 warning in 1 file, against main; …``"""
    told = " and ".join(
        count(len(found.of(severity)), severity)
        for severity in ("error", "warning")
        if found.of(severity)
    )
    where = f" in {count(len(found.files), 'file')}"
    against = f", against {found.against}" if found.against else ""
    standing = (
        f"; {count(found.standing, 'finding')} from before "
        f"{'is' if found.standing == 1 else 'are'} not repeated"
        if found.standing
        else ""
    )
    return f"{told or 'Nothing wrong'}{where}{against}{standing}."
