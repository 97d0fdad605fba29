"""``perfgate gate``: reads the arguments of a gate, shows its decision, returns its exit code."""

from __future__ import annotations

import os
from pathlib import Path

import click

from perfgate.app import gate as use_case
from perfgate.app.fleet.files import read_plan
from perfgate.app.measuring.devices import Choice
from perfgate.app.measuring.resume import read_earlier
from perfgate.app.outputs import RECORD, prepare_folder, write_folder, write_problem
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
  perfgate gate --continue               more pairs for what the last gate left undecided
  perfgate gate --plan perfgate-out/plan.json --shard h100-1    one part of `perfgate plan`
"""


@click.command(epilog=_EPILOG)
@options.suite
@options.base
@options.strategy
@options.cases
@click.option(
    "--continue",
    "go_on",
    is_flag=True,
    help="Go on from the record in --output-dir: undecided cases get their next pairs.",
)
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The plan.json of `perfgate plan`: measure one of its shards.",
)
@click.option("--shard", metavar="NAME", help="Which shard of the plan.")
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
    go_on: bool,
    plan_file: Path | None,
    shard: str | None,
    finish: bool,
    output_dir: Path,
    cache_dir: Path | None,
    device: Choice,
    lease_timeout_s: float,
) -> int:
    """Measure base and head in turns on this machine, decide, and print the table.

    Policy, baselines and case definitions are read from the base commit. The folder --output-dir
    holds everything that was measured and decided.

    --continue needs the same commits and files, policy and machine. It launches nothing again; the
    budget counts anew, and a case that used up gate.max_pairs gets as many again.

    With --plan a job measures one shard, at its part of the suite's false-block rate; `perfgate
    merge` makes one decision of them all.
    """
    if go_on and (cases or strategy or plan_file):
        raise click.UsageError("--continue takes cases, strategy and shard from its record.")
    if (plan_file is None) != (shard is None):
        raise click.UsageError("--plan and --shard go together.")
    if plan_file and (cases or strategy or base):
        raise click.UsageError("--plan says base, strategy and cases; give none of these.")
    request = use_case.GateRequest(
        start=Path.cwd(), suite=suite, base=base, strategy=strategy, only=cases, finish=finish
    )
    if plan_file is not None and shard is not None:
        request = use_case.of_shard(request, read_plan(plan_file), shard)
    folder = output_dir.absolute()
    if go_on:
        request = use_case.going_on(request, read_earlier(folder / RECORD))
    else:
        prepare_folder(folder)
    try:
        with surroundings(cache=cache_dir, device=device, lease_timeout_s=lease_timeout_s) as edges:
            decision, record = use_case.gate(request, edges)
    except PerfgateError as error:
        # What cannot go on now may later: the folder still holds the record and its decision.
        if not go_on:
            write_problem(folder, error, suite=use_case.suite_name(request, os.environ))
        raise
    # Shown before it is written: a full disk takes the files, not the verdict.
    render_terminal(decision, stdout_console())
    write_folder(folder, decision, record)
    click.echo(f"Everything measured is in {output_dir}/", err=True)
    if decision.interrupted:
        return decision.exit_code or stopped_by(decision.interrupted)
    return decision.exit_code
