"""``perfgate baseline update``: brings the files of this repository up to date by new launches."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import click

from perfgate.app.keeping import keep as use_case
from perfgate.cli import options
from perfgate.cli.surroundings import stdout_console
from perfgate.report.entries import render_changes

_EPILOG = """\b
Examples:
  perfgate baseline update --record perfgate-out/record.json --reason "first baseline"
  perfgate baseline update --record a.json --record b.json --case wan --reason "new sampler" \\
    --issue https://github.com/OWNER/REPO/issues/7 --expires 2026-12-31
"""


@click.command(epilog=_EPILOG)
@options.records
@click.option("--reason", required=True, help="Why; kept with an acceptance.")
@options.issue
@options.expires
@click.option(
    "--workload-changed", is_flag=True, help="It computes something else now: start a new entry."
)
@options.suite
@options.cases
def update(
    records: tuple[Path, ...],
    reason: str,
    issue: str,
    expires: date | None,
    workload_changed: bool,
    suite: str,
    cases: tuple[str, ...],
) -> None:
    """Bring the baselines up to date by the head launches of the records.

    Every figure of an entry comes from one set of launches: they join those that it agrees with,
    and start it over where they are of another level or other software. What gets slower by more
    than the margin needs --issue and --expires beside the reason, which writes an acceptance into
    accepted.yml; it counts once it is on the base branch. Commit the changed files through a
    reviewed pull request.

    Exit code 5 for records that are no baseline, among them flagged or too few launches, jobs that
    disagree, and another workload that is not declared as one.
    """
    if bool(issue) != (expires is not None):
        raise click.UsageError("--issue and --expires go together: one names, the other ends it.")
    if not reason.strip():
        raise click.UsageError("--reason is empty.")
    start, environ = Path.cwd(), dict(os.environ)
    done = use_case.keep(
        start,
        environ,
        suite=suite,
        records=records,
        only=cases,
        request=use_case.Request(
            reason=reason,
            asked_by=use_case.who_asks(start, environ),
            issue=issue,
            expires=expires,
            workload_changed=workload_changed,
        ),
    )
    render_changes(done.changes, stdout_console())
    for path in done.texts:
        click.echo(f"wrote {path}")
