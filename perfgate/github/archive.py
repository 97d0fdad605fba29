"""Takes the record's text out of an artifact's zip file. Pure: bytes in, text out, nothing written.

The file was packed by a stranger's job. One entry is read, by its exact name, into memory and up
to a limit; an archive that holds anything odd is refused whole, whatever else is in it.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import Final

from perfgate.errors import ConfigurationError
from perfgate.github.problems import short

RECORD: Final = "record.json"
MAX_RECORD_BYTES: Final = 32_000_000
MAX_UNPACKED_BYTES: Final = 256_000_000
MAX_ENTRIES: Final = 5_000

_DIRECTORY_ENTRY: Final = b"PK\x01\x02"
_ENCRYPTED: Final = 0x1
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f\\:]{1,500}")
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    OSError,
    ValueError,
)
"""What zipfile raises for damaged archives, beside its own error: it reads numbers as they come."""


def record_text(archive: bytes) -> str:
    """The text of the archive's ``record.json``.

    Raises ConfigurationError for what is no archive, for one that is too large when unpacked, for
    one with entries that are links or lead elsewhere, and for one without a record.
    """
    # Counted before zipfile makes an object of each: every entry of the directory starts with it.
    if archive.count(_DIRECTORY_ENTRY) > MAX_ENTRIES:
        raise _refused(f"it holds more than {MAX_ENTRIES} files")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            data = _read(opened, _record_entry(opened.infolist()))
    except _DAMAGED as error:
        raise _refused(f"it is no whole zip file ({type(error).__name__})") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refused(f"its {RECORD} is not UTF-8 text") from error


def _record_entry(entries: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    for entry in entries:
        if odd := _odd(entry):
            raise _refused(f"{short(entry.filename)!r} {odd}")
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise _refused(f"it is larger than {MAX_UNPACKED_BYTES} bytes unpacked")
    names = [entry.filename for entry in entries]
    if len({name.rstrip("/").casefold() for name in names}) != len(names):
        raise _refused("two of its files have one name")
    found = next((entry for entry in entries if entry.filename == RECORD), None)
    if found is None:
        raise _refused(f"it holds no {RECORD} at its top")
    if found.file_size > MAX_RECORD_BYTES:
        raise _refused(f"its {RECORD} is larger than {MAX_RECORD_BYTES} bytes")
    return found


def _odd(entry: zipfile.ZipInfo) -> str:
    """What is wrong with an entry; empty for an ordinary file or folder."""
    path = PurePosixPath(entry.filename)
    # zipfile cuts a name at a zero byte: what was written there is looked at too.
    if not (_NAME.fullmatch(entry.filename) and _NAME.fullmatch(entry.orig_filename)):
        return "is no name of a file"
    if path.is_absolute() or ".." in path.parts:
        return "leads out of its folder"
    # The high half holds the Unix mode where the archive was made on Unix, else nothing.
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted"
    return "" if entry.compress_type in _METHODS else "is compressed in an unusual way"


def _read(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The entry's bytes, as far as they are wanted: its header may say any size."""
    with opened.open(entry) as stream:
        data = stream.read(MAX_RECORD_BYTES + 1)
    if len(data) > MAX_RECORD_BYTES:
        raise _refused(f"its {RECORD} is larger than {MAX_RECORD_BYTES} bytes")
    return data


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the artifact is refused: {why}",
        fix="Upload the folder that `perfgate gate` wrote, as perfgate's docs/forks.md shows.",
    )
