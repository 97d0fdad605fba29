"""``perfgate calibrate``: says how noisy this machine is, and keeps it for the gate to read."""

from __future__ import annotations

from pathlib import Path

import click

from perfgate.app import calibrate as use_case
from perfgate.app.measuring.devices import Choice
from perfgate.app.outputs import prepare_folder, write_record
from perfgate.cli import options
from perfgate.cli.group import stopped_by
from perfgate.cli.surroundings import stdout_console, surroundings
from perfgate.errors import ExitCode
from perfgate.report.calibration import render_calibration

_EPILOG = """\b
Examples:
  perfgate calibrate                       20 pairs of every case, head against itself
  perfgate calibrate --case wan --pairs 40
  perfgate calibrate --resident            20 gates of every case with `launch: resident`
"""


@click.command(epilog=_EPILOG)
@options.suite
@options.cases
@click.option(
    "--pairs",
    type=click.IntRange(2, 1000),
    show_default=str(use_case.USUAL_PAIRS),
    help="Pairs of equal launches a case.",
)
@click.option(
    "--resident",
    is_flag=True,
    help="Run whole gates of equal sides of the cases with `launch: resident`.",
)
@click.option(
    "--gates",
    type=click.IntRange(1, 1000),
    show_default=str(use_case.USUAL_GATES),
    help="With --resident: gates a case. Those of earlier runs add up.",
)
@options.output_dir
@options.cache_dir
@options.device
@options.lease_timeout
def calibrate(
    suite: str,
    cases: tuple[str, ...],
    pairs: int | None,
    resident: bool,
    gates: int | None,
    output_dir: Path,
    cache_dir: Path | None,
    device: Choice,
    lease_timeout_s: float,
) -> int:
    """Launch this tree against itself, and print this machine's noise and what it can decide.

    The differences go to calibration.json beside the baselines of this hardware, which a gate reads
    from its base commit: with ten of them or more it needs fewer pairs. Commit the file through a
    reviewed pull request. In a pull request's own job nothing is written there. gate.budget does
    not end this run: it takes one launch and two for each pair, a case.

    --resident counts how often the gate blocks equal sides whose servers stay resident: a gate
    judges such a case only where 20 gates or more are counted for this workload, machine and rule
    in the file of its base commit. Their pairs are kept as differences too.

    Exit code 4 when a launch failed or no pair was measured.
    """
    if gates is not None and not resident:
        raise click.UsageError("--gates needs --resident.")
    if pairs is not None and resident:
        raise click.UsageError("--resident runs whole gates, not --pairs.")
    folder = output_dir.absolute()
    prepare_folder(folder)
    request = use_case.CalibrateRequest(
        start=Path.cwd(),
        suite=suite,
        pairs=pairs or use_case.USUAL_PAIRS,
        gates=(gates or use_case.USUAL_GATES) if resident else None,
        only=cases,
    )
    with surroundings(cache=cache_dir, device=device, lease_timeout_s=lease_timeout_s) as edges:
        found = use_case.calibrate(request, edges)
    record = found.record
    render_calibration(record, stdout_console(), kept=found.kept)
    write_record(folder, record)
    told = f"wrote {found.written}" if found.written else f"no calibration kept: {found.why_not}"
    click.echo(told)
    if record.interrupted:
        return stopped_by(record.interrupted)
    broken = any(not launch.ok for case in record.cases for launch in case.launches)
    empty = any(not any(one.pair is not None for one in case.launches) for case in record.cases)
    return ExitCode.BENCHMARK if broken or empty else ExitCode.OK
