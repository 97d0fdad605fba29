"""Adds a measured record to the baseline files of this repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from perfgate.app.trees import read_suite
from perfgate.baselines.entry import add_job
from perfgate.baselines.native import parse_baseline
from perfgate.baselines.store import write_baseline
from perfgate.errors import ConfigurationError
from perfgate.records import parse_record
from perfgate.sides.git import open_repository


def keep(
    start: Path, environ: Mapping[str, str], *, suite: str, record: Path, only: Sequence[str]
) -> list[Path]:
    """Add the record's head launches as one more job of each case of the suite at ``start``.

    Returns the files written, as paths below the repository.

    Raises BaselineError for a record that is no baseline, ConfigurationError where the suite
    names no folder for baselines.
    """
    git = open_repository(start, environ)
    folder = read_suite(git, suite).state_folder
    if folder is None:
        raise ConfigurationError(
            f"{suite} names no folder for baselines", fix="Add `baselines: baselines/` to it."
        )
    try:
        text = record.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{record} cannot be read: {error}", fix="Give the record.json of `perfgate measure`."
        ) from error
    measured = parse_record(text, source=str(record))
    key = measured.fingerprint.hardware_key
    # Every case is added before one is written, so that a refusal leaves all files as they were.
    added = []
    for case_id in only or [case.id for case in measured.cases]:
        path = git.root / folder / key / f"{case_id}.json"
        earlier = (
            parse_baseline(path.read_text(encoding="utf-8"), source=str(path))
            if path.exists()
            else None
        )
        added.append(add_job(earlier, measured, case_id))
    written = [write_baseline(one, folder=git.root / folder) for one in added]
    return [path.relative_to(git.root) for path in written]
