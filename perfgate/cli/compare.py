"""``perfgate compare``: decides from files and shows the decision."""

from __future__ import annotations

from pathlib import Path

import click

from perfgate.app import compare as use_case
from perfgate.cli.surroundings import stdout_console
from perfgate.records import to_json
from perfgate.report.terminal import render_terminal

_EPILOG = """\b
Examples:
  perfgate compare perfgate-out/record.json
  perfgate compare baselines/cpu-amd-epyc-x2/wan_t2v_tiny.json perfgate-out/record.json
"""


@click.command(epilog=_EPILOG)
@click.argument("base", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("head", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the decision as one JSON document.")
def compare(base: Path, head: Path | None, as_json: bool) -> int:
    """Decide from files: a paired record, two records, or a baseline and a record.

    Measures nothing. The exit code is the decision's.
    """
    decision = use_case.compare(base, head)
    if as_json:
        click.echo(to_json(decision), nl=False)
    else:
        render_terminal(decision, stdout_console(), verbose=True)
    return decision.exit_code
