"""Reads the files that a case names as its outputs, right after a launch; compares nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perfgate.backends.reports import ReportError
from perfgate.records import TensorSummary

Stamp = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class OutputFiles:
    """What a launch left, as :class:`perfgate.records.Launch` keeps it."""

    hashes: Mapping[str, str] = field(default_factory=dict)
    summaries: tuple[TensorSummary, ...] = ()
    undecoded: Mapping[str, str] = field(default_factory=dict)


def stamps(names: Sequence[str], tree: Path) -> dict[str, Stamp | None]:
    """What tells a file from an earlier one of its name; taken before the launch."""
    return {name: _stamp(tree / name) for name in names}


def read_outputs(before: Mapping[str, Stamp | None], tree: Path) -> OutputFiles:
    """Hash and summary of every file that was stamped before.

    Raises ReportError for one that is not there or that this launch did not write. One that cannot
    be decoded has its hash, and its reason in ``undecoded``.
    """
    hashes, undecoded = {}, {}
    summaries: list[TensorSummary] = []
    for name, earlier in before.items():
        path = tree / name
        stamp = _stamp(path)
        if stamp is None or not path.is_file():
            raise ReportError(f"the output {name} was not written")
        if stamp == earlier:
            raise ReportError(f"the output {name} is an older file: this launch did not write it")
        with path.open("rb") as stream:
            hashes[name] = hashlib.file_digest(stream, "sha256").hexdigest()
        try:
            summaries += _summaries(name, path)
        except ValueError as error:
            undecoded[name] = str(error)
    return OutputFiles(hashes=hashes, summaries=tuple(summaries), undecoded=undecoded)


def _summaries(name: str, path: Path) -> list[TensorSummary]:
    """Every array of the file; ValueError says why one cannot be compared."""
    # Pillow is loaded by jobs that have outputs to look at, and by no other command.
    from perfgate.backends.decode import decodable, decode  # noqa: PLC0415
    from perfgate.profile.sketch import summary  # noqa: PLC0415

    if not decodable(path):
        return []
    return [
        TensorSummary.model_validate(
            summary(f"{name}: {one.member}" if one.member else name, one.values, span=one.span)
        )
        for one in decode(path)
    ]


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
