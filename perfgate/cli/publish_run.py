"""``perfgate publish-run``: reads its arguments and the runner's environment, and hands them on."""

from __future__ import annotations

import os
from pathlib import Path

import click

from perfgate.app.publishing.request import Policy
from perfgate.app.publishing.run_edges import publish_run_here
from perfgate.cli import options

_EPILOG = """\b
Examples:
  perfgate publish-run                                  in a step of a `workflow_run` workflow
  perfgate publish-run --suite a.yml --suite b.yml      where one run measures several suites
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--suite",
    "suites",
    multiple=True,
    default=("perfgate.yml",),
    show_default=True,
    help="Suite file in the base's tree, from the root; repeatable.",
)
@options.output_dir
@options.comment
@click.option(
    "--strict-publish",
    is_flag=True,
    help="Exit with 6 when the result could not be published as asked.",
)
def publish_run(
    suites: tuple[str, ...], output_dir: Path, *, comment: Policy, strict_publish: bool
) -> int:
    """Publish the run that a `workflow_run` event names, from the records that it uploaded.

    Nothing is checked out. The pull request is found through GitHub's API, and its figures are
    decided again by the suite, the baselines and the permissions of its base. The token in
    GITHUB_TOKEN needs `actions: read`, `contents: read`, `pull-requests: write` and
    `checks: write`. The exit code is 0 whatever the verdict is: that is the check's.
    """
    return publish_run_here(
        dict(os.environ),
        suites=suites,
        output_dir=output_dir.absolute(),
        comment=comment,
        strict=strict_publish,
    )
