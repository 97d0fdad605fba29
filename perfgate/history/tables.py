"""Loads a history's files into DuckDB, each counted once, and tells what it had to leave out.

One table ``stored`` has a row for each cell of each file. A file is taken when its content is what
its name says and it is a ``perfgate.results`` of this version; a finished month comes before the
files that it was made of.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perfgate.errors import ConfigurationError
from perfgate.history.months import COLUMNS, NOT_AS_NAMED, damage
from perfgate.history.names import MonthFile, ResultFile, parse_name
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
  "launches": ["INTEGER"],
  "failures": [{"kind": "VARCHAR", "text": "VARCHAR"}]}]}"""

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
  THEN $not_as_named
 WHEN doc IS NULL THEN 'it is no JSON'
 WHEN doc.schema IS DISTINCT FROM 'perfgate.results' THEN 'it is no perfgate.results'
 WHEN doc.version IS DISTINCT FROM 1
  THEN 'this perfgate reads version 1 of perfgate.results, not ' || ifnull(doc.version, 0)
 WHEN measured_at IS NULL THEN 'it does not say when it was measured'
 WHEN measured_at > $latest THEN 'it is from the future: ' || measured_at
 WHEN NOT ifnull(regexp_full_match(doc.hardware_key, '[a-z0-9._-]{1,100}'), false)
  THEN 'it names no hardware'
 WHEN len(ifnull(doc.cells, [])) = 0 THEN 'it holds no cell' END AS problem
FROM batch"""

_CELLS_OF_BATCH = """
CREATE OR REPLACE TEMP TABLE each AS
WITH taken AS (SELECT * FROM judged WHERE problem IS NULL),
unnested AS (SELECT * EXCLUDE (doc), doc, unnest(doc.cells) AS cell FROM taken)
SELECT file, measured_at, ifnull(doc.perfgate, '') AS perfgate,
 left(ifnull(doc."commit", ''), 64) AS "commit", doc.hardware_key AS hardware_key,
 left(ifnull(doc.run.id, ''), 200) AS run_id,
 ifnull(TRY_CAST(doc.run.attempt AS INTEGER), 1) AS attempt,
 left(ifnull(doc.run.name, ''), 200) AS job, left(ifnull(doc.run.url, ''), 2000) AS url,
 ifnull(doc.notes, []) AS notes, cell,
 list_filter(ifnull(cell.metrics, []), lambda m: len(m.name) BETWEEN 1 AND 200
  AND m.unit IN ('ms', 'MiB') AND len(m.samples) > 0
  AND len(list_filter(m.samples, lambda s: s >= 0 AND isfinite(s))) = len(m.samples)) AS metrics,
 ifnull(regexp_full_match(cell."case", $id) AND regexp_full_match(cell.framework, $id)
  AND regexp_full_match(cell.workload_hash, '[0-9a-f]{16}'), false)
  AND len(list_distinct(list_transform(metrics, lambda m: m.name))) = len(ifnull(cell.metrics, []))
  AND len(metrics) + len(ifnull(cell.failures, [])) > 0 AS fit
FROM unnested"""

_TAKE_BATCH = """
INSERT INTO stored BY NAME
SELECT * EXCLUDE (cell, fit), cell."case" AS case_id, cell.framework AS framework,
 ifnull(cell.framework_version, '') AS framework_version, cell.workload_hash AS workload_hash,
 ifnull(CAST(cell.workload AS VARCHAR), '{}') AS workload, ifnull(cell.launches, []) AS launches,
 list_transform(ifnull(cell.failures, []), lambda f: {
  kind: left(ifnull(f.kind, ''), 200), text: left(ifnull(f.text, ''), 2000)}) AS failures
FROM each WHERE fit AND ($since IS NULL OR measured_at >= $since)
 AND ($cases IS NULL OR list_contains($cases, cell."case"))"""

_PROBLEMS_OF_BATCH = """
SELECT file, problem FROM judged WHERE problem IS NOT NULL
UNION ALL
SELECT file, count(*) || ' of its cells cannot be read' FROM each WHERE NOT fit GROUP BY file
ORDER BY ALL"""


_TAKE_MONTH = """
INSERT INTO stored BY NAME SELECT * FROM read_parquet($path)
WHERE file NOT IN (SELECT file FROM sources) AND ($since IS NULL OR measured_at >= $since)
 AND ($cases IS NULL OR list_contains($cases, case_id))"""

_SOURCES_OF_MONTH = "INSERT INTO sources SELECT DISTINCT file FROM read_parquet($path)"

_FIND_TWICE = """
CREATE TEMP TABLE twice AS SELECT rowid AS id, file FROM stored
QUALIFY row_number() OVER (PARTITION BY case_id, framework, hardware_key, workload_hash,
 measured_at, run_id, attempt ORDER BY file) > 1"""
_TWICE = "SELECT file, count(*) FROM twice GROUP BY file ORDER BY file"
_DROP_TWICE = "DELETE FROM stored WHERE rowid IN (SELECT id FROM twice)"

_RENAMED = """
WITH spans AS (SELECT case_id, framework, hardware_key, workload_hash, min(measured_at) AS first,
  max(measured_at) AS last FROM stored GROUP BY ALL)
