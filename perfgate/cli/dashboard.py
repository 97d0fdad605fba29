"""``perfgate dashboard``: a page and a text of results over time."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import click

from perfgate.app import dashboard as use_case
from perfgate.cli import options
from perfgate.history.opening import open_store
from perfgate.history.read import read_history
from perfgate.report.dashboard.links import Links
from perfgate.report.escape import plain
from perfgate.report.words import count

_EPILOG = """\b
Examples:
  perfgate dashboard --from history/ --output-dir site
  perfgate dashboard --from branch:perfgate-data --baselines baselines/
  perfgate dashboard --from s3://bucket/history --case wan_t2v_tiny --since 2026-01-01
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--from",
    "store",
    metavar="STORE",
    required=True,
    help="The history: a folder, branch:NAME, or an address that fsspec opens.",
)
@click.option(
    "--output-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dashboard"),
    show_default=True,
    help="Where index.html, dashboard.md and charts/ go.",
)
@click.option(
    "--baselines",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The suite's folder of baselines: adds updates, permissions and creep.",
)
@click.option(
    "--repository",
    metavar="URL",
    help="Where commits and jobs are linked to; in a workflow its own repository.",
)
@click.option("--title", help="What the page is called.")
@options.cases
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Only what was measured from this day (UTC) on.",
)
def dashboard(
    store: str,
    output_dir: Path,
    baselines: Path | None,
    repository: str | None,
    title: str | None,
    cases: tuple[str, ...],
    since: datetime | None,
) -> None:
    """Write a page that needs nothing but itself, and a markdown text with pictures.

    index.html shows the latest results, trends with changes of level, and what was missed; put it
    on GitHub Pages or upload it as an artifact. dashboard.md says the same where GitHub shows
    markdown.
    """
    links = Links.to(_own_repository() if repository is None else repository)
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="perfgate-", ignore_cleanup_errors=True) as scratch:
        history = read_history(
            open_store(store, start=Path.cwd(), environ=os.environ, scratch=Path(scratch)),
            now=now,
            since=since.replace(tzinfo=UTC) if since else None,
            cases=cases or None,
        )
    made = use_case.make_dashboard(
        history,
        output_dir,
        title=title or _title(links),
        links=links,
        baselines=baselines,
        now=now,
        processes=os.cpu_count() or 1,
    )
    told = (
        f"{made.page}: {made.page_bytes / 1e6:.2f} MB, {count(len(history.lines), 'line')}, "
        f"{count(made.changes, 'change')} of level, {count(made.charts, 'picture')}"
    )
    click.echo(plain(told, limit=1000))
    for note in (*made.notes, *history.problems):
        click.echo(plain(f"note: {note}", limit=500), err=True)


def _own_repository() -> str:
    """The workflow's repository, empty elsewhere."""
    name = os.environ.get("GITHUB_REPOSITORY", "")
    return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{name}" if name else ""


def _title(links: Links) -> str:
    name = "/".join(links.repository.split("/")[-2:])
    return f"{name}: performance over time" if name else "Performance over time"
