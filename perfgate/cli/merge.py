"""``perfgate merge``: one decision of what the shards of a plan measured, and its exit code."""

from __future__ import annotations

import os
from pathlib import Path

import click

from perfgate.app.fleet import edges as use_case
from perfgate.app.fleet.files import PLAN, prepare_joined, write_joined
from perfgate.app.fleet.merge import MergeRequest
from perfgate.app.outputs import write_problem
from perfgate.cli import options
from perfgate.cli.group import stopped_by
from perfgate.cli.surroundings import stdout_console
from perfgate.errors import PerfgateError
from perfgate.records import to_json
from perfgate.report.terminal import render_terminal

_EPILOG = """\b
Examples:
  perfgate merge shards --plan perfgate-out/plan.json
  perfgate publish perfgate-out
"""


@click.command(epilog=_EPILOG)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The plan that was measured. Default: {PLAN} in --output-dir.",
)
@click.option("--suite", metavar="FILE", help="Refuse the plan of any other suite file.")
@click.option("--json", "as_json", is_flag=True, help="Print the decision as one JSON document.")
@options.output_dir
def merge(
    folder: Path, plan_file: Path | None, suite: str | None, as_json: bool, output_dir: Path
) -> int:
    """Decide once from every record.json below FOLDER, by the rules of the base commit.

    A case whose shard left no record is missing. A record of another plan, of other commits or of
    another policy, a second one of a shard and a damaged one are refused by name.
    """
    out = output_dir.absolute()
    if out.resolve().is_relative_to(folder.resolve()):
        raise click.UsageError("--output-dir is emptied, and lies in FOLDER: name another one.")
    prepare_joined(out)
    request = MergeRequest(
        start=Path.cwd(),
        plan=(plan_file or out / PLAN).absolute(),
        folder=folder.absolute(),
        suite=None if suite is None else suite.replace("\\", "/"),
    )
    try:
        merged = use_case.merge_here(request, dict(os.environ))
    except PerfgateError as error:
        write_problem(out, error, suite=use_case.suite_of(request))
        raise
    if as_json:
        click.echo(to_json(merged.decision), nl=False)
    else:
        # Shown before it is written: a full disk takes the files, not the verdict.
        render_terminal(merged.decision, stdout_console())
    write_joined(out, merged.decision, merged.records, merged.texts)
    click.echo(f"What was joined is in {output_dir}/", err=True)
    if merged.decision.interrupted:
        # What a shard did not come to is not well, whoever stopped it.
        return merged.decision.exit_code or stopped_by(merged.decision.interrupted)
    return merged.decision.exit_code
