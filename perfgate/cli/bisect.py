"""``perfgate bisect``: finds the commit since which a case is slower, and says by how much."""

from __future__ import annotations

from pathlib import Path

import click

from perfgate.app.bisect import bisect as use_case
from perfgate.app.bisect.state import STATE, prepare_folder, read_state
from perfgate.app.measuring.devices import Choice
from perfgate.cli import options
from perfgate.cli.group import stopped_by
from perfgate.cli.surroundings import stdout_console, surroundings
from perfgate.errors import ExitCode
from perfgate.records.bisected import Bisected, BisectState
from perfgate.report.bisection import render_bisection

_EPILOG = """\b
Examples:
  perfgate bisect v1.4 HEAD --case wan_t2v_tiny   which commit since v1.4 made it slower
  perfgate bisect v1.4 HEAD --metric DecodingStage
  perfgate bisect --continue                      go on after an interrupt or a spent budget
"""


@click.command(epilog=_EPILOG)
@click.argument("good", required=False)
@click.argument("bad", required=False)
@options.suite
@click.option(
    "--case",
    metavar="ID",
    shell_complete=options.case_ids,
    help="Which case; may be left out where there is one.",
)
@click.option(
    "--metric",
    metavar="NAME",
    show_default="end-to-end",
    help='What got slower: a stage\'s name, "median step" or end-to-end.',
)
@click.option(
    "--continue",
    "go_on",
    is_flag=True,
    help=f"Go on with the search in --output-dir ({STATE}); nothing is launched twice.",
)
@click.option(
    "--budget",
    "budget_s",
    type=options.Duration(),
    metavar="DURATION",
    help="Device time; no launch starts that could not end within it. Default: no bound.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")
@options.output_dir
@options.cache_dir
@options.device
@options.lease_timeout
def bisect(
    good: str | None,
    bad: str | None,
    suite: str,
    case: str | None,
    metric: str | None,
    budget_s: float | None,
    *,
    go_on: bool,
    as_json: bool,
    output_dir: Path,
    cache_dir: Path | None,
    device: Choice,
    lease_timeout_s: float,
) -> int:
    """Find the commit after GOOD, until BAD, that made a case slower.

    First BAD has to be slower than GOOD by the suite's margin, by the gate's own test. Then commits
    between them are launched in turns with GOOD, each from a work tree of its own that is set up
    once, until the odds are 49 to 1 for one commit; that one is also launched in turns with the
    commit before it, which gives its change. A commit that does not build or dies is skipped and
    named. Suite and setup are the working tree's, for all commits.

    Exit code 0 where one commit was found, 7 where none was: BAD is not slower, several commits
    cannot be told apart, or the search has not ended.
    """
    folder = output_dir.absolute()
    request = use_case.BisectRequest(
        start=Path.cwd(),
        suite=suite,
        state=folder / STATE,
        what=_what(folder / STATE, good, bad, case=case, metric=metric, go_on=go_on),
        budget_min=None if budget_s is None else budget_s / 60,
    )
    prepare_folder(folder)
    with surroundings(cache=cache_dir, device=device, lease_timeout_s=lease_timeout_s) as edges:
        found = use_case.bisect(request, edges)
    if as_json:
        click.echo(found.model_dump_json(indent=1))
    else:
        render_bisection(found, stdout_console())
    click.echo(f"Every launch is in {output_dir / STATE}", err=True)
    return _exit_code(found)


def _what(
    state: Path,
    good: str | None,
    bad: str | None,
    *,
    case: str | None,
    metric: str | None,
    go_on: bool,
) -> use_case.Hunt | BisectState:
    if go_on:
        if good or bad or case or metric:
            raise click.UsageError("--continue takes commits, case and metric from its search.")
        return read_state(state)
    if good is None or bad is None:
        raise click.UsageError("Name two commits, GOOD and BAD, or --continue.")
    asked = {"metric": metric} if metric else {}
    return use_case.Hunt(good=good, bad=bad, case=case, **asked)


def _exit_code(found: Bisected) -> int:
    if found.interrupted:
        return stopped_by(found.interrupted)
    return ExitCode.OK if found.outcome == "found" else ExitCode.UNDECIDED
