"""Reads a history by lines, each with its points as numpy columns. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from perfgate.history.engine import database
from perfgate.history.store import Store
from perfgate.history.tables import Loading, Wanted
from perfgate.records.history import History, Line, LineKey, Missed, Run
from perfgate.records.results import FailureKind

if TYPE_CHECKING:
    import duckdb

_NUMBERED = """
CREATE TABLE runs AS SELECT row_number() OVER (ORDER BY first, "commit", run_id, attempt, job, url)
  - 1 AS run, * EXCLUDE first FROM (
 SELECT "commit", run_id, attempt, job, url, min(measured_at) AS first FROM stored GROUP BY ALL);
CREATE TABLE owners AS SELECT row_number() OVER () AS owner, * FROM (
 SELECT DISTINCT case_id, framework, hardware_key, workload_hash FROM stored);
CREATE TABLE points AS
 WITH numbered AS (
  SELECT owner, run, CAST(epoch(measured_at) AS BIGINT) AS seconds, unnest(metrics) AS metric
  FROM stored JOIN owners USING (case_id, framework, hardware_key, workload_hash)
  JOIN runs USING ("commit", run_id, attempt, job, url))
 SELECT owner, run, seconds, metric.name AS "name", metric.unit AS unit,
  list_median(metric.samples) AS "value", list_min(metric.samples) AS low,
  list_max(metric.samples) AS high, len(metric.samples) AS count FROM numbered;
CREATE TABLE lines AS SELECT row_number() OVER (
  ORDER BY case_id, framework, hardware_key, workload_hash, "name", unit) AS line, *
 FROM (SELECT DISTINCT owner, "name", unit FROM points) JOIN owners USING (owner)"""

_POINTS = """
SELECT line, seconds, "value", low, high, CAST(count AS INTEGER) AS count,
 CAST(run AS INTEGER) AS run
FROM points JOIN lines USING (owner, "name", unit) ORDER BY line, seconds, run"""

_MISSED = """
SELECT case_id, framework, hardware_key, workload_hash, CAST(epoch(measured_at) AS BIGINT),
 failure.kind, failure.text, run
FROM (SELECT *, unnest(failures) AS failure FROM stored WHERE len(metrics) = 0)
 JOIN runs USING ("commit", run_id, attempt, job, url) ORDER BY ALL"""


def read_history(
    store: Store,
    *,
    now: datetime,
    since: datetime | None = None,
    cases: Collection[str] | None = None,
) -> History:
    """Everything measured ``since`` then of these cases; all of it where nothing is given.

    Files that cannot be read, or are from a day after ``now``, are named in ``problems``. Raises
    ConfigurationError where the store cannot be read or DuckDB is not installed.
    """
    with database() as connection:
        loading = Loading(connection=connection, wanted=Wanted(now=now, since=since, cases=cases))
        loading.load(store)
        connection.execute(_NUMBERED)
        runs = connection.execute(
            'SELECT "commit", run_id, attempt, job, url FROM runs ORDER BY run'
        ).fetchall()
        return History(
            lines=_lines(connection),
            runs=tuple(
                Run(commit=commit, id=id_, attempt=attempt, name=name, url=url)
                for commit, id_, attempt, name, url in runs
            ),
            missed=_missed(connection),
            problems=tuple(loading.problems),
        )


def _lines(connection: duckdb.DuckDBPyConnection) -> tuple[Line, ...]:
    keys = [
        LineKey(
            case=case,
            framework=framework,
            hardware_key=hardware,
            workload_hash=workload,
            metric=metric,
            unit=unit,
        )
        for case, framework, hardware, workload, metric, unit in connection.execute(
            'SELECT case_id, framework, hardware_key, workload_hash, "name", unit FROM lines '
            "ORDER BY line"
        ).fetchall()
    ]
    columns = connection.execute(_POINTS).fetchnumpy()
    ends = np.flatnonzero(np.diff(columns["line"])) + 1
    parts: dict[str, list[NDArray[Any]]] = {
        name: np.split(np.asarray(column), ends) for name, column in columns.items()
    }
    return tuple(
        Line(
            key=key,
            seconds=parts["seconds"][at],
            values=parts["value"][at],
            lows=parts["low"][at],
            highs=parts["high"][at],
            counts=parts["count"][at],
            runs=parts["run"][at],
        )
        for at, key in enumerate(keys)
    )


def _missed(connection: duckdb.DuckDBPyConnection) -> tuple[Missed, ...]:
    return tuple(
        Missed(
            case=case,
            framework=framework,
            hardware_key=hardware,
            workload_hash=workload,
            seconds=seconds,
            kind=_kind(kind),
            text=text,
            run=run,
        )
        for case, framework, hardware, workload, seconds, kind, text, run in connection.execute(
            _MISSED
        ).fetchall()
    )


def _kind(word: str) -> FailureKind:
    """The kind that a file names; a newer perfgate may know more."""
    try:
        return FailureKind(word)
    except ValueError:
        return FailureKind.UNKNOWN
