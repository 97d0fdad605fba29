"""What the commands on a history share: the option that names it, and how it is opened."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from perfgate.history.opening import open_store
from perfgate.history.store import Store

HELP = "The history: a folder, branch:NAME, or an address that fsspec opens."

source = click.option("--from", "named", metavar="STORE", required=True, help=HELP)
target = click.option("--to", "named", metavar="STORE", required=True, help=HELP)
both = click.option("--from", "--to", "named", metavar="STORE", required=True, help=HELP)


@contextlib.contextmanager
def opened(named: str) -> Iterator[Store]:
    """The store that was named, for as long as the command uses it."""
    with tempfile.TemporaryDirectory(prefix="perfgate-", ignore_cleanup_errors=True) as scratch:
        yield open_store(named, start=Path.cwd(), environ=os.environ, scratch=Path(scratch))
