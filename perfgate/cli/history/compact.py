"""``perfgate history compact``: makes one file of each finished month."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from perfgate.cli.history import options
from perfgate.history import compact as making
from perfgate.report.escape import plain
from perfgate.report.words import count

_EPILOG = """\b
Example:
  perfgate history compact --from branch:perfgate-data --before 2026-05-01
"""


@click.command(epilog=_EPILOG)
@options.both
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    required=True,
    help="Only months that were over on this day (UTC).",
)
def compact(named: str, before: datetime) -> None:
    """Turn the result files of finished months into one Parquet file each.

    Nothing of them is lost: a month is read back before its files are removed. A file that comes
    late stays as it is until the next time. What cannot be read is named and left alone.
    """
    with options.opened(named) as store:
        done = making.compact(store, before=before.date(), now=datetime.now(UTC))
    for problem in done.problems:
        click.echo(f"left alone: {plain(problem, limit=700)}", err=True)
    for month in done.months:
        click.echo(f"{month.month}: {count(len(month.files), 'file', 'files')} → {month.name}")
    if not done.months:
        click.echo("Every finished month is one file already.")