SELECT old.case_id, new.case_id, old.last, new.first, new.framework, new.hardware_key
FROM spans AS old JOIN spans AS new USING (framework, hardware_key, workload_hash)
WHERE old.last < new.first ORDER BY ALL"""


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
    """Fills the table ``stored`` of ``connection``; what was left out is in ``problems``.

    ``damaged`` holds the names of files of which at least a part was left out.
    """

    connection: duckdb.DuckDBPyConnection
    wanted: Wanted
    problems: list[str] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connection.execute(f"CREATE TABLE stored ({COLUMNS})")
        self.connection.execute("CREATE TABLE sources (file VARCHAR)")

    def load(self, store: Store) -> None:
        """Read what is wanted of a store. Raises what the store raises."""
        results, months = self._files(store.names())
        names = [*(one.name for one in results), *(one.name for one in months)]
        with store.files(names) as folder:
            self.load_files(folder, results, months)
        self._count_once()
        self._look_for_renamed_cases()

    def load_files(
        self, folder: Path, results: Sequence[ResultFile], months: Sequence[MonthFile]
    ) -> None:
        """Read these files of a folder, every result file once.

        Raises ConfigurationError where one of them went meanwhile, or may not be read.
        """
        import duckdb  # noqa: PLC0415 - an extra, and here it is installed

        try:
            for month in months:
                self._month(folder, month)
            sources = self.connection.execute("SELECT file FROM sources").fetchall()
            known = {name for (name,) in sources}
            for batch in self._batches(folder, [one for one in results if one.name not in known]):
                self._results(folder, batch)
        except (OSError, duckdb.IOException) as error:
            said = str(error).splitlines()[0]
            raise ConfigurationError(
                f"a file of the history cannot be read: {said}",
                fix="Run the same command again, since its month may just have been compacted; "
                "else let this user read it.",
            ) from error

    def _files(self, names: Sequence[str]) -> tuple[list[ResultFile], list[MonthFile]]:
        parsed = {name: parse_name(name) for name in names}
        strange = [name for name, file in parsed.items() if file is None]
        if strange:
            more = f" and {len(strange) - _MAX_NAMED} more" if len(strange) > _MAX_NAMED else ""
            named = ", ".join(strange[:_MAX_NAMED])
            self.problems.append(f"{named}{more}: is no file of a history")
        results = [one for one in parsed.values() if isinstance(one, ResultFile)]
        months = [one for one in parsed.values() if isinstance(one, MonthFile)]
        return (
            [one for one in results if self.wanted.takes(one)],
            [one for one in months if self.wanted.takes_month(one)],
        )

    def _leave_out(self, name: str, why: str) -> None:
        self.damaged.add(name)
        self.problems.append(f"{name}: {why}")

    def _month(self, folder: Path, month: MonthFile) -> None:
        """Take a finished month, but for files that are in another one as well."""
        if (why := damage(self.connection, folder, month)) is not None:
            self._leave_out(month.name, why)
            return
        path = str(folder / month.name)
        self.connection.execute(_TAKE_MONTH, {"path": path, **self.wanted.filters()})
        self.connection.execute(_SOURCES_OF_MONTH, {"path": path})

    def _results(self, folder: Path, batch: Sequence[ResultFile]) -> None:
        run = self.connection.execute
        paths = [str(folder / one.name) for one in batch]
        run(_READ_BATCH, {"paths": paths, "shape": _SHAPE, "skip": len(str(folder)) + 2})
        run(_JUDGE_BATCH, {"latest": self.wanted.latest, "not_as_named": NOT_AS_NAMED})
        run(_CELLS_OF_BATCH, {"id": CASE_ID})
        run(_TAKE_BATCH, self.wanted.filters())
        for file, problem in run(_PROBLEMS_OF_BATCH).fetchall():
            self._leave_out(file, problem)

    def _batches(self, folder: Path, results: Sequence[ResultFile]) -> Iterator[list[ResultFile]]:
        """As many files as may be held in memory at once; a giant one is left out."""
        batch: list[ResultFile] = []
        held = 0
        for one in results:
            size = (folder / one.name).stat().st_size
            if size > MAX_FILE_BYTES:
                self._leave_out(one.name, f"it is larger than {MAX_FILE_BYTES >> 20} MiB")
                continue
            if batch and (held + size > _BATCH_BYTES or len(batch) == _BATCH_FILES):
                yield batch
                batch, held = [], 0
            batch.append(one)
            held += size
        if batch:
            yield batch

    def _count_once(self) -> None:
        self.connection.execute(_FIND_TWICE)
        found = self.connection.execute(_TWICE).fetchall()
        if found:
            self.connection.execute(_DROP_TWICE)
        self.problems += [
            f"{file}: {count} of its cells are in another file too and are counted once"
            for file, count in found
        ]

    def _look_for_renamed_cases(self) -> None:
        self.problems += [
            f"{old} was last measured on {last:%Y-%m-%d} and {new} first on {first:%Y-%m-%d}, "
            f"with the same workload in {framework} on {hardware}: a renamed case starts lines "
            "of its own"
            for old, new, last, first, framework, hardware in self.connection.execute(
                _RENAMED
            ).fetchall()
        ]


def _naive(moment: datetime) -> datetime:
    """UTC without saying so, as DuckDB's TIMESTAMP."""
    return moment.astimezone(UTC).replace(tzinfo=None)
