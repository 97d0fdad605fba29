"""``perfgate baseline export``: writes kept launches into a file of sglang's."""

from __future__ import annotations

import os
from pathlib import Path

import click

from perfgate.app.keeping import import_export as use_case
from perfgate.cli import options

_EPILOG = """\b
Examples:
  perfgate baseline export perf_baselines/h100.json --hardware-key nvidia-h100-80gb-hbm3-x1
  perfgate baseline export new.json --case wan_t2v_tiny
"""


@click.command(epilog=_EPILOG)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--hardware-key",
    metavar="KEY",
    help="The machine whose launches to write; may be left out where there is only one.",
)
@options.suite
@options.cases
def export(file: Path, *, hardware_key: str | None, suite: str, cases: tuple[str, ...]) -> None:
    """Write the scenarios of the kept launches into FILE, in sglang's format.

    All figures of a scenario come from the launch in the middle. Lines of other scenarios keep
    their bytes; a file that is not there is begun.
    """
    names = use_case.export_file(
        Path.cwd(), os.environ, suite=suite, file=file, hardware_key=hardware_key, only=cases
    )
    click.echo(f"wrote {', '.join(names)} to {file}")
