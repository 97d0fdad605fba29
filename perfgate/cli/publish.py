"""``perfgate publish``: reads its arguments and the runner's environment, and hands them on."""

from __future__ import annotations

import os
from pathlib import Path

import click

from perfgate.app.publishing.edges import RealEdges, publish_here, read_request
from perfgate.app.publishing.request import Policy
from perfgate.cli import options

_EPILOG = """\b
Examples:
  perfgate publish perfgate-out                     in a GitHub Actions step
  perfgate publish --comment changes perfgate-out   no comment on what is as it was
  perfgate publish --key h100 perfgate-out          beside another job's result of the suite
  perfgate publish --strict-publish perfgate-out    exit 6 when it cannot be commented
"""


@click.command(epilog=_EPILOG)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@options.comment
@click.option("--key", default="", help="Tells this result from others of the suite.")
@options.suite
@click.option(
    "--strict-publish",
    is_flag=True,
    help="Exit with 6 when the result could not be published as asked.",
)
def publish(folder: Path, *, comment: Policy, key: str, suite: str, strict_publish: bool) -> int:
    """Publish the finished folder DIR: job summary, outputs, comment, check run.

    Reads what GitHub Actions sets (GITHUB_EVENT_PATH and its like) and the token in GITHUB_TOKEN,
    which needs `pull-requests: write` for the comment and `checks: write` for the check run. The
    exit code is 0 whatever the verdict is: that was the exit code of the gate.
    """
    environ = dict(os.environ)
    request = read_request(
        environ, folder=folder, comment=comment, strict=strict_publish, key=key, suite=suite
    )
    return publish_here(request, RealEdges(request.event), environ)
