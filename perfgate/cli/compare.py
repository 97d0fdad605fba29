"""``perfgate compare``: decides from files and shows the decision."""

from __future__ import annotations

from pathlib import Path

import click

from perfgate.app import compare as use_case
from perfgate.cli.surroundings import stdout_console
from perfgate.records import to_json
from perfgate.report.explain import MOST_METRICS, render_evidence
from perfgate.report.terminal import render_terminal

_EPILOG = """\b
Examples:
  perfgate compare perfgate-out/record.json
  perfgate compare baselines/cpu-amd-epyc-x2/wan_t2v_tiny.json perfgate-out/record.json
  perfgate compare before.json after.json
  perfgate compare perf_baselines/h100.json after.json --scenario flux_image_t2i
"""

_MOST_FIGURES = 400
"""More than anyone reads: beyond it what is plainly unchanged is one row a case."""


@click.command(epilog=_EPILOG)
@click.argument("base", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("head", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the decision as one JSON document.")
@click.option("--scenario", metavar="ID", help="Which scenario of sglang's file a dump is of.")
@click.option(
    "--profile",
    default="pr_test",
    show_default=True,
    metavar="pr_test|long_term",
    help="Which tolerances of sglang's file.",
)
@click.option("--explain", is_flag=True, help="Print what each pair said, for paired records.")
def compare(
    base: Path, head: Path | None, as_json: bool, scenario: str | None, profile: str, explain: bool
) -> int:
    """Decide from files: a paired record, two records, or a baseline and a record.

    Two of sglang's performance dumps, or its baseline file and a dump or record, are decided by
    its tolerances, for which no error rate is known. Measures nothing. The exit code is the
    decision's.
    """
    if as_json and explain:
        raise click.UsageError("--explain is for people; --json prints one document alone.")
    decision = use_case.compare(base, head, scenario=scenario, profile=profile)
    if as_json:
        click.echo(to_json(decision), nl=False)
    else:
        figures = sum(len(case.metrics) for case in decision.cases)
        render_terminal(decision, stdout_console(), verbose=figures <= _MOST_FIGURES)
    if explain:
        render_evidence(use_case.explain(base, head, most_metrics=MOST_METRICS), stdout_console())
    return decision.exit_code
