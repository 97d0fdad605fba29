"""``perfgate baseline debt``: lists what is slower by permission, the oldest first."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from perfgate.app.keeping import stored as use_case
from perfgate.cli import options
from perfgate.cli.surroundings import stdout_console
from perfgate.report.debt import render_debts

_EPILOG = """\b
Examples:
  perfgate baseline debt          the oldest first, with the days left
  perfgate baseline debt --json   one JSON document on standard output
"""


@click.command(epilog=_EPILOG)
@options.suite
@click.option("--json", "as_json", is_flag=True, help="Print them as one JSON document.")
def debt(suite: str, as_json: bool) -> None:
    """List the permissions to be slower in accepted.yml, the oldest first.

    How old one is says the commit of its reference, the last one before the slowdown. A permission
    goes when `perfgate baseline update` finds the figure as fast as before.
    """
    today = datetime.now(UTC).date()
    found = use_case.debts(Path.cwd(), os.environ, suite=suite, today=today)
    if as_json:
        click.echo(found.model_dump_json(indent=1))
        return
    told = [(one.acceptance, one.days_left, one.since) for one in found.debts]
    render_debts(told, stdout_console())
