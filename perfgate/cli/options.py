"""The options that several commands share, spelled once."""

from __future__ import annotations

from pathlib import Path

import click

suite = click.option(
    "--suite", default="perfgate.yml", show_default=True, help="Suite file, from the root."
)
cases = click.option(
    "--case", "cases", metavar="ID", multiple=True, help="Only this case; repeatable."
)
output_dir = click.option(
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("perfgate-out"),
    show_default=True,
    help="Where results go.",
)
cache_dir = click.option(
    "--cache-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where environments made by `setup:` are kept between jobs.",
)
