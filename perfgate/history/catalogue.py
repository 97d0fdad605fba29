"""Says which results a store holds, those in finished months included. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection

from perfgate.history.engine import database
from perfgate.history.names import MonthFile, parse_name
from perfgate.history.store import Store


def sources(store: Store, months: Collection[str]) -> frozenset[str]:
    """Names of the result files of these months (2026-05), also of those that a month replaced."""
    names = store.names()
    finished = [
        one.name
        for one in map(parse_name, names)
        if isinstance(one, MonthFile) and one.month in months
    ]
    if not finished:
        return frozenset(names)
    with store.files(finished) as folder, database() as connection:
        found = connection.execute(
            "SELECT DISTINCT file FROM read_parquet($paths)",
            {"paths": [str(folder / name) for name in finished]},
        ).fetchall()
    return frozenset(names) | {name for (name,) in found}
