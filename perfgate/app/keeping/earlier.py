"""Finds the earlier versions of files: in a commit, or in the one file that a person names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from perfgate.baselines.sglang import MAX_FILE_BYTES
from perfgate.errors import ConfigurationError
from perfgate.sides.git import Git, open_repository
from perfgate.sides.resolve import Trigger, resolve_base


@dataclass(frozen=True, kw_only=True)
class InCommit:
    """The versions of a commit; ``told`` is what people call it."""

    told: str
    git: Git
    commit: str

    def text(self, path: Path) -> str | None:
        """The earlier version of the file at ``path``; None where the commit has none."""
        return self.git.file_at(self.commit, self._inside(path))

    def below(self, folder: Path) -> Iterator[Path]:
        """The files of a folder in the commit, by their paths below it."""
        inside = self._inside(folder)
        for path in self.git.files_below(self.commit, inside):
            yield Path(path).relative_to(inside)

    def _inside(self, path: Path) -> str:
        """The path below the repository."""
        real = path.resolve()
        if not real.is_relative_to(self.git.root):
            raise ConfigurationError(
                f"{path} is outside of the repository {self.git.root}",
                fix="Give the other version as a file: --against FILE.",
            )
        return real.relative_to(self.git.root).as_posix()


@dataclass(frozen=True, kw_only=True)
class OtherFile:
    """The one version that lies in another file."""

    told: str
    path: Path

    def text(self, path: Path) -> str | None:  # noqa: ARG002 - it is of the one file there is
        return read_text(self.path)


def find_earlier(
    start: Path, environ: Mapping[str, str], named: str, *, files: int
) -> InCommit | OtherFile:
    """The versions that ``named`` names at ``start``: a ref, else one file for one file.

    A ref wins over a file of its name; a file can be named with a leading ``./``. Raises
    ConfigurationError where it is neither, or one file where ``files`` is more than one.
    """
    other = start / named
    try:
        git = open_repository(start, environ)
        commit = git.commit_of(named)
        if commit is None and not other.is_file():
            commit, _ = resolve_base(git, Trigger(name="local"), base=named)
        if commit is not None:
            return InCommit(told=f"{named} ({commit[:12]})", git=git, commit=commit)
    except ConfigurationError:
        if not other.is_file():
            raise
    if files != 1:
        raise ConfigurationError(
            f"{named} is one file, and {files} are to be compared with it",
            fix="Name one file, or a git ref that holds them all.",
        )
    return OtherFile(told=named, path=other)


def read_text(path: Path) -> str:
    """A file's text, no more of it than any baseline holds; ConfigurationError without one."""
    try:
        # Of a pipe or a device nobody knows when it ends.
        if path.exists() and not path.is_file():
            raise ConfigurationError(
                f"{path} is no file of text", fix="Name a baseline file, or their folder."
            )
        with path.open("rb") as stream:
            return stream.read(MAX_FILE_BYTES + 1).decode("utf-8", "replace")
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}", fix="Name a baseline file, or their folder."
        ) from error
