"""Turns the result files of finished months into one Parquet file each, which tells the same.

A file is removed when the month that holds it was read back: whatever ends this half-way, nothing
is lost, and readers count a file once that is there in both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from perfgate.errors import PublishError
from perfgate.history.engine import database
from perfgate.history.names import MonthFile, ResultFile, month_name, parse_name
from perfgate.history.store import Store
from perfgate.history.tables import Loading, Wanted

if TYPE_CHECKING:
    import duckdb

_WRITE = """
COPY (SELECT * FROM stored WHERE file IN (SELECT file FROM whole)
 ORDER BY case_id, framework, hardware_key, workload_hash, measured_at, file)
TO $path (FORMAT parquet, COMPRESSION zstd, KV_METADATA {perfgate_month: '1'})"""

_DIFFERENCE = """
WITH kept AS (SELECT * FROM stored WHERE file IN (SELECT file FROM whole)),
written AS (SELECT * FROM read_parquet($path))
SELECT count(*) FROM (
 (SELECT * FROM kept EXCEPT ALL SELECT * FROM written)
 UNION ALL (SELECT * FROM written EXCEPT ALL SELECT * FROM kept))"""


@dataclass(frozen=True, kw_only=True)
class Month:
    """A month that is one file now; ``files`` were replaced by it."""

    month: str
    name: str
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Compacted:
    """What was done, and which files were left as they are since they cannot be read whole."""

    months: tuple[Month, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    """The files of a month that are there."""

    month: str
    results: tuple[ResultFile, ...]
    months: tuple[MonthFile, ...]

    @property
    def is_done(self) -> bool:
        return not self.results and len(self.months) == 1

    @property
    def names(self) -> tuple[str, ...]:
        return (*(one.name for one in self.results), *(one.name for one in self.months))


def compact(store: Store, *, before: date, now: datetime) -> Compacted:
    """Make one file of each month that was over ``before`` that day, and is over ``now``.

    Raises what the store raises, and PublishError where a written month does not tell what its
    files tell; these are all there then.
    """
    done: list[Month] = []
    problems: list[str] = []
    last = min(before, now.astimezone(UTC).date())
    for candidate in _candidates(store.names(), last):
        with _loaded(store, candidate, now) as loading:
            problems += loading.problems
            month = _compact_month(store, candidate, loading)
        if month is not None:
            done.append(month)
    return Compacted(months=tuple(done), problems=tuple(problems))


def _candidates(names: Sequence[str], before: date) -> Iterator[_Candidate]:
    files = [file for file in map(parse_name, names) if file is not None]
    for month in sorted({file.month for file in files}):
        here = [file for file in files if file.month == month]
        found = _Candidate(
            month=month,
            results=tuple(file for file in here if isinstance(file, ResultFile)),
            months=tuple(file for file in here if isinstance(file, MonthFile)),
        )
        if month < f"{before:%Y-%m}" and not found.is_done:
            yield found


@contextmanager
def _loaded(store: Store, candidate: _Candidate, now: datetime) -> Iterator[Loading]:
    with store.files(candidate.names) as folder, database() as connection:
        # So that the same files make the same month, byte by byte.
        connection.execute("SET preserve_insertion_order = true")
        loading = Loading(connection=connection, wanted=Wanted(now=now))
        loading.load_files(folder, candidate.results, candidate.months)
        yield loading


def _compact_month(store: Store, candidate: _Candidate, loading: Loading) -> Month | None:
    """Write the month, read it back, then remove what it holds; None where nothing would change."""
    whole = _whole(loading)
    replaced = {*whole, *(one.name for one in candidate.months)} - loading.damaged
    replaced &= set(candidate.names)
    fresh = {one.name for one in candidate.results} & whole
    if not fresh and len(candidate.months) <= 1:
        return None
    with tempfile.TemporaryDirectory(prefix="perfgate-history-") as folder:
        path = Path(folder, "month.parquet")
        loading.connection.execute(_WRITE, {"path": str(path)})
        content = path.read_bytes()
    name = month_name(candidate.month, content)
    store.add({name: content})
    _read_back(store, name, content, loading.connection)
    store.remove(replaced - {name})
    return Month(month=candidate.month, name=name, files=tuple(sorted(replaced - {name})))


def _whole(loading: Loading) -> set[str]:
    """Files that were read with nothing left out and hold a cell: all that a month may replace."""
    run = loading.connection.execute
    found = {name for (name,) in run("SELECT DISTINCT file FROM stored").fetchall()}
    found -= loading.damaged
    run("CREATE TEMP TABLE whole AS SELECT unnest($files) AS file", {"files": sorted(found)})
    return found


def _read_back(
    store: Store, name: str, content: bytes, connection: duckdb.DuckDBPyConnection
) -> None:
    # What is there now, not what this store remembers.
    store.names()
    with store.files([name]) as folder:
        path = folder / name
        same = path.read_bytes() == content
        if same:
            same = connection.execute(_DIFFERENCE, {"path": str(path)}).fetchone() == (0,)
        if not same:
            raise PublishError(
                f"{name} does not hold what was written, so that no file was removed for it",
                fix="Remove it from the history and run the same command again.",
            )
