"""Loads a history's files into DuckDB, each counted once, and tells what it had to leave out.

One table ``cells`` has a row for each cell of each file. A file is taken when its content is what
its name says and it is a ``perfgate.results`` of this version; a finished month comes before the
files that it was made of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfgate.history.names import MonthFile, ResultFile, digest_of, parse_name
from perfgate.history.store import MAX_FILE_BYTES, Store
from perfgate.records.value import CASE_ID

if TYPE_CHECKING:
    import duckdb

CLOCKS_DIFFER = timedelta(days=1)
"""A file from further in the future has a wrong date: it would be the newest one for ever."""
_BATCH_BYTES = 24 * 1024 * 1024
_BATCH_FILES = 2_000
_MAX_NAMED = 5

_SHAPE = """{
 "schema": "VARCHAR", "version": "BIGINT", "perfgate": "VARCHAR", "measured_at": "VARCHAR",
 "commit": "VARCHAR", "hardware_key": "VARCHAR", "notes": ["VARCHAR"],
 "run": {"id": "VARCHAR", "attempt": "BIGINT", "name": "VARCHAR", "url": "VARCHAR"},
 "cells": [{
  "case": "VARCHAR", "framework": "VARCHAR", "framework_version": "VARCHAR",
  "workload_hash": "VARCHAR", "workload": "JSON",
  "metrics": [{"name": "VARCHAR", "unit": "VARCHAR", "samples": ["DOUBLE"]}],
  "failures": [{"kind": "VARCHAR", "text": "VARCHAR"}]}]}"""

CELL_COLUMNS = """
 file VARCHAR, perfgate VARCHAR, measured_at TIMESTAMP, "commit" VARCHAR, hardware_key VARCHAR,
 run_id VARCHAR, attempt INTEGER, job VARCHAR, url VARCHAR, notes VARCHAR[],
 case_id VARCHAR, framework VARCHAR, framework_version VARCHAR, workload_hash VARCHAR,
 workload VARCHAR, metrics STRUCT("name" VARCHAR, unit VARCHAR, samples DOUBLE[])[],
 failures STRUCT(kind VARCHAR, "text" VARCHAR)[]"""
"""Also the columns of a finished month: it keeps everything that its files told."""

_READ_BATCH = """
CREATE OR REPLACE TEMP TABLE batch AS
WITH raw AS (SELECT filename, content FROM read_blob($paths)),
texts AS (
 SELECT filename, sha256(content) AS digest, TRY(decode(content)) AS content FROM raw),
parsed AS (
 SELECT filename, digest,
  CASE WHEN json_valid(content) THEN json_transform(content, $shape) END AS doc FROM texts)
