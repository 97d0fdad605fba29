"""Opens DuckDB as histories are read with it: in memory, bounded, never on the network.

DuckDB is imported here and nowhere else, when it is needed.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from perfgate.errors import ConfigurationError

if TYPE_CHECKING:
    import duckdb

MEMORY_MIB = 400
"""What DuckDB may hold at once; more goes to a temporary folder."""


@contextlib.contextmanager
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database that goes when the block ends.

    Raises ConfigurationError where DuckDB is not installed.
    """
    try:
        import duckdb  # noqa: PLC0415 - an extra that reading commands alone need
    except ImportError as error:
        raise ConfigurationError(
            "reading a history needs DuckDB, which is not installed",
            fix="Install perfgate with its history: pip install 'perfgate[history]'.",
        ) from error
    with tempfile.TemporaryDirectory(prefix="perfgate-history-") as spill:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{MEMORY_MIB}MiB",
            "temp_directory": spill,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        }
        with duckdb.connect(":memory:", config=settings) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
