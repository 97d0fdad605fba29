"""``perfgate measure``: measures this tree alone and writes the record."""

from __future__ import annotations

from pathlib import Path

import click

from perfgate.app import record as use_case
from perfgate.app.measuring.devices import Choice
from perfgate.app.outputs import prepare_folder, write_record
from perfgate.cli import options
from perfgate.cli.group import stopped_by
from perfgate.cli.surroundings import surroundings
from perfgate.errors import ExitCode

_EPILOG = """\b
Examples:
  perfgate measure                       every case of this tree; the record is in perfgate-out/
  perfgate measure --case wan_t2v_tiny   one case
  perfgate baseline update --record perfgate-out/record.json --reason "first baseline"
"""


@click.command(epilog=_EPILOG)
@options.suite
@options.cases
@options.output_dir
@options.cache_dir
@options.device
@options.lease_timeout
def measure(
    suite: str,
    cases: tuple[str, ...],
    output_dir: Path,
    cache_dir: Path | None,
    device: Choice,
    lease_timeout_s: float,
) -> int:
    """Launch every case of this tree, and write what was measured to record.json.

    Nothing is compared or decided. Exit code 4 when a launch failed or nothing was measured, 3
    when a case was launched on an unfit device alone.
    """
    folder = output_dir.absolute()
    prepare_folder(folder)
    request = use_case.RecordRequest(start=Path.cwd(), suite=suite, only=cases)
    with surroundings(cache=cache_dir, device=device, lease_timeout_s=lease_timeout_s) as edges:
        record = use_case.record_head(request, edges)
    path = write_record(folder, record)
    click.echo(f"{sum(len(case.launches) for case in record.cases)} launches are in {path}")
    if record.interrupted:
        return stopped_by(record.interrupted)
    for case in record.cases:
        if case.stopped:
            click.echo(f"{case.id}: {case.stopped}", err=True)
    if any(use_case.unfit_alone(case) for case in record.cases):
        return ExitCode.DEVICE
    good = [case for case in record.cases if case.launches and all(x.ok for x in case.launches)]
    for case in record.cases:
        for launch in case.launches:
            if not launch.ok:
                click.echo(f"{case.id} failed: {launch.failure}\n{launch.log_tail}", err=True)
    return ExitCode.OK if good and len(good) == len(record.cases) else ExitCode.BENCHMARK
