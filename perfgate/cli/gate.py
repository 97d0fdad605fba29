"""``perfgate gate``: reads the arguments of a gate, shows its decision, returns its exit code."""

from __future__ import annotations

import os
from pathlib import Path

import click

from perfgate.app import gate as use_case
from perfgate.app.devices import Choice
from perfgate.app.outputs import prepare_folder, write_folder, write_problem
from perfgate.cli import options
from perfgate.cli.group import stopped_by
from perfgate.cli.surroundings import stdout_console, surroundings
from perfgate.errors import PerfgateError
from perfgate.report.terminal import render_terminal

_EPILOG = """\b
Examples:
  perfgate gate                          this branch against its upstream's merge base
  perfgate gate --base HEAD~1            the working tree against the commit before
  perfgate gate --case wan_t2v_tiny      one case, whatever its `when:` says
"""


@click.command(epilog=_EPILOG)
@options.suite
@click.option("--base", metavar="REF", help="What to compare with; by default the event says it.")
@click.option(
    "--strategy",
    type=click.Choice(["paired", "baseline", "auto"]),
    help="Decide by pairs, against the baselines, or as auto says. Default: the suite's.",
)
@options.cases
@click.option("--finish", is_flag=True, help="Decide every case even after one is slower.")
@options.output_dir
@options.cache_dir
@options.device
@options.lease_timeout
def gate(
    suite: str,
    base: str | None,
    strategy: str | None,
    cases: tuple[str, ...],
    finish: bool,
    output_dir: Path,
    cache_dir: Path | None,
    device: Choice,
    lease_timeout_s: float,
) -> int:
    """Measure base and head in turns on this machine, decide, and print the table.

    Policy, baselines and case definitions are read from the base commit. The folder --output-dir
    holds everything that was measured and decided.
    """
    request = use_case.GateRequest(
        start=Path.cwd(), suite=suite, base=base, strategy=strategy, only=cases, finish=finish
    )
    folder = output_dir.absolute()
    prepare_folder(folder)
    try:
        with surroundings(cache=cache_dir, device=device, lease_timeout_s=lease_timeout_s) as edges:
            decision, record = use_case.gate(request, edges)
    except PerfgateError as error:
        write_problem(folder, error, suite=use_case.suite_name(request, os.environ))
        raise
    # Shown before it is written: a full disk takes the files, not the verdict.
    render_terminal(decision, stdout_console())
    write_folder(folder, decision, record)
    click.echo(f"Everything measured is in {output_dir}/", err=True)
    if decision.interrupted:
        return decision.exit_code or stopped_by(decision.interrupted)
    return decision.exit_code
