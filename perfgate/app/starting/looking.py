"""Looks at a repository and a machine for what a suite can be made of. Changes nothing."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Final

from perfgate.app.measuring.devices import Choice, find_devices
from perfgate.backends.command import REPORT_VARIABLE
from perfgate.profile.devices.device import DeviceKind
from perfgate.profile.fingerprint import fingerprint_of
from perfgate.sides.git import Git

_MOST_SCRIPTS: Final = 20
_LOOKS_LIKE_A_BENCHMARK: Final = (
    *("bench*.py", "*_bench.py", "*_benchmark.py"),
    *("bench*.sh", "*_bench.sh", "*_benchmark.sh"),
)
# A person's own settings may colour paths, and forbid the two of submodules and untracked files.
_REPORTING: Final = (
    *("grep", "-lzI", "--no-color", "--no-recurse-submodules", "--untracked"),
    *("-e", REPORT_VARIABLE, "--", "*.py", "*.sh"),
)
_SGLANG: Final = ("*perf_baselines*.json", "*comparison_configs.json")
_TESTS: Final = frozenset({"test", "tests", "testing"})
_ACCOUNT: Final = re.compile(
    r"(?:(?:https|ssh|git)://[^/]+/|[^/@]+@[^/:]+:/?)"
    r"([A-Za-z0-9][A-Za-z0-9_-]{0,99})/[A-Za-z0-9._-]{1,100}/?"
)


@dataclass(frozen=True, kw_only=True)
class Script:
    """A file that may be a benchmark.

    ``reports`` says that it names $PERFGATE_REPORT, ``is_tracked`` that git has it.
    """

    path: str
    command: str
    reports: bool
    is_tracked: bool = True


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is here. ``setup`` is the line that installs the project, ``sglang`` its files' paths.

    ``account`` is the owner of the repository that ``origin`` names; empty where there is none.
    """

    device: DeviceKind
    hardware_key: str
    scripts: tuple[Script, ...] = ()
    setup: str = ""
    sglang: tuple[str, ...] = ()
    account: str = ""
    has_commit: bool = True


def read_machine(choice: Choice, environ: Mapping[str, str]) -> tuple[DeviceKind, str]:
    """The kind of device that a job on ``choice`` would measure on, and the hardware key.

    Raises DeviceError for a device that is not there.
    """
    devices = find_devices(choice, environ)
    first = tuple(device.index for device in devices.first(1))
    return devices.kind, fingerprint_of(devices.kind, visible=first, environ=environ).hardware_key


def look(git: Git, *, device: DeviceKind, hardware_key: str) -> Found:
    """Read the files that git has or would take; ignored ones are no part of a project."""
    tracked = frozenset(git.all_paths())
    others = git("ls-files", "-z", "--others", "--exclude-standard").split("\0")
    paths = sorted(path for path in tracked | {*others} if path and (git.root / path).is_file())
    return Found(
        device=device,
        hardware_key=hardware_key,
        scripts=_scripts(git, paths, tracked),
        setup=_setup(git.root),
        sglang=tuple(path for path in paths if _matches(path, _SGLANG)),
        account=_account(git),
        has_commit=git.commit_of("HEAD") is not None,
    )


def _scripts(git: Git, paths: Sequence[str], tracked: Collection[str]) -> tuple[Script, ...]:
    """Those that leave a report, else the one whose name says most and lies least deep."""
    said = git.asks(*_REPORTING) or ""
    # Of a name that is no UTF-8 git's answer cannot be read as a path, nor opened.
    reporting = sorted(
        {*said.split("\0")}.intersection(path for path in paths if not _is_test(path))
    )
    if reporting:
        chosen = reporting[:_MOST_SCRIPTS]
    else:
        named = [
            path
            for path in paths
            if _matches(PurePosixPath(path).name, _LOOKS_LIKE_A_BENCHMARK) and not _is_test(path)
        ]
        chosen = sorted(named, key=lambda path: (path.count("/"), len(path), path))[:1]
    return tuple(
        Script(
            path=path,
            command=f"{_program(git.root / path)} {_in_a_shell(path)}",
            reports=bool(reporting),
            is_tracked=path in tracked,
        )
        for path in chosen
    )


def _program(script: Path) -> str:
    if script.suffix == ".py":
        return "python3"
    try:
        with script.open("rb") as stream:
            return "bash" if b"bash" in stream.readline(200) else "sh"
    except OSError:  # a file that this user may not read
        return "sh"


def _in_a_shell(path: str) -> str:
    # A name that begins with a hyphen would be read as an option.
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def _is_test(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(_TESTS & set(parts[:-1])) or parts[-1].startswith(("test_", "conftest"))


def _matches(path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def _setup(root: Path) -> str:
    if _is_package(root):
        return "pip install -e ."
    return "pip install -r requirements.txt" if (root / "requirements.txt").is_file() else ""


def _is_package(root: Path) -> bool:
    """Whether pip can install this tree; a pyproject.toml may only hold settings of tools."""
    try:
        told = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        told = {}
    return "project" in told or "build-system" in told or (root / "setup.py").is_file()


def _account(git: Git) -> str:
    url = git.asks("remote", "get-url", "origin") or ""
    match = _ACCOUNT.fullmatch(url)
    return match[1] if match else ""
