"""``perfgate history query``: answers a question in SQL about a history."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import click

from perfgate.cli.history import options
from perfgate.cli.options import cases as case_option
from perfgate.cli.surroundings import stdout_console
from perfgate.history import query as asking
from perfgate.report.asked import render_rows
from perfgate.report.escape import plain

_EXAMPLES = """

\b
Examples:
  perfgate history query --from history/ "SELECT case_id, min(value) FROM points
    WHERE metric = 'e2e' GROUP BY case_id"
  perfgate history query --from branch:perfgate-data --json \\
    "SELECT * FROM failures ORDER BY measured_at DESC LIMIT 20"
"""


@click.command(epilog="\b\nViews and their columns:\n" + asking.VIEWS + _EXAMPLES)
@click.argument("sql", metavar="SELECT")
@options.source
@case_option
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Only what was measured from this day (UTC) on.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON on a terminal too.")
def query(
    sql: str, named: str, cases: tuple[str, ...], since: datetime | None, *, as_json: bool
) -> None:
    """Ask one SELECT in DuckDB's SQL: a table on a terminal, one JSON document otherwise.

    It reads the three views and nothing else: no file, no network. Times are UTC.
    """
    with options.opened(named) as store:
        answer = asking.query(
            store,
            sql,
            now=datetime.now(UTC),
            since=None if since is None else since.replace(tzinfo=UTC),
            cases=cases or None,
        )
    for problem in answer.problems:
        click.echo(f"left out: {plain(problem, limit=700)}", err=True)
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps(_document(answer), ensure_ascii=False, allow_nan=False))
    else:
        render_rows(answer.columns, answer.rows, stdout_console())


def _document(answer: asking.Answer) -> dict[str, object]:
    return {
        "schema": "perfgate.answer",
        "version": 1,
        "columns": answer.columns,
        "rows": answer.rows,
        "problems": answer.problems,
    }
