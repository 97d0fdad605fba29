"""``perfgate init``: starts a project, from what stands in its repository to its first figures."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from textwrap import indent

import click

from perfgate.app.measuring.devices import Choice
from perfgate.app.outputs import prepare_folder
from perfgate.app.starting import first_figures
from perfgate.app.starting.first_figures import FirstFigures
from perfgate.app.starting.origin import installed_from
from perfgate.app.starting.start import SOURCES, Plan, StartRequest, begin, write
from perfgate.app.starting.steps import Step, next_steps
from perfgate.cli import options
from perfgate.cli.group import stopped_by
from perfgate.cli.surroundings import stdout_console, surroundings
from perfgate.errors import ExitCode, PerfgateError
from perfgate.report.calibration import render_calibration
from perfgate.report.escape import message, plain

_EPILOG = """\b
Examples:
  perfgate init                    look, write, measure, say what to do next
  perfgate init --dry-run          print what would be written
  perfgate init --from sglang      make the suite of sglang's baselines and test cases
  perfgate init --command "python3 bench.py" --no-measure
"""


@click.command(epilog=_EPILOG)
@click.option("--command", metavar="LINE", help="The benchmark, as a shell line.")
@click.option(
    "--from",
    "source",
    type=click.Choice(list(SOURCES)),
    help="Make the suite of the files that another tool keeps here.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be written; write nothing.")
@click.option("--no-measure", is_flag=True, help="Leave out the first calibration and baseline.")
@options.suite
@options.output_dir
@options.cache_dir
@options.device
@options.lease_timeout
def init(
    command: str | None,
    source: str | None,
    dry_run: bool,
    no_measure: bool,
    suite: str,
    output_dir: Path,
    cache_dir: Path | None,
    device: Choice,
    lease_timeout_s: float,
) -> int:
    """Look at this repository and machine, and write what a gate needs.

    That is a suite with comments, a workflow that measures pull requests, one that publishes those
    of forks, and a CODEOWNERS that has new baselines reviewed. A file that exists is never changed.
    Then this machine's first calibration and baseline are taken, for ten device minutes at most,
    and what to do next is printed. Called again, it does what is not done yet.

    Exit code 4 when a launch failed or nothing was measured; the files are written all the same.
    """
    environ = dict(os.environ)
    if command is not None and source is not None:
        raise click.UsageError("--command and --from exclude each other.")
    request = StartRequest(
        suite=suite,
        repository=installed_from(),
        command=command,
        source=SOURCES[source] if source else None,
    )
    plan = begin(Path.cwd(), environ, request, device=device)
    _tell_found(plan)
    if dry_run:
        _tell_texts(plan)
        return ExitCode.OK
    write(plan)
    _tell_files(plan)
    why_not = "asked not to" if no_measure else first_figures.why_not(plan, environ)
    figures: FirstFigures | None = None
    failed: PerfgateError | None = None
    if why_not:
        _say(f"Nothing is measured: {why_not}.\n")
    else:
        folder = output_dir.absolute()
        prepare_folder(folder)
        try:
            with surroundings(
                cache=cache_dir, device=device, lease_timeout_s=lease_timeout_s
            ) as edges:
                figures = first_figures.take(plan, edges, start=Path.cwd(), folder=folder)
            _tell_figures(figures)
        except PerfgateError as error:
            failed = error  # told last, below what the files that were written need next
    written = () if figures is None else figures.written
    kept = first_figures.has_figures(plan)
    _tell_steps(next_steps(plan, start=Path.cwd(), written=written, has_figures=kept))
    if failed is not None:
        raise failed
    return ExitCode.OK if figures is None else _code(figures)


def _tell_found(plan: Plan) -> None:
    found = plan.found
    _row("machine", found.hardware_key)
    for script in found.scripts:
        told = "leaves a report" if script.reports else "looks like a benchmark, leaves no report"
        _row("benchmark", f"{script.path} {told}")
    for path in found.sglang:
        _row("sglang", path)
    for note in plan.draft.notes if plan.draft else ():
        _row("note", note)
    for one in plan.draft.unmapped if plan.draft else ():
        _row("not taken", f"{one.where}: {one.what}: {one.why}")
    click.echo()


def _tell_texts(plan: Plan) -> None:
    for file in plan.files:
        if file.exists:
            _row("stays", f"{file.path}, which exists")
            continue
        _row("would write", file.path)
        click.echo(indent(message(file.text), "    "))
    for line in plan.unowned:
        _row("lacks", f"{plan.owners_path}: {line}")


def _tell_files(plan: Plan) -> None:
    for file in plan.files:
        _row("stays" if file.exists else "wrote", file.path)
    click.echo()


def _tell_figures(figures: FirstFigures) -> None:
    calibrated = figures.calibrated
    render_calibration(calibrated.record, stdout_console(), kept=calibrated.kept)
    for case in calibrated.record.cases:
        tail = next((one.log_tail for one in case.launches if not one.ok), "")
        if tail:
            click.echo(message(tail), err=True)
    for path in figures.written:
        _row("wrote", path)
    if calibrated.written is None:
        _say(f"No calibration is kept: {calibrated.why_not}.")
    elif figures.baseline is None:
        _say(
            "No baseline is kept: no case left enough good launches within ten minutes. "
            "`perfgate measure` has no such bound; `perfgate baseline update` keeps its record."
        )
    click.echo()


def _tell_steps(steps: Iterable[Step]) -> None:
    click.echo("Next:")
    for number, step in enumerate(steps, start=1):
        _say(f"{number:2}. {step.why}" + (":" if step.commands else "."))
        for command in step.commands:
            click.echo(f"      {message(command)}")


def _code(figures: FirstFigures) -> int:
    record = figures.calibrated.record
    if record.interrupted:
        return stopped_by(record.interrupted)
    broken = any(not launch.ok for case in record.cases for launch in case.launches)
    empty = figures.calibrated.written is None
    return ExitCode.BENCHMARK if broken or empty else ExitCode.OK


def _row(name: str, text: str) -> None:
    click.echo(f"{name:12}{plain(text, limit=500)}")


def _say(text: str) -> None:
    click.echo(message(text))
