"""``perfgate compete``: compares frameworks on this machine, shows who wins, writes the results."""

from __future__ import annotations

import os
from pathlib import Path

import click

from perfgate.app.compete import compete as use_case
from perfgate.app.compete.contest import COMPILE, USUAL_REPEATS, Compile
from perfgate.app.compete.outputs import add_to_summary, write_results
from perfgate.app.measuring.devices import Choice
from perfgate.app.outputs import prepare_folder
from perfgate.app.publishing.edges import path_in
from perfgate.cli import options
from perfgate.cli.group import stopped_by
from perfgate.cli.surroundings import stdout_console, surroundings
from perfgate.errors import ExitCode
from perfgate.records import to_json
from perfgate.report.competition.terminal import render_terminal
from perfgate.report.escape import message

_EPILOG = """\b
Examples:
  perfgate compete                                    every case of the suite in its frameworks
  perfgate compete --compile both --case wan_t2v      eager and compiled beside each other
  perfgate compete --config comparison_configs.json   the cases of sglang's nightly comparison
  perfgate compete --dry-run                          what it would launch, and device minutes
"""


@click.command(epilog=_EPILOG)
@options.suite
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Take the cases from sglang's comparison_configs.json; --suite says how to set up.",
)
@options.cases
@click.option(
    "--framework",
    "frameworks",
    metavar="NAME",
    multiple=True,
    help="Only this framework; repeatable.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 1000),
    show_default=f"{USUAL_REPEATS}, or what --config says",
    help="Launches of each case in each framework.",
)
@click.option(
    "--compile",
    "compile_",
    type=click.Choice(COMPILE),
    default="as-written",
    show_default=True,
    help="Run frameworks eager, compiled, both, or as each case says.",
)
@click.option(
    "--budget",
    "budget_s",
    type=options.Duration(),
    metavar="DURATION",
    help="Device time; no launch starts that could not end within it. Default: no bound.",
)
@click.option("--dry-run", is_flag=True, help="Print the plan with device minutes, launch nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as one JSON document.")
@options.output_dir
@options.cache_dir
@options.device
@options.lease_timeout
def compete(
    suite: str,
    config: Path | None,
    cases: tuple[str, ...],
    frameworks: tuple[str, ...],
    repeats: int | None,
    compile_: Compile,
    budget_s: float | None,
    *,
    dry_run: bool,
    as_json: bool,
    output_dir: Path,
    cache_dir: Path | None,
    device: Choice,
    lease_timeout_s: float,
) -> int:
    """Measure every case in every framework in turns, and say who is fastest.

    A framework that fails stops no other: its cells say why. The folder --output-dir gets
    results.json, comparison-results.json in the format of sglang's nightly job, summary.md and
    junit.xml.

    Exit code 4 when a launch failed or a cell has no number, 3 when the device was unfit in all
    launches of a cell.
    """
    if dry_run and as_json:
        raise click.UsageError("--dry-run prints a plan for people; --json prints results.")
    request = use_case.CompeteRequest(
        start=Path.cwd(),
        suite=suite,
        config=config,
        only=cases,
        frameworks=frameworks,
        repeats=repeats,
        compile=compile_,
        budget_min=None if budget_s is None else budget_s / 60,
    )
    if dry_run:
        for line in use_case.plan(request, dict(os.environ)):
            click.echo(message(line))
        return ExitCode.OK
    folder = output_dir.absolute()
    prepare_folder(folder)
    with surroundings(cache=cache_dir, device=device, lease_timeout_s=lease_timeout_s) as edges:
        competed = use_case.compete(request, edges)
    # Shown before it is written: a full disk takes the files, not the result.
    if as_json:
        click.echo(to_json(competed.results), nl=False)
    else:
        render_terminal(competed.results, stdout_console())
    for name, log in competed.logs:
        click.echo(message(f"{name}:\n{log}"), err=True)
    written = write_results(folder, competed)
    click.echo(message(f"Results are in {written}"), err=True)
    _summarise(competed)
    return _exit_code(competed)


def _summarise(competed: use_case.Competed) -> None:
    """What GitHub's runner does with the summary never changes the exit code."""
    path = path_in(os.environ, "GITHUB_STEP_SUMMARY")
    if path is None:
        return
    try:
        add_to_summary(path, competed)
    except OSError as error:
        told = f"perfgate: the job summary could not be written: {error.strerror}"
        click.echo(message(told), err=True)


def _exit_code(competed: use_case.Competed) -> int:
    if competed.interrupted:
        return stopped_by(competed.interrupted)
    if competed.unfit_alone:
        return ExitCode.DEVICE
    return ExitCode.BENCHMARK if competed.failed else ExitCode.OK
