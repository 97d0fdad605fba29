"""What ``perfgate doctor`` found, as a document and on a terminal; may not look at anything itself.

Schema history:
    1  first version
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perfgate.records import Value
from perfgate.report.escape import plain

State: TypeAlias = Literal["ok", "warning", "bad", "not applicable"]

_STYLES: dict[State, str] = {"warning": "yellow", "bad": "bold red", "not applicable": "dim"}
_WORDS: dict[State, str] = {"not applicable": "-"}


class Check(Value):
    """One row: what was looked at, what was seen, and what to do about it.

    ``bad`` is what makes measuring pointless; a ``warning`` makes it noisier or less told.
    """

    name: str
    state: State
    seen: str
    fix: str = ""


class Diagnosis(Value):
    """Whether this machine is fit to measure on ``device``, row by row."""

    schema_name: Literal["perfgate.doctor"] = Field("perfgate.doctor", alias="schema")
    version: Literal[1] = 1
    perfgate: str
    device: str
    hardware_key: str = ""
    fit: bool
    checks: tuple[Check, ...]


def render_doctor(diagnosis: Diagnosis, console: Console) -> None:
    """Print the rows, each with its fix below it, and the sentence that sums them up."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("check", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("seen", overflow="fold")
    for check in diagnosis.checks:
        style = _STYLES.get(check.state, "")
        table.add_row(
            Text(plain(check.name)),
            Text(_WORDS.get(check.state, check.state), style=style),
            Text(
                plain(check.seen, limit=500), style="dim" if check.state == "not applicable" else ""
            ),
        )
        if check.fix:
            table.add_row("", Text("→", justify="right"), Text(plain(check.fix, limit=700)))
    console.print(table)
    console.print()
    console.print(Text(plain(summary(diagnosis)), style="bold"))


def summary(diagnosis: Diagnosis) -> str:
    """``Fit to measure on nvidia-h100-80gb-hbm3-x1, with 2 warnings.``"""
    bad = sum(check.state == "bad" for check in diagnosis.checks)
    warnings = sum(check.state == "warning" for check in diagnosis.checks)
    where = diagnosis.hardware_key or diagnosis.device
    if bad:
        mend = "1 row is bad" if bad == 1 else f"{bad} rows are bad"
        return f"Not fit to measure on {where}: {mend}."
    told = {0: "", 1: ", with 1 warning"}.get(warnings, f", with {warnings} warnings")
    return f"Fit to measure on {where}{told}."
