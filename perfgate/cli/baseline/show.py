"""``perfgate baseline show``: prints what is kept of each case on each kind of machine."""

from __future__ import annotations

import os
from pathlib import Path

import click

from perfgate.app.keeping import stored as use_case
from perfgate.cli import options
from perfgate.cli.surroundings import stdout_console
from perfgate.report.entries import render_entry
from perfgate.report.words import count

_EPILOG = """\b
Examples:
  perfgate baseline show                       every case on every kind of machine
  perfgate baseline show --case wan_t2v_tiny
  perfgate baseline show --json                one JSON document on standard output
"""


@click.command(epilog=_EPILOG)
@options.suite
@options.cases
@click.option("--json", "as_json", is_flag=True, help="Print them as one JSON document.")
def show(suite: str, cases: tuple[str, ...], as_json: bool) -> None:
    """Print the figures of every entry that has launches, and how far they are from the first.

    They are derived from the launches anew; a file in which they differ ends this with exit code 5.
    """
    found = use_case.entries(Path.cwd(), os.environ, suite=suite, only=cases)
    if as_json:
        click.echo(found.model_dump_json(indent=1))
        return
    console = stdout_console()
    if not found.entries:
        click.echo("No entry is kept.")
    for one in found.entries:
        told = f"{count(one.launches, 'launch', 'launches')} in {count(one.jobs, 'job')}"
        newest = f"newest {one.commit[:12]} of {one.date[:10]}"
        render_entry(f"{one.case} · {one.hardware_key}: {told}, {newest}", one.metrics, console)
