"""Asks git, and turns its refusals into errors that say what to do. Decides nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perfgate.errors import ConfigurationError

_FETCH_TIMEOUT_S = 300
_OWNERSHIP_FIX = (
    "Run `git config --global --add safe.directory '*'` as the user that runs perfgate, "
    "or check the repository out as that user."
)


@dataclass(frozen=True, kw_only=True)
class Git:
    """git in one repository; every method is one or two git commands."""

    root: Path
    environ: Mapping[str, str] = field(repr=False)

    def __call__(self, *arguments: str, timeout_s: float = 60) -> str:
        """Standard output of ``git arguments``; ConfigurationError with git's own words."""
        finished = self._run(arguments, timeout_s=timeout_s)
        if finished.returncode != 0:
            said = finished.stderr.strip() or f"exit {finished.returncode}"
            fix = (
                _OWNERSHIP_FIX
                if "dubious ownership" in said
                else "See what git says; run the same command by hand to look closer."
            )
            raise ConfigurationError(f"git {' '.join(arguments)} failed: {said}", fix=fix)
        return finished.stdout

    def asks(self, *arguments: str) -> str | None:
        """Like calling, but None when git says no."""
        finished = self._run(arguments, timeout_s=60)
        return finished.stdout.strip() if finished.returncode == 0 else None

    def commit_of(self, ref: str) -> str | None:
        """The full commit id that ``ref`` names here, or None where it is not here."""
        return self.asks(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
        )

    def parents(self, commit: str) -> tuple[str, ...]:
        """Parent ids as the commit object says, which a shallow clone still knows."""
        header = self("cat-file", "commit", commit).split("\n\n", 1)[0]
        return tuple(
            line.removeprefix("parent ")
            for line in header.splitlines()
            if line.startswith("parent ")
        )

    def is_shallow(self) -> bool:
        return self.asks("rev-parse", "--is-shallow-repository") == "true"

    def is_dirty(self) -> bool:
        """True when tracked files differ from the commit, or untracked ones are not ignored."""
        return bool(self("status", "--porcelain").strip())

    def file_at(self, commit: str, path: str) -> str | None:
        """Text of a file in a commit, or None where the commit has no such file."""
        return self._text("show", f"{commit}:{path}")

    def texts_at(self, commit: str, paths: Sequence[str]) -> dict[str, str]:
        """Texts of those of ``paths`` that are files in a commit, by path, in one call of git."""
        lines = [path for path in paths if "\n" not in path]
        if not lines:
            return {}
        asked = "".join(f"{commit}:{path}\n" for path in lines).encode(errors="surrogateescape")
        finished = self._start(("cat-file", "--batch"), timeout_s=60, given=asked)
        if finished.returncode != 0:
            said = _read(finished.stderr).strip()
            raise ConfigurationError(f"git cat-file failed: {said}", fix="See what git says.")
        return dict(_answers(finished.stdout, lines))

    def files_below(self, commit: str, folder: str) -> tuple[str, ...]:
        """Paths of the files below a folder in a commit; none where the folder is missing."""
        listed = self("ls-tree", "-r", "-z", "--name-only", commit, "--", folder.rstrip("/") + "/")
        return tuple(name for name in listed.split("\0") if name)

    def changed_paths(self, base: str) -> tuple[str, ...]:
        """Paths in which the working tree differs from ``base``, untracked ones included."""
        tracked = self("diff", "--name-only", "-z", base, "--")
        untracked = self("ls-files", "--others", "--exclude-standard", "-z")
        return tuple(sorted({name for name in (tracked + untracked).split("\0") if name}))

    def all_paths(self) -> tuple[str, ...]:
        """Every tracked path."""
        return tuple(name for name in self("ls-files", "-z").split("\0") if name)

    def fetch(self, *arguments: str) -> None:
        """Fetch from origin; ConfigurationError where there is none or it refuses."""
        if self.asks("remote", "get-url", "origin") is None:
            raise ConfigurationError(
                "a commit that the comparison needs is not in this clone, and there is no remote "
                "origin to fetch it from",
                fix="Clone with more history (actions/checkout: fetch-depth: 2, or 0 for all), "
                "or name a commit that is here with --base.",
            )
        try:
            self("fetch", "--no-tags", "--quiet", *arguments, timeout_s=_FETCH_TIMEOUT_S)
        except ConfigurationError as error:
            raise ConfigurationError(
                error.problem,
                fix="Clone with more history (actions/checkout: fetch-depth: 2, or 0 for all), "
                "or keep its credentials (persist-credentials: true) so that perfgate can fetch.",
            ) from error

    def _text(self, *arguments: str) -> str | None:
        finished = self._run(arguments, timeout_s=60)
        return finished.stdout if finished.returncode == 0 else None

    def _run(
        self, arguments: tuple[str, ...], *, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        done = self._start(arguments, timeout_s=timeout_s)
        return subprocess.CompletedProcess(
            done.args, done.returncode, _read(done.stdout), _read(done.stderr)
        )

    def _start(
        self, arguments: tuple[str, ...], *, timeout_s: float, given: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        # Never prompt, since a job would hang; never refresh the index of a workspace that may
        # belong to somebody else.
        env = {
            **self.environ,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSH_COMMAND": self.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
            "GIT_OPTIONAL_LOCKS": "0",
            "LC_ALL": "C.UTF-8",
        }
        try:
            return subprocess.run(
                ("git", *arguments),
                cwd=self.root,
                env=env,
                capture_output=True,
                input=given,
                timeout=timeout_s,
                check=False,
            )
        except FileNotFoundError as error:
            raise ConfigurationError(
                f"git cannot be run in {self.root}", fix="Install git, and run inside a clone."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise ConfigurationError(
                f"git {' '.join(arguments)} did not end within {timeout_s:.0f} s",
                fix="Check the network of this runner, or fetch the commit in an earlier step.",
            ) from error


def _read(output: bytes) -> str:
    """What git wrote as text, with plain line ends."""
    return output.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")


def _answers(output: bytes, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The files among what ``cat-file --batch`` says of each path in turn."""
    place = 0
    for path in paths:
        end = output.index(b"\n", place)
        header = output[place:end].split(b" ")
        place = end + 1
        if header[-1] == b"missing" or len(header) != 3:
            continue
        size = int(header[2])
        if header[1] == b"blob":
            yield path, _read(output[place : place + size])
        place += size + 1


def open_repository(start: Path, environ: Mapping[str, str]) -> Git:
    """The repository that holds ``start``; ConfigurationError where there is none."""
    here = Git(root=start, environ=environ)
    top = here("rev-parse", "--show-toplevel").rstrip("\n")
    return Git(root=Path(os.path.realpath(top)), environ=environ)
