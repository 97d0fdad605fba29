"""Adds results to a history, where nothing is ever overwritten. Decides nothing about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfgate.history.catalogue import sources
from perfgate.history.names import result_name
from perfgate.history.store import Store
from perfgate.records.results import Results
from perfgate.records.text import to_json


@dataclass(frozen=True, kw_only=True)
class Appended:
    """Names of files: those that are new, and those that were there with the same content."""

    added: tuple[str, ...]
    already: tuple[str, ...]


def append(store: Store, results: Sequence[Results]) -> Appended:
    """Add a file for each of the results, all in one go.

    Raises what the store raises; what was added until then stays, and adding again goes on.
    """
    files: dict[str, bytes] = {}
    already: list[str] = []
    known = sources(store, {f"{one.measured_at:%Y-%m}" for one in results})
    for one in results:
        content = to_json(one).encode()
        name = result_name(one, content)
        if name in known or name in files:
            already.append(name)
        else:
            files[name] = content
    written = set(store.add(files)) if files else set()
    # Another job that adds the same file at the same moment has it there first.
    already += [name for name in files if name not in written]
    return Appended(added=tuple(name for name in files if name in written), already=tuple(already))
