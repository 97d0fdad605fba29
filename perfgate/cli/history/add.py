"""``perfgate history add``: adds files of results to a history."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from perfgate import __version__
from perfgate.app.history import add as use_case
from perfgate.cli.history import options
from perfgate.errors import ExitCode
from perfgate.report.escape import plain
from perfgate.report.words import count

_EPILOG = """\b
Examples:
  perfgate history add compete-out/results.json --to branch:perfgate-data
  perfgate history add perfgate-out/record.json --to s3://bucket/history
  perfgate history add diffusion-comparisons/*.json --to history/ \\
    --hardware nvidia-h100-80gb-hbm3-x4 --config 2026-03-25=comparison_configs.json
  perfgate history add data.js --to history/ --hardware github-hosted
"""


@click.command(epilog=_EPILOG)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@options.target
@click.option("--hardware", metavar="KEY", help="The machine that files are of which name none.")
@click.option(
    "--config",
    "configurations",
    metavar="[DATE=]FILE",
    multiple=True,
    help="A comparison_configs.json of sglang's and the day from which it held, which may stand "
    "in its name; repeatable.",
)
@click.option(
    "--repository",
    metavar="URL",
    help="Where the measuring jobs ran; in a workflow its own repository.",
)
def add(
    files: tuple[Path, ...],
    named: str,
    hardware: str | None,
    configurations: tuple[str, ...],
    repository: str | None,
) -> int:
    """Add results: perfgate.results, a record of a gate, sglang's nightly comparison, or the
    data.js of github-action-benchmark.

    Each file becomes one of its own, named by time, run, attempt and content; one that is there
    already is not added twice. Of a record, head's launches are kept. sglang's files of one run
    are its attempts, in order of time.

    What cannot be used is named and left out, the rest is added: then the exit code is 2. It is 6
    when the store takes nothing.
    """
    request = use_case.AddRequest(
        start=Path.cwd(),
        files=files,
        hardware_key=hardware,
        configurations=configurations,
        repository_url=_own_repository(os.environ) if repository is None else repository,
    )
    with options.opened(named) as store:
        done = use_case.add_files(request, store, now=datetime.now(UTC), perfgate=__version__)
    for name in done.appended.added:
        click.echo(f"added {name}")
    for name in done.appended.already:
        click.echo(f"there already: {name}")
    for problem in done.problems:
        click.echo(f"left out: {plain(problem, limit=700)}", err=True)
    for note in done.notes:
        click.echo(f"note: {plain(note, limit=700)}", err=True)
    click.echo(_summary(done))
    return ExitCode.CONFIGURATION if done.problems else ExitCode.OK


def _summary(done: use_case.Added) -> str:
    added, already = len(done.appended.added), len(done.appended.already)
    told = f"{count(added, 'file', 'files')} added to {plain(done.store)}"
    told += f", {already} there already" if already else ""
    return told + (f", {count(len(done.problems), 'problem', 'problems')}" if done.problems else "")


def _own_repository(environ: Mapping[str, str]) -> str:
    name = environ.get("GITHUB_REPOSITORY", "")
    return f"{environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}" if name else ""
