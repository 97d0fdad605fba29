"""``perfgate baseline propose``: opens or updates the pull request that holds new baselines.

Reads its arguments and the runner's environment, and hands them on.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import click

from perfgate.app.proposing import edges as use_case
from perfgate.cli import options
from perfgate.cli.surroundings import stdout_console
from perfgate.report.entries import render_changes

_EPILOG = """\b
Examples:
  perfgate baseline propose --record perfgate-out/record.json        in a job on push or schedule
  perfgate baseline propose --record record.json --reason "the exact decoder" \\
    --issue https://github.com/OWNER/REPO/issues/7 --expires 2026-12-31
  GITHUB_TOKEN=... perfgate baseline propose --record record.json \\
    --repository OWNER/REPO --base-branch main                        on a laptop
"""


@click.command(epilog=_EPILOG)
@options.records
@click.option("--reason", default="", help="Why something got slower; kept with its acceptance.")
@options.issue
@options.expires
@options.suite
@options.cases
@click.option(
    "--base-branch",
    "base",
    metavar="BRANCH",
    help="The branch that was measured; without it the default branch, where this run is for it.",
)
@click.option("--repository", metavar="OWNER/NAME", help="Outside of GitHub Actions: which one.")
@click.option("--label", "labels", multiple=True, help="Label of the pull request; repeatable.")
@click.option(
    "--reviewer",
    "reviewers",
    metavar="NAME",
    multiple=True,
    help="Account or ORG/TEAM to ask instead of those in CODEOWNERS; repeatable.",
)
@click.option(
    "--strict-publish", "strict", is_flag=True, help="Exit with 6 when it could not be proposed."
)
def propose(
    records: tuple[Path, ...],
    reason: str,
    issue: str,
    expires: date | None,
    suite: str,
    cases: tuple[str, ...],
    base: str | None,
    repository: str | None,
    labels: tuple[str, ...],
    reviewers: tuple[str, ...],
    strict: bool,
) -> int:
    """Propose the records' figures as a pull request on the baselines.

    One pull request per base branch and kind of machine: an open one is updated, rebuilt where its
    base moved, and closed when the measured numbers are those that are committed. What somebody
    else changed is shown and never overwritten. It is a draft while something got slower and
    nobody said why with --reason, --issue and --expires.

    Needs a token in GITHUB_TOKEN with `contents: write` and `pull-requests: write`. Does nothing
    for a change that is not merged yet.
    """
    if bool(issue) != (expires is not None) or (issue and not reason.strip()):
        raise click.UsageError(
            "--reason, --issue and --expires go together: what got slower, where it is followed "
            "up, and until when."
        )
    request = use_case.ProposeRequest(
        records=records,
        suite=suite,
        cases=cases,
        base=base,
        repository=repository,
        reason=reason,
        issue=issue,
        expires=expires,
        labels=labels,
        reviewers=reviewers,
        strict=strict,
    )
    outcomes, code = use_case.propose_here(request, dict(os.environ))
    if outcomes:
        changes = [change for one in outcomes for change in one.changes]
        render_changes(changes, stdout_console())
    return code
