"""A history in any bucket or file system that fsspec opens; credentials are that library's own.

fsspec is imported when a bucket is opened; an object appears there whole, by its own name, so that
jobs that write at once lose nothing.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfgate.errors import ConfigurationError, PerfgateError, PublishError
from perfgate.history.names import FOLDER

_CREDENTIALS = re.compile(r"//[^/@]*@")


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Result files below ``root`` of a file system of fsspec's."""

    file_system: Any
    root: str
    told: str

    def names(self) -> tuple[str, ...]:
        with self._asked(ConfigurationError, "cannot be listed"):
            # Another job may have written since this one looked last.
            self.file_system.invalidate_cache()
            found = self.file_system.find(f"{self.root}/{FOLDER}")
            return tuple(sorted(path.removeprefix(f"{self.root}/") for path in found))

    def add(self, files: Mapping[str, bytes]) -> tuple[str, ...]:
        return tuple(name for name, content in files.items() if self._create(name, content))

    def remove(self, names: Collection[str]) -> None:
        with self._asked(PublishError, "does not let files be removed"):
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    self.file_system.rm_file(f"{self.root}/{name}")

    @contextlib.contextmanager
    def files(self, names: Collection[str]) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="perfgate-history-") as folder:
            with self._asked(ConfigurationError, "cannot be read"):
                here = [Path(folder, name) for name in names]
                for parent in {path.parent for path in here}:
                    parent.mkdir(parents=True, exist_ok=True)
                # All in one call, which asks a remote bucket for many at once.
                there = [f"{self.root}/{name}" for name in names]
                self.file_system.get(there, [str(path) for path in here])
            yield Path(folder)

    def _create(self, name: str, content: bytes) -> bool:
        path = f"{self.root}/{name}"
        with self._asked(PublishError, f"does not take {name}"):
            self.file_system.makedirs(path.rpartition("/")[0], exist_ok=True)
            try:
                self.file_system.pipe_file(path, content, mode="create")
            except FileExistsError:
                return False
        return True

    @contextlib.contextmanager
    def _asked(self, kind: type[PerfgateError], what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # Each kind of bucket has errors of its own: all of them say why in words.
            said = " ".join(str(error).split()) or type(error).__name__
            raise kind(
                f"{self.told} {what}: {said}",
                fix="Check the address and the credentials that fsspec's library for it reads.",
            ) from error


def open_bucket(address: str) -> Bucket:
    """The bucket at an address such as ``s3://name/folder``.

    Raises ConfigurationError where fsspec or its library for it is not installed.
    """
    told = _CREDENTIALS.sub("//", address)
    try:
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]  # noqa: PLC0415 - an extra

        file_system, root = url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            f"{told} cannot be opened: {error}",
            fix="Install perfgate with its history (pip install 'perfgate[history]') and fsspec's "
            "library for this kind of address, for example s3fs.",
        ) from error
    return Bucket(file_system=file_system, root=root.rstrip("/"), told=told)
