"""Answers a question in SQL about a history, which it can neither change nor reach beyond.

Three views, also told by ``perfgate history query --help``: ``points``, ``cells``, ``failures``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from perfgate.errors import ConfigurationError
from perfgate.history.engine import database
from perfgate.history.store import Store
from perfgate.history.tables import Loading, Wanted

if TYPE_CHECKING:
    import duckdb

VIEWS = """\
points    case_id framework hardware_key workload_hash metric unit measured_at (UTC) value
          (median) low high samples count commit run_id attempt job url file
cells     case_id framework framework_version hardware_key workload_hash workload
          measured_at e2e_ms launches (requests of each) failures (how many) commit run_id
          attempt job url notes file
failures  case_id framework hardware_key workload_hash measured_at kind text has_numbers
          commit run_id attempt job url file"""

_VIEWS = """
CREATE VIEW points AS
SELECT * EXCLUDE (measure), measure.name AS metric, measure.unit AS unit,
 list_median(measure.samples) AS "value", list_min(measure.samples) AS low,
 list_max(measure.samples) AS high, measure.samples AS samples, len(measure.samples) AS "count"
FROM (SELECT case_id, framework, hardware_key, workload_hash, measured_at, "commit", run_id,
  attempt, job, url, file, unnest(metrics) AS measure FROM stored);
CREATE VIEW cells AS
SELECT case_id, framework, framework_version, hardware_key, workload_hash,
 CAST(workload AS JSON) AS workload, measured_at,
 list_median(list_filter(metrics, lambda m: m.name = 'e2e')[1].samples) AS e2e_ms,
 launches, len(failures) AS failures, "commit", run_id, attempt, job, url, notes, file FROM stored;
CREATE VIEW failures AS
SELECT * EXCLUDE (failure), failure.kind AS kind, failure.text AS "text"
FROM (SELECT case_id, framework, hardware_key, workload_hash, measured_at, "commit", run_id,
  attempt, job, url, file, len(metrics) > 0 AS has_numbers, unnest(failures) AS failure
 FROM stored)"""

_ALONE = (
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)
_FIX = (
    "Ask one SELECT of the views points, cells and failures; "
    "perfgate history query --help lists their columns."
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A table: names of its columns, and rows of plain JSON values."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    problems: tuple[str, ...]


def query(
    store: Store,
    sql: str,
    *,
    now: datetime,
    since: datetime | None = None,
    cases: Collection[str] | None = None,
) -> Answer:
    """The answer to one SELECT, over what was measured ``since`` then of these cases.

    Raises ConfigurationError for another statement, one that DuckDB refuses, a store that cannot
    be read, and where DuckDB is not installed.
    """
    with database() as connection:
        statement = _only_statement(connection, sql)
        loading = Loading(connection=connection, wanted=Wanted(now=now, since=since, cases=cases))
        loading.load(store)
        connection.execute(_VIEWS)
        for setting in _ALONE:
            connection.execute(setting)
        columns, rows = _ask(connection, statement)
        return Answer(columns=columns, rows=rows, problems=tuple(loading.problems))


def _only_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    import duckdb  # noqa: PLC0415 - an extra, and here it is installed

    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise ConfigurationError(_said(error), fix=_FIX) from error
    readers = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
    if len(statements) != 1 or statements[0].type not in readers:
        raise ConfigurationError("a history is read with one SELECT and nothing else", fix=_FIX)
    return statements[0]


def _ask(
    connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement
) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...]]:
    import duckdb  # noqa: PLC0415 - an extra, and here it is installed

    try:
        connection.execute(statement)
        names = tuple(str(column[0]) for column in connection.description or ())
        rows = connection.fetchall()
    except duckdb.Error as error:
        if "'pytz'" in str(error):
            raise ConfigurationError(
                "the answer has times with a zone, which are not shown here",
                fix="Cast them to TIMESTAMP, which is UTC, or to VARCHAR.",
            ) from error
        raise ConfigurationError(_said(error), fix=_FIX) from error
    return names, tuple(tuple(_plain(value) for value in row) for row in rows)


def _said(error: Exception) -> str:
    """DuckDB's own words, with the line that it points at."""
    return f"the statement cannot be answered: {str(error).strip()}"


def _plain(value: object) -> Any:  # noqa: ANN401 - any of JSON's
    """A value as JSON has it; a time as ISO 8601 in UTC, a number that JSON has not as null."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    if isinstance(value, float | Decimal):
        return float(value) if isfinite(value) else None
    return value if isinstance(value, str | int | None) else str(value)
