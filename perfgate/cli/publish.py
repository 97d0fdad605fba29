"""``perfgate publish``: reads its arguments and the runner's environment, and hands them on."""

from __future__ import annotations

import os
from pathlib import Path

import click

from perfgate.app import publish as use_case
from perfgate.app.publish_edges import RealEdges, comments_opener, read_request

_EPILOG = """\b
Examples:
  perfgate publish perfgate-out                   in a GitHub Actions step
  perfgate publish --no-comment perfgate-out      job summary and outputs only
  perfgate publish --strict-publish perfgate-out  exit 6 when it cannot be commented
"""


@click.command(epilog=_EPILOG)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--comment/--no-comment",
    default=True,
    show_default=True,
    help="Write the pull request's comment.",
)
@click.option(
    "--strict-publish",
    is_flag=True,
    help="Exit with 6 when the result could not be published as asked.",
)
def publish(folder: Path, *, comment: bool, strict_publish: bool) -> int:
    """Publish the finished folder DIR: job summary, outputs, then the pull request's comment.

    Reads what GitHub Actions sets (GITHUB_EVENT_PATH and its like) and the token in GITHUB_TOKEN,
    which needs `pull-requests: write`. The exit code is 0 whatever the verdict is: that was the
    exit code of the gate.
    """
    environ = dict(os.environ)
    request = read_request(environ, folder=folder, comment=comment, strict=strict_publish)
    return use_case.publish(
        request,
        RealEdges(request.event),
        open_comments=comments_opener(environ, request.event),
    )
