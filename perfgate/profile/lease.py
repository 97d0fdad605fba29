"""A lease per device of a host, so that two jobs never measure on one device at once.

A lease is an operating system's lock on a file in a folder that all users of the host share: it
ends with the process that holds it, however that ends. A note beside it says who that is; it is
told to those who wait and never believed in. Containers see a lease only where that folder is
mounted.

A job's processes are told what it holds (:data:`HELD_VARIABLE`), so that perfgate in a benchmark
that perfgate measures does not wait for itself. The variable counts only while the process that it
names is an ancestor. A job that holds one device and leases another inside can wait for a job that
does it the other way round: both end at their timeout.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from filelock import FileLock, Timeout
from pydantic import AfterValidator, ValidationError

from perfgate.errors import ConfigurationError, DeviceError
from perfgate.records import Value

DIR_VARIABLE: Final = "PERFGATE_LEASE_DIR"
HELD_VARIABLE: Final = "PERFGATE_LEASE_HELD"
_SHARED_FOLDER: Final = Path("/var/lock/perfgate")
_POLL_S: Final = 1.0
_MAX_NOTE_BYTES: Final = 4096
_MAX_NOTE_CHARS: Final = 200


def _plain(text: str) -> str:
    """Anybody may write a note: no line ends or terminal codes come from it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:_MAX_NOTE_CHARS]


_Plain = Annotated[str, AfterValidator(_plain)]


class Note(Value):
    """Who holds a lease, as it says itself; ``job`` is empty outside of continuous integration."""

    pid: int
    host: _Plain
    user: _Plain
    job: _Plain
    since: _Plain

    def told(self) -> str:
        """``pid 123 of alice on gpu-box (job 42/1/gate) since 2026-01-01T12:03``."""
        job = f" (job {self.job})" if self.job else ""
        return f"pid {self.pid} of {self.user} on {self.host}{job} since {self.since}"


