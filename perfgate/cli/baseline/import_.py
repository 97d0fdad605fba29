"""``perfgate baseline import``: makes entries of perfgate's own from a file of sglang's."""

from __future__ import annotations

import os
from pathlib import Path

import click

from perfgate.app.keeping import import_export as use_case
from perfgate.cli import options

_EPILOG = """\b
Example:
  perfgate baseline import perf_baselines/h100.json --hardware-key nvidia-h100-80gb-hbm3-x1
"""


@click.command(name="import", epilog=_EPILOG)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--hardware-key",
    required=True,
    metavar="KEY",
    help="The machine that the figures are of; a gate prints it.",
)
@options.suite
@options.cases
def import_(file: Path, *, hardware_key: str, suite: str, cases: tuple[str, ...]) -> None:
    """Make entries from the scenarios in FILE that the suite's cases are called like.

    An entry holds one launch with the scenario's figures. What they were measured with is not
    known, so that gates do not compare with them; later updates remember them as the first accepted
    figures. Scenarios that contradict themselves, and cases that have an entry, are left out.
    """
    done = use_case.import_file(
        Path.cwd(), os.environ, suite=suite, file=file, hardware_key=hardware_key, only=cases
    )
    for path in done.written:
        click.echo(f"wrote {path}")
    for why in done.left_out.values():
        click.echo(f"left out: {why}", err=True)
