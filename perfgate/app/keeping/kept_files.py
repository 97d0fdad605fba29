"""The baseline files of a working tree: where they lie, read and written whole; decides nothing.

Whoever changes them holds them: of two updates at once the later one reads what the earlier wrote.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout

from perfgate.app.keeping.foreign import Tree
from perfgate.errors import BaselineError, ConfigurationError
from perfgate.files import write_atomically
from perfgate.sides.git import Git
from perfgate.suite import Suite

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_LOCK = "perfgate-baselines.lock"
_LOCK_WAIT_S = 60.0


def is_key(hardware_key: str) -> bool:
    """Whether it may be a part of a path."""
    return _KEY.fullmatch(hardware_key) is not None


def folder_of(suite: Suite, *, named: str = "the suite") -> PurePosixPath:
    """The folder of launches and permissions below the repository.

    Raises ConfigurationError for a suite, ``named`` so, that has none.
    """
    if suite.state_folder is None:
        raise ConfigurationError(
            f"{named} names no folder for baselines", fix="Add `baselines: baselines/` to it."
        )
    return PurePosixPath(suite.state_folder)


def newest_commit(git: Git) -> Tree:
    """The commit that is checked out; ConfigurationError before the first one."""
    if git.commit_of("HEAD") is None:
        raise ConfigurationError(
            f"{git.root} has no commit yet", fix="Commit the suite first: git commit."
        )
    commit, _, date = git("show", "--no-patch", "--format=%H %cI", "HEAD").strip().partition(" ")
    return Tree(commit=commit, date=date)


@contextlib.contextmanager
def held(git: Git) -> Iterator[None]:
    """Nobody else changes the baselines of this working tree for as long as the block runs."""
    path = git.root / git("rev-parse", "--git-path", _LOCK).rstrip("\n")
    lock = FileLock(path, timeout=_LOCK_WAIT_S)
    try:
        lock.acquire()
    except Timeout as error:
        raise ConfigurationError(
            f"the baselines of {git.root} are being changed for {_LOCK_WAIT_S:.0f} s already",
            fix="Let the other perfgate end, and try again.",
        ) from error
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        yield
    finally:
        lock.release()


def read_kept(git: Git, path: str) -> str | None:
    """The text at a path below the repository, with its own line ends; None without a file.

    BaselineError for what is no file of text, or lies outside of the repository by a link.
    """
    place = _inside(git, path)
    try:
        return place.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise BaselineError(
            f"{path} cannot be read: {said}", fix="Restore the file from its last commit."
        ) from error


def kept_below(git: Git, folder: PurePosixPath, pattern: str) -> dict[str, str]:
    """The texts of a folder's files by their paths below the repository; raises alike."""
    found = sorted((git.root / folder).glob(pattern))
    paths = [path.relative_to(git.root).as_posix() for path in found]
    return {path: text for path in paths if (text := read_kept(git, path)) is not None}


def write_kept(git: Git, path: str, text: str) -> None:
    """Write the file whole or not at all; ConfigurationError where it cannot be written."""
    write_whole(_inside(git, path), text)


def write_whole(place: Path, text: str) -> None:
    """Write a file wherever it lies; ConfigurationError where it cannot be written."""
    try:
        write_atomically(place, text)
    except OSError as error:
        raise _unwritable(place, error) from error


def _inside(git: Git, path: str) -> Path:
    place = git.root / path
    if not place.resolve().is_relative_to(git.root):
        raise BaselineError(
            f"{path} leads out of the repository by a link",
            fix="Put the files themselves there: a gate reads them from commits.",
        )
    return place


def _unwritable(place: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{place} cannot be written: {error.strerror}",
        fix="Make room there, and let this user write to that folder.",
    )
