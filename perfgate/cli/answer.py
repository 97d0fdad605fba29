"""``perfgate answer``: reads its arguments and the runner's environment, and hands them on."""

from __future__ import annotations

import os

import click

from perfgate.app.answering import edges as use_case
from perfgate.cli import options
from perfgate.errors import ConfigurationError

_EPILOG = """\b
Example:
  perfgate answer                       in a GitHub Actions step on issue_comment
"""


@click.command(epilog=_EPILOG)
@options.suite
@click.option(
    "--workflow",
    envvar="PERFGATE_WORKFLOW",
    default="perfgate.yml",
    show_default=True,
    show_envvar=True,
    metavar="FILE",
    help="The workflow that measures, below .github/workflows: `rerun` starts it.",
)
@click.option(
    "--strict-publish", "strict", is_flag=True, help="Exit with 6 when it could not be answered."
)
def answer(suite: str, workflow: str, *, strict: bool) -> int:
    """Answer the `/perfgate` commands of a new comment on a pull request.

    Nothing of the pull request is checked out or run. Needs a token in GITHUB_TOKEN, whose
    permissions docs/commands.md lists.
    """
    if not use_case.is_workflow(workflow):
        raise ConfigurationError(
            f"{workflow!r} is no workflow's file",
            fix="Name a file below .github/workflows, such as perfgate.yml.",
        )
    return use_case.answer_here(dict(os.environ), suite=suite, workflow=workflow, strict=strict)
