"""``perfgate history track``: keeps one issue for each regression of main.

Reads its arguments and the runner's environment, and hands them on.
"""

from __future__ import annotations

import os

import click
from pydantic import TypeAdapter, ValidationError

from perfgate.app.tracking.edges import TrackRequest, track_here
from perfgate.cli.history import options
from perfgate.report.escape import plain
from perfgate.suite.kinds import Margin

_EPILOG = """\b
Examples:
  perfgate history track --from branch:perfgate-data            in a job on schedule
  perfgate history track --from branch:perfgate-data --dry-run  what would be done
  GITHUB_TOKEN=... perfgate history track --from results --repository OWNER/NAME
"""


class _Percent(click.ParamType[float]):
    """``3%`` as a fraction, in the suite's spelling."""

    name = "percentage"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            return TypeAdapter(Margin).validate_python(value)
        except ValidationError:
            self.fail(f"{value!r} is no percentage such as 3%.", param, ctx)


@click.command(epilog=_EPILOG)
@options.source
@click.option(
    "--repository", metavar="OWNER/NAME", help="Where the issues are, if not in the run's own."
)
@click.option(
    "--margin",
    metavar="PERCENTAGE",
    type=_Percent(),
    default="3%",
    show_default=True,
    help="The slowdown of a whole request that makes an issue.",
)
@click.option(
    "--stage-margin",
    metavar="PERCENTAGE",
    type=_Percent(),
    default="10%",
    show_default=True,
    help="The same of stages, steps and memory.",
)
@click.option(
    "--recent",
    "recent_days",
    metavar="DAYS",
    type=click.FloatRange(min=0.1, max=3650),
    default=7.0,
    show_default=True,
    help="How old the last point of a line may be.",
)
@click.option(
    "--pictures", is_flag=True, help="Put a chart of each regression on the branch of --from."
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@click.option(
    "--strict-publish", "strict", is_flag=True, help="Exit with 6 when GitHub refused something."
)
def track(
    named: str,
    repository: str | None,
    margin: float,
    stage_margin: float,
    recent_days: float,
    *,
    pictures: bool,
    dry_run: bool,
    strict: bool,
) -> int:
    """Open, update and close one issue for each regression of the default branch.

    A level shift of a line that stays is a regression; all lines of a case that shifted with the
    same commits share an issue. It is closed when the line is back or its workload changed. An
    issue with the label `perfgate: expected`, or closed as not planned, is not opened again.

    Needs a token in GITHUB_TOKEN with `issues: write`, and `contents: read` for the commits;
    with --pictures `contents: write`.
    """
    request = TrackRequest(
        source=named,
        repository=repository,
        margin=margin,
        stage_margin=stage_margin,
        recent_days=recent_days,
        pictures=pictures,
        dry_run=dry_run,
        strict=strict,
    )
    outcome, code = track_here(request, dict(os.environ))
    if outcome is not None:
        for one in outcome.done:
            click.echo(plain(f"{one.do}: {one.told} {one.url}".rstrip(), limit=500))
        if not outcome.done:
            click.echo("Nothing to do: no slowdown stands, and no issue is open.")
    return code