SELECT filename[$skip:] AS file, digest, doc,
 CASE WHEN regexp_matches(doc.measured_at, '(Z|[+-]\\d\\d:?\\d\\d)$')
  THEN TRY_CAST(doc.measured_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC' END AS measured_at
FROM parsed"""

_JUDGE_BATCH = """
CREATE OR REPLACE TEMP TABLE judged AS
SELECT *, CASE
 WHEN NOT starts_with(digest, regexp_extract(file, '_([0-9a-f]+)\\.json$', 1))
  THEN 'its content is not what its name says: cut short or changed since'
 WHEN doc IS NULL THEN 'it is no JSON'
 WHEN doc.schema IS DISTINCT FROM 'perfgate.results' THEN 'it is no perfgate.results'
 WHEN doc.version IS DISTINCT FROM 1
  THEN 'this perfgate reads version 1 of perfgate.results, not ' || ifnull(doc.version, 0)
 WHEN measured_at IS NULL THEN 'it does not say when it was measured'
 WHEN measured_at > $latest THEN 'it is from the future: ' || measured_at
 WHEN NOT ifnull(regexp_full_match(doc.hardware_key, '[a-z0-9._-]{1,100}'), false)
  THEN 'it names no hardware' END AS problem
FROM batch"""

_CELLS_OF_BATCH = """
CREATE OR REPLACE TEMP TABLE each AS
WITH taken AS (SELECT * FROM judged WHERE problem IS NULL),
unnested AS (SELECT * EXCLUDE (doc), doc, unnest(doc.cells) AS cell FROM taken)
SELECT file, measured_at, ifnull(doc.perfgate, '') AS perfgate,
 left(ifnull(doc."commit", ''), 64) AS "commit", doc.hardware_key AS hardware_key,
 left(ifnull(doc.run.id, ''), 200) AS run_id, ifnull(doc.run.attempt, 1) AS attempt,
 left(ifnull(doc.run.name, ''), 200) AS job, left(ifnull(doc.run.url, ''), 2000) AS url,
 ifnull(doc.notes, []) AS notes, cell,
 list_filter(ifnull(cell.metrics, []), lambda m: len(m.name) BETWEEN 1 AND 200
  AND m.unit IN ('ms', 'MiB') AND len(m.samples) > 0
  AND len(list_filter(m.samples, lambda s: s >= 0 AND isfinite(s))) = len(m.samples)) AS metrics,
 ifnull(regexp_full_match(cell."case", $id) AND regexp_full_match(cell.framework, $id)
  AND regexp_full_match(cell.workload_hash, '[0-9a-f]{16}'), false)
  AND len(metrics) = len(ifnull(cell.metrics, [])) AS fit
FROM unnested"""

_TAKE_BATCH = """
INSERT INTO cells BY NAME
SELECT * EXCLUDE (cell, fit), cell."case" AS case_id, cell.framework AS framework,
 ifnull(cell.framework_version, '') AS framework_version, cell.workload_hash AS workload_hash,
 ifnull(CAST(cell.workload AS VARCHAR), '{}') AS workload,
 list_transform(ifnull(cell.failures, []), lambda f: {
  kind: left(ifnull(f.kind, ''), 200), text: left(ifnull(f.text, ''), 2000)}) AS failures
FROM each WHERE fit AND ($since IS NULL OR measured_at >= $since)
 AND ($cases IS NULL OR list_contains($cases, cell."case"))"""

_PROBLEMS_OF_BATCH = """
SELECT file, problem FROM judged WHERE problem IS NOT NULL
UNION ALL
SELECT file, count(*) || ' of its cells cannot be read' FROM each WHERE NOT fit GROUP BY file
ORDER BY ALL"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which part of a history; ``now`` is the clock that future dates are held against."""

    now: datetime
    since: datetime | None = None
    cases: Collection[str] | None = None

    @property
    def latest(self) -> datetime:
        return _naive(self.now + CLOCKS_DIFFER)

    def filters(self) -> dict[str, Any]:
        """The parameters ``since`` and ``cases`` of a statement, None for all."""
        since = None if self.since is None else _naive(self.since)
        return {"since": since, "cases": None if self.cases is None else list(self.cases)}

    def takes(self, file: ResultFile) -> bool:
        """Whether a file may hold something of it, by its name."""
        return self.since is None or file.stamp >= self.since.replace(microsecond=0)

    def takes_month(self, file: MonthFile) -> bool:
        """The same of a finished month."""
        return self.since is None or file.month >= f"{self.since.astimezone(UTC):%Y-%m}"


@dataclass(kw_only=True)
class Loading:
    """Fills the tables of ``connection``; what was left out is in ``problems``."""

    connection: duckdb.DuckDBPyConnection
    wanted: Wanted
    problems: list[str] = field(default_factory=list)

    def load(self, store: Store) -> None:
        """Read what is wanted of a store. Raises what the store raises."""
        self.connection.execute(f"CREATE TABLE cells ({CELL_COLUMNS})")
        self.connection.execute("CREATE TABLE sources (file VARCHAR)")
        results, months = self._files(store.names())
        names = [*(one.name for one in results), *(one.name for one in months)]
        with store.files(names) as folder:
            for month in months:
                self._month(folder, month)
            for batch in _batches(folder, self._not_in_months(results), self.problems):
                self._results(folder, batch)

    def _files(self, names: Sequence[str]) -> tuple[list[ResultFile], list[MonthFile]]:
        parsed = {name: parse_name(name) for name in names}
        strange = [name for name, file in parsed.items() if file is None]
        self._note(strange, "is no file of a history")
        results = [one for one in parsed.values() if isinstance(one, ResultFile)]
        months = [one for one in parsed.values() if isinstance(one, MonthFile)]
        return (
            [one for one in results if self.wanted.takes(one)],
            [one for one in months if self.wanted.takes_month(one)],
        )

    def _month(self, folder: Path, month: MonthFile) -> None:
        """Take a finished month, but for files that are in an earlier one as well."""
        path = folder / month.name
        if not digest_of(path.read_bytes()).startswith(month.digest):
            self.problems.append(
                f"{month.name}: its content is not what its name says: cut short or changed since"
            )
            return
        self.connection.execute(
            "INSERT INTO cells BY NAME SELECT * FROM read_parquet($path) "
            "WHERE file NOT IN (SELECT file FROM sources) "
            "AND ($since IS NULL OR measured_at >= $since) "
            "AND ($cases IS NULL OR list_contains($cases, case_id))",
            {"path": str(path), **self.wanted.filters()},
        )
        self.connection.execute(
            "INSERT INTO sources SELECT DISTINCT file FROM read_parquet($path)",
            {"path": str(path)},
        )

    def _not_in_months(self, results: Sequence[ResultFile]) -> list[ResultFile]:
        known = {name for (name,) in self.connection.execute("SELECT file FROM sources").fetchall()}
        return [one for one in results if one.name not in known]

    def _results(self, folder: Path, batch: Sequence[ResultFile]) -> None:
        run = self.connection.execute
        paths = [str(folder / one.name) for one in batch]
        run(_READ_BATCH, {"paths": paths, "shape": _SHAPE, "skip": len(str(folder)) + 2})
        run(_JUDGE_BATCH, {"latest": self.wanted.latest})
        run(_CELLS_OF_BATCH, {"id": CASE_ID})
        run(_TAKE_BATCH, self.wanted.filters())
        found = run(_PROBLEMS_OF_BATCH).fetchall()
        self.problems += [f"{file}: {problem}" for file, problem in found]

    def _note(self, names: Sequence[str], what: str) -> None:
        if names:
            more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
            self.problems.append(f"{', '.join(names[:_MAX_NAMED])}{more}: {what}")


def _batches(
    folder: Path, results: Sequence[ResultFile], problems: list[str]
) -> Iterator[list[ResultFile]]:
    """As many files as may be held in memory at once; a giant one is told of and left out."""
    batch: list[ResultFile] = []
    held = 0
    for one in results:
        size = (folder / one.name).stat().st_size
        if size > MAX_FILE_BYTES:
            problems.append(f"{one.name}: it is larger than {MAX_FILE_BYTES >> 20} MiB")
            continue
        if batch and (held + size > _BATCH_BYTES or len(batch) == _BATCH_FILES):
            yield batch
            batch, held = [], 0
        batch.append(one)
        held += size
    if batch:
        yield batch


def _naive(moment: datetime) -> datetime:
    """UTC without saying so, as DuckDB's TIMESTAMP."""
    return moment.astimezone(UTC).replace(tzinfo=None)
