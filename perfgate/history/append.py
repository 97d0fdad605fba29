"""Adds results to a history, where nothing is ever overwritten. Decides nothing about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfgate.errors import ConfigurationError
from perfgate.history.months import in_months
from perfgate.history.names import month_of, result_name
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
    contents = [(one, to_json(one).encode()) for one in results]
    names = store.names()
    replaced = in_months(store, names, {month_of(one) for one in results})
    taken = set(names)
    wanted = [name for one in contents for name in _possible_names(*one) if name in taken]
    files: dict[str, bytes] = {}
    already: dict[str, None] = {}
    with store.files(wanted) as folder:
        for one, content in contents:
            name = _name(one, content, taken, folder)
            if name in taken or name in files or name in replaced:
                already[name] = None
            else:
                files[name] = content
    written = set(store.add(files)) if files else set()
    # Another job that adds the same file at the same moment has it there first.
    already |= dict.fromkeys(name for name in files if name not in written)
    added = tuple(name for name in files if name in written)
    return Appended(added=added, already=tuple(already))


def _possible_names(results: Results, content: bytes) -> tuple[str, str]:
    return result_name(results, content), result_name(results, content, digest_chars=64)


def _name(results: Results, content: bytes, taken: Collection[str], folder: Path) -> str:
    """The first of its names that is free or holds this content.

    A file that was cut short keeps the shorter name, and the whole one must not be lost for it.
    """
    short, whole = _possible_names(results, content)
    if short not in taken or (folder / short).read_bytes() == content:
        return short
    if whole not in taken or (folder / whole).read_bytes() == content:
        return whole
    raise ConfigurationError(
        f"{short} and {whole} are both damaged",
        fix="Remove them from the history, then add the results again.",
    )
