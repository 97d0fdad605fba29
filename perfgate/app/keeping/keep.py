"""Brings the baseline files up to date by measured records: texts in, texts and changes out.

:func:`updated` is pure, for whoever reads and writes files somewhere else than here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from perfgate.app.keeping.foreign import Foreign, Tree
from perfgate.app.keeping.kept_files import (
    folder_of,
    held,
    is_key,
    newest_commit,
    read_kept,
    write_kept,
)
from perfgate.app.measuring.trees import read_suite
from perfgate.baselines.accepted import NAME as ACCEPTED
from perfgate.baselines.accepted import parse_accepted, render_accepted
from perfgate.baselines.change import CaseChange
from perfgate.baselines.native import render_baseline
from perfgate.baselines.permit import Request
from perfgate.baselines.store import load_baselines
from perfgate.baselines.update import update_entry
from perfgate.errors import BaselineError, ConfigurationError
from perfgate.records import Record, parse_record
from perfgate.sides.git import open_repository
from perfgate.suite import Suite
from perfgate.verdict.acceptance import Acceptance

__all__ = [
    "Request",
    "Tree",
    "Update",
    "files_needed",
    "hardware_key",
    "keep",
    "read_record",
    "updated",
    "who_asks",
]


@dataclass(frozen=True, kw_only=True)
class Update:
    """The files that change, whole, by their path below the repository; and what changes in them.

    The permissions come first, so that whoever is interrupted while writing leaves a permission
    without a slower baseline, never the other way round.
    """

    texts: Mapping[str, str]
    changes: tuple[CaseChange, ...]


def files_needed(suite: Suite, records: Sequence[Record], *, only: Sequence[str] = ()) -> list[str]:
    """The paths below the repository that :func:`updated` reads; some may not be there yet."""
    folder, key = folder_of(suite), hardware_key(records)
    paths = [str(folder / key / f"{case}.json") for case in _cases(suite, records, only)]
    file = suite.sglang.file_of(key) if suite.sglang is not None else None
    return [str(folder / ACCEPTED), *([file] if file is not None else []), *paths]


def updated(
    files: Mapping[str, str],
    suite: Suite,
    records: Sequence[Record],
    *,
    at: Tree,
    request: Request,
    only: Sequence[str] = (),
) -> Update:
    """Every entry of the records' cases (or ``only`` these) from all the records that have it.

    ``files`` are the texts of those of :func:`files_needed` that exist, as they are ``at`` a
    commit. A metric that got looser without a sufficient reason is told as unexplained. Raises
    BaselineError for records that are no baseline and for files that cannot be trusted,
    ConfigurationError for a suite without baselines. All is refused, or nothing.
    """
    folder, key = folder_of(suite), hardware_key(records)
    permissions = str(folder / ACCEPTED)
    before = parse_accepted(files[permissions], source=permissions) if permissions in files else ()
    native = load_baselines(
        {path: text for path, text in files.items() if PurePosixPath(path).is_relative_to(folder)},
        hardware_key=key,
    )
    foreign = Foreign.of(suite, files, key, at)
    accepted: tuple[Acceptance, ...] = before
    texts, changes = {}, []
    for case in _cases(suite, records, only):
        done = update_entry(
            native.get(case),
            _having(case, records),
            case,
            policy=suite.gate.policy(),
            request=request,
            accepted=accepted,
            elsewhere=foreign.figures(case) if foreign is not None else None,
            beside=partial(foreign.memory, case) if foreign is not None else None,
        )
        accepted = done.accepted
        changes.append(done.change)
        texts[str(folder / key / f"{case}.json")] = render_baseline(done.entry)
        if foreign is not None:
            foreign = foreign.updated(case, done.entry)
    if foreign is not None:
        texts[foreign.path] = foreign.text
    if set(accepted) != set(before):
        texts = {permissions: render_accepted(accepted), **texts}
    changed = {path: text for path, text in texts.items() if files.get(path) != text}
    return Update(texts=changed, changes=tuple(changes))


def hardware_key(records: Sequence[Record]) -> str:
    """The key that all records share; part of a path, so not believed.

    BaselineError for records of several kinds of machines, and for what is no key.
    """
    keys = sorted({record.fingerprint.hardware_key for record in records})
    if len(keys) != 1:
        raise BaselineError(
            f"the records are of {len(keys)} kinds of machines: {', '.join(keys) or 'none'}",
            fix="Update one kind of machine at a time.",
        )
    if not is_key(keys[0]):
        raise BaselineError(
            f"{keys[0]!r} is no hardware key", fix="Give a record that perfgate wrote."
        )
    return keys[0]


def _cases(suite: Suite, records: Sequence[Record], only: Sequence[str]) -> list[str]:
    """The cases to update, each once; the suite knows them all."""
    found = dict.fromkeys(only or [case.id for record in records for case in record.cases])
    known = [case.id for case in suite.cases]
    unknown = [name for name in found if name not in known]
    if unknown:
        raise BaselineError(
            f"the suite has no case {', '.join(map(repr, unknown))}; it has: {', '.join(known)}",
            fix="Name its cases with --case, or give a record of this suite.",
        )
    return list(found)


def _having(case_id: str, records: Sequence[Record]) -> list[Record]:
    """The records with this case; all of them where none has it, for the refusal to name."""
    found = [one for one in records if any(case.id == case_id for case in one.cases)]
    return found or list(records)


def keep(
    start: Path,
    environ: Mapping[str, str],
    *,
    suite: str,
    records: Sequence[Path],
    request: Request,
    only: Sequence[str] = (),
) -> Update:
    """Bring the files of the repository at ``start`` up to date; nothing is written on a refusal.

    Of two at once one waits. BaselineError as :func:`updated` raises it, and where a metric got
    looser unexplained.
    """
    git = open_repository(start, environ)
    judge = read_suite(git, suite)
    measured = [read_record(path) for path in records]
    paths = files_needed(judge, measured, only=only)
    at = newest_commit(git)
    with held(git):
        files = {path: text for path in paths if (text := read_kept(git, path)) is not None}
        update = updated(files, judge, measured, at=at, request=request, only=only)
        _refuse_unexplained(update.changes)
        for path, text in update.texts.items():
            write_kept(git, path, text)
    return update


def who_asks(start: Path, environ: Mapping[str, str]) -> str:
    """Who started the workflow, or whom git knows here; empty where nobody is known."""
    actor = environ.get("GITHUB_ACTOR")
    if actor:
        return actor
    return open_repository(start, environ).asks("config", "user.name") or ""


def _refuse_unexplained(changes: Iterable[CaseChange]) -> None:
    found = [
        f"{change.case} {one.metric} {one.old:.6g} → {one.new:.6g} {one.unit}"
        for change in changes
        for one in change.metrics
        if one.metric in change.unexplained and one.old is not None and one.new is not None
    ]
    if found:
        raise BaselineError(
            f"slower than the margin allows: {'; '.join(found)}",
            fix="Mend it, or accept it for a time: --reason TEXT --issue URL --expires DATE.",
        )


def read_record(path: Path) -> Record:
    """A record's file; ConfigurationError names what cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", fix="Give the record.json of `perfgate measure`."
        ) from error
    return parse_record(text, source=str(path))
