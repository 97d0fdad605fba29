"""Says which result files finished months hold. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from perfgate.history.engine import database
from perfgate.history.names import MonthFile, parse_name
from perfgate.history.store import Store


def in_months(store: Store, names: Sequence[str], months: Collection[str]) -> frozenset[str]:
    """Names of the result files that the finished ones of these months (2026-05) replaced."""
    finished = [
        one.name
        for one in map(parse_name, names)
        if isinstance(one, MonthFile) and one.month in months
    ]
    if not finished:
        return frozenset()
    with store.files(finished) as folder, database() as connection:
        found = connection.execute(
            "SELECT DISTINCT file FROM read_parquet($paths)",
            {"paths": [str(folder / name) for name in finished]},
        ).fetchall()
    return frozenset(name for (name,) in found)