@dataclass(frozen=True, kw_only=True)
class Leases:
    """The leases of one host as one job sees them.

    ``held`` maps what an enclosing job holds to that job's process id; ``wait`` sleeps for some
    seconds, ``clock`` counts them, ``tell`` says to a person what is waited for.
    """

    folder: Path
    note: Note
    held: Mapping[str, int]
    tell: Callable[[str], None]
    wait: Callable[[float], None]
    clock: Callable[[], float]

    @contextlib.contextmanager
    def hold(
        self, names: Sequence[str], *, count: int, timeout_s: float
    ) -> Iterator[tuple[str, ...]]:
        """Hold ``count`` of the devices, the first free ones, for as long as the block runs.

        All or none: what was got of too few is given back before waiting. Raises DeviceError after
        ``timeout_s``, naming the holders.
        """
        waiting = Waiting(leases=self, timeout_s=timeout_s)
        while (taken := self._take(names, count)) is None:
            waiting.again(f"{_listed(names)}, held by {self._holders(names)}")
        with taken as got:
            yield got

    def told_to_children(self, names: Sequence[str]) -> dict[str, str]:
        """What a launch's processes are told of the leases that this job holds."""
        owners = (f"{name}@{self.held.get(name, self.note.pid)}" for name in names)
        return {HELD_VARIABLE: ",".join(owners)}

    def _take(
        self, names: Sequence[str], count: int
    ) -> contextlib.AbstractContextManager[tuple[str, ...]] | None:
        with contextlib.ExitStack() as stack:
            got = [name for name in names if name in self.held][:count]
            for name in names:
                if len(got) < count and name not in self.held and self._lock(name, stack):
                    got.append(name)
            if len(got) < count:
                return None
            for name in got:
                if name not in self.held:
                    self._write_note(name, stack)
            return _holding(tuple(got), stack.pop_all())
        raise AssertionError("an exit stack swallows nothing here")

    def _lock(self, name: str, stack: contextlib.ExitStack) -> bool:
        path = self.folder / f"{name}.lock"
        # A soft lock would outlive a crash: better none at all on a file system without locks.
        lock = FileLock(path, mode=0o666, thread_local=False, fallback_to_soft=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except (OSError, NotImplementedError) as error:
            raise DeviceError(
                f"the lease {path} cannot be taken: {error}",
                fix=f"Remove that file if nobody measures, or set {DIR_VARIABLE} to a local folder "
                "that every user of this host may write.",
            ) from error
        stack.callback(lock.release)
        return True

    def _note_path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _write_note(self, name: str, stack: contextlib.ExitStack) -> None:
        path = self._note_path(name)
        try:
            _overwrite(path, self.note.model_dump_json())
        except OSError as error:
            self.tell(f"who holds {name} could not be written to {path}: {error.strerror}")
            return
        stack.callback(_forget, path)

    def _holders(self, names: Sequence[str]) -> str:
        notes = [note for name in names if (note := read_note(self._note_path(name))) is not None]
        return "; ".join(dict.fromkeys(note.told() for note in notes)) or "a job that left no note"


@dataclass(kw_only=True)
class Waiting:
    """Waits in turns until a deadline, and tells once what for, and again when that changes."""

    leases: Leases
    timeout_s: float
    _since: float | None = None
    _told: str = ""

    def again(self, what: str) -> None:
        """Wait a moment for ``what``; raises DeviceError once the time is over."""
        now = self.leases.clock()
        self._since = now if self._since is None else self._since
        if now - self._since >= self.timeout_s:
            raise DeviceError(
                f"waited {self.timeout_s:g} s for {what}",
                fix="Let that end, or end it; --lease-timeout waits longer.",
            )
        if what != self._told:
            self._told = what
            self.leases.tell(f"waiting for {what}")
        self.leases.wait(min(_POLL_S, self._since + self.timeout_s - now))


def lease_folder(environ: Mapping[str, str]) -> Path:
    """The folder of this host's leases, made where it is missing.

    ``PERFGATE_LEASE_DIR``, or /var/lock/perfgate, or a folder below the temporary one where that
    cannot be written. Raises ConfigurationError where none can be used.
    """
    named = environ.get(DIR_VARIABLE)
    candidates = (
        [Path(named)] if named else [_SHARED_FOLDER, Path(tempfile.gettempdir()) / "perfgate-lease"]
    )
    for folder in candidates:
        if _usable(folder):
            return folder
    raise ConfigurationError(
        f"no folder for device leases can be written: {', '.join(map(str, candidates))}",
        fix=f"Set {DIR_VARIABLE} to a folder that every user of this host may write.",
    )


def inherited(environ: Mapping[str, str], *, ancestors: Collection[int]) -> dict[str, int]:
    """The leases that an enclosing job holds for this process, with that job's process id."""
    found = {}
    for entry in environ.get(HELD_VARIABLE, "").split(","):
        name, _, pid = entry.rpartition("@")
        if name and pid.isdecimal() and int(pid) in ancestors:
            found[name] = int(pid)
    return found


def read_note(path: Path) -> Note | None:
    """The note, or None where there is none that can be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as stream:
            return Note.model_validate_json(stream.read(_MAX_NOTE_BYTES))
    except (OSError, ValidationError):
        return None


@contextlib.contextmanager
def _holding(names: tuple[str, ...], stack: contextlib.ExitStack) -> Iterator[tuple[str, ...]]:
    with stack:
        yield names


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True)
        # Only what this process made: a link that lay there may lead anywhere.
        folder.chmod(0o1777)
    except FileExistsError:
        pass
    except OSError:
        return False
    return stat.S_ISDIR(os.lstat(folder).st_mode) and os.access(folder, os.W_OK | os.X_OK)


def _overwrite(path: Path, text: str) -> None:
    """Write in place: in a sticky folder nobody can replace another user's file."""
    flags = os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        handle = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
        os.fchmod(handle, 0o666)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)


def _forget(path: Path) -> None:
    # A note that stays is only read while somebody holds the lock, and then that one wrote its own.
    with contextlib.suppress(OSError):
        _overwrite(path, "")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"one of {', '.join(names)}"
