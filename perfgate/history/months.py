"""What a finished month's Parquet file holds, and whether one can be read. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from perfgate.history.engine import database
from perfgate.history.names import MonthFile, digest_of, parse_name
from perfgate.history.store import Store

if TYPE_CHECKING:
    import duckdb

COLUMNS = """
 file VARCHAR, perfgate VARCHAR, measured_at TIMESTAMP, "commit" VARCHAR, hardware_key VARCHAR,
 run_id VARCHAR, attempt INTEGER, job VARCHAR, url VARCHAR, notes VARCHAR[],
 case_id VARCHAR, framework VARCHAR, framework_version VARCHAR, workload_hash VARCHAR,
 workload VARCHAR, metrics STRUCT("name" VARCHAR, unit VARCHAR, samples DOUBLE[])[],
 launches INTEGER[], failures STRUCT(kind VARCHAR, "text" VARCHAR)[]"""
"""A row for each cell, with everything that its file told of the job around it."""

NOT_AS_NAMED = "its content is not what its name says: cut short or changed since"
_FITS = "INSERT INTO month BY NAME SELECT * FROM read_parquet($path) LIMIT 0"
_UNKNOWN = "it is no finished month that this perfgate reads"

_FORMAT = """
SELECT decode("value") FROM parquet_kv_metadata($path) WHERE decode("key") = 'perfgate_month'"""


def damage(connection: duckdb.DuckDBPyConnection, folder: Path, month: MonthFile) -> str | None:
    """Why a month below ``folder`` cannot be read; None where it can."""
    import duckdb  # noqa: PLC0415 - an extra, and here it is installed

    path = folder / month.name
    if not digest_of(path.read_bytes()).startswith(month.digest):
        return NOT_AS_NAMED
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE month ({COLUMNS})")
        connection.execute(_FITS, {"path": str(path)})
        told = connection.execute(_FORMAT, {"path": str(path)}).fetchone()
    except duckdb.Error as error:
        return f"{_UNKNOWN}: {str(error).splitlines()[0]}"
    return None if told == ("1",) else _UNKNOWN


def in_months(store: Store, names: Sequence[str], months: Collection[str]) -> frozenset[str]:
    """Names of the result files that the finished ones of these months (2026-05) replaced."""
    files = [file for file in map(parse_name, names) if isinstance(file, MonthFile)]
    finished = [file for file in files if file.month in months]
    if not finished:
        return frozenset()
    with store.files([file.name for file in finished]) as folder, database() as connection:
        found = [
            name
            for file in finished
            if damage(connection, folder, file) is None
            for (name,) in connection.execute(
                "SELECT DISTINCT file FROM read_parquet($path)", {"path": str(folder / file.name)}
            ).fetchall()
        ]
    return frozenset(found)
