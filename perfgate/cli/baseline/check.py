"""``perfgate baseline check``: audits baseline files, and shows what cannot be true in them."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from perfgate import __version__
from perfgate.app.keeping import check as use_case
from perfgate.cli import options
from perfgate.cli.surroundings import stdout_console
from perfgate.report.findings import render_findings

_EPILOG = """\b
Examples:
  perfgate baseline check baselines/
  perfgate baseline check perf_baselines/h100.json --against origin/main
  perfgate baseline check npu_new.json --against ./npu_old.json --json
"""


@click.command(epilog=_EPILOG)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--against",
    metavar="REF",
    help="Also tell what changed since this git ref that nothing was measured for; one FILE can be "
    "held against another file instead.",
)
@click.option(
    "--max-age",
    "max_age_days",
    type=click.IntRange(min=1),
    default=use_case.MAX_AGE_DAYS,
    show_default=True,
    metavar="DAYS",
    help="Warn of entries that are older.",
)
@options.suite
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON document.")
def check(
    files: tuple[Path, ...], *, against: str | None, max_age_days: int, suite: str, as_json: bool
) -> int:
    """Look for what cannot be true in baseline files, perfgate's own or sglang's.

    Aggregates that contradict their parts, impossible figures, old and single samples. With
    --against also figures that changed without launches behind them; what was wrong there already
    is counted and not repeated. Nothing is changed. Exit code 5 when something is an error. In a
    GitHub workflow the findings are annotations on their lines.
    """
    start = Path.cwd()
    found, code = use_case.check(
        use_case.CheckRequest(
            start=start,
            files=files,
            against=against,
            suite=suite,
            today=datetime.now(UTC).date(),
            max_age_days=max_age_days,
        ),
        os.environ,
        perfgate=__version__,
    )
    if as_json:
        click.echo(found.model_dump_json(indent=1))
    else:
        render_findings(found, stdout_console())
    # The runner reads both streams, and with --json standard output is one document.
    for line in use_case.workflow_commands(found, os.environ, start=start):
        click.echo(line, err=as_json)
    return code
