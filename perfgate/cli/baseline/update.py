"""``perfgate baseline update``: adds measured launches to the files of this repository."""

from __future__ import annotations

import os
from pathlib import Path

import click

from perfgate.app import keep as use_case
from perfgate.cli import options


@click.command()
@click.argument("record", type=click.Path(path_type=Path, dir_okay=False))
@options.suite
@options.cases
def update(record: Path, suite: str, cases: tuple[str, ...]) -> None:
    """Add the head launches of RECORD to the baselines as one more job.

    Figures in a baseline are derived from its launches; nobody edits them by hand. Commit the
    changed files through a reviewed pull request.
    """
    written = use_case.keep(Path.cwd(), os.environ, suite=suite, record=record, only=cases)
    for path in written:
        click.echo(f"wrote {path}")
