"""A history in a folder of this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from perfgate.errors import ConfigurationError, PublishError
from perfgate.files import write_atomically
from perfgate.history.names import FOLDER


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Result files below ``root``, which need not be there yet."""

    root: Path
    told: str

    def names(self) -> tuple[str, ...]:
        if self.root.exists() and not self.root.is_dir():
            raise ConfigurationError(
                f"{self.told} is no folder", fix="Name a folder, branch:NAME, or a bucket."
            )
        # A link would let a file of the history show another file of this machine.
        found = (path for path in (self.root / FOLDER).rglob("*") if not path.is_symlink())
        return tuple(
            sorted(path.relative_to(self.root).as_posix() for path in found if path.is_file())
        )

    def add(self, files: Mapping[str, bytes]) -> tuple[str, ...]:
        free = [name for name in files if not (self.root / name).exists()]
        with self._writing():
            for name in free:
                write_atomically(self.root / name, files[name])
        return tuple(free)

    def remove(self, names: Collection[str]) -> None:
        with self._writing():
            for name in names:
                (self.root / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def files(self, names: Collection[str]) -> Iterator[Path]:  # noqa: ARG002 - they lie there
        yield self.root

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            raise PublishError(
                f"{self.told} cannot be written to: {error.strerror}{where}",
                fix="Make room there and let this user write; what was done stays done, and the "
                "same command goes on.",
            ) from error
