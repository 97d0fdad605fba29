"""Makes perfgate's own environment for the composite action, or finds the one that is there.

Run by the host's Python before perfgate is installed anywhere: the standard library alone. May not
write into the workspace or into a Python that is not its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Final

_EXTRAS: Final = "video,charts,history"  # as the image has them; torch is the project's affair
_INSTALLED: Final = ("pyproject.toml", "README.md", "constraints.txt", "perfgate")
_UNUSED_DAYS: Final = 30
# Where pip takes packages from is the machine's own setting; where it puts them is not.
_ELSEWHERE: Final = frozenset(
    {
        *("PIP_CONSTRAINT", "PIP_EDITABLE", "PIP_NO_DEPS", "PIP_PREFIX", "PIP_PYTHON"),
        *("PIP_REQUIREMENT", "PIP_ROOT", "PIP_TARGET", "PIP_USER", "VIRTUAL_ENV"),
    }
)


class EnvironmentProblemError(Exception):
    """Why there is no environment, with what to do about it."""


def main(environ: Mapping[str, str]) -> int:
    """Tell the environment's Python as the step's output ``python``; 2 where there can be none."""
    # A cancelled job leaves no half-made folder: the end comes as an exception.
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        action = Path(__file__).resolve().parent.parent
        python = environment(action, environ)
        with Path(environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as stream:
            stream.write(f"python={python}\n")
    except EnvironmentProblemError as problem:
        text = str(problem).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        print(f"::error title=perfgate::{text}", flush=True)  # noqa: T201 - a workflow command
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGTERM
    return 0


def environment(action: Path, environ: Mapping[str, str]) -> Path:
    """The Python of the environment for this content of the action, made where it is missing."""
    home = _home(environ)
    folder = home / _name(action)
    clean = _clean(environ)
    if _is_usable(folder, clean):
        _say(f"perfgate's environment is reused: {folder}")
    else:
        started = time.monotonic()
        with _work_folder(folder) as made:
            _fill(made, action, clean)
            _put(made, folder, clean)
        _say(f"perfgate's environment was made in {time.monotonic() - started:.0f} s: {folder}")
    os.utime(folder)
    _forget_unused(home)
    return _python(folder)


def _home(environ: Mapping[str, str]) -> Path:
    """Outside the workspace: kept between jobs where the runner keeps tools, else for this job."""
    workspace = Path(environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    for variable in ("RUNNER_TOOL_CACHE", "RUNNER_TEMP"):
        if not environ.get(variable):
            continue
        home = Path(environ[variable]).resolve() / "perfgate-environments"
        if home.is_relative_to(workspace):
            continue
        with contextlib.suppress(OSError):
            home.mkdir(parents=True, exist_ok=True)
            if os.access(home, os.R_OK | os.W_OK | os.X_OK):
                return home
    raise EnvironmentProblemError(
        "there is no folder for perfgate's own environment: neither RUNNER_TOOL_CACHE nor "
        "RUNNER_TEMP names one outside of the workspace that can be written\n"
        "  → Run this action in a job of a GitHub Actions runner."
    )


def _name(action: Path) -> str:
    """What is installed, by which Python and for whom: another one of them is another folder."""
    digest = hashlib.sha256()
    python = (sys.version, sys.base_prefix, platform.machine(), *platform.libc_ver())
    for part in (_EXTRAS, *python, str(os.geteuid())):
        digest.update(part.encode() + b"\0")
    for path in (*_files(action), Path(__file__)):
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return f"py{sys.version_info.major}.{sys.version_info.minor}-{digest.hexdigest()[:24]}"


def _files(action: Path) -> Iterator[Path]:
    for name in _INSTALLED:
        path = action / name
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (one for one in found if one.is_file() and "__pycache__" not in one.parts)


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _is_usable(folder: Path, clean: Mapping[str, str]) -> bool:
    """Whether perfgate answers there; a Python that it was made from may be gone by now."""
    try:
        if folder.stat().st_uid != os.geteuid():
            return False
        asked = (str(_python(folder)), "-I", "-B", "-m", "perfgate", "--version")
        done = subprocess.run(asked, env=clean, capture_output=True, timeout=120, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@contextlib.contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _fill(made: Path, action: Path, clean: Mapping[str, str]) -> None:
    python = str(_python(made))
    quiet = ("--quiet", "--no-input", "--disable-pip-version-check")
    constraints = ("--constraint", str(action / "constraints.txt"))
    what = f"{action}[{_EXTRAS}]"
    _must_work((sys.executable, "-I", "-m", "venv", str(made)), clean)
    _must_work((python, "-I", "-m", "pip", "install", *quiet, *constraints, what), clean)
    for script in (made / "bin").iterdir():
        # The others name the folder in which they were made, which is renamed next.
        if not script.name.startswith("python"):
            script.unlink()


def _must_work(command: tuple[str, ...], clean: Mapping[str, str]) -> None:
    done = subprocess.run(command, env=clean, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise EnvironmentProblemError(
            f"perfgate's own environment could not be made: `{command[3]}` ended with "
            f"{done.returncode}\n  → The lines above say why. The runner has to reach a package "
            "index: PIP_INDEX_URL and pip's configuration files name another one."
        )


def _put(made: Path, folder: Path, clean: Mapping[str, str]) -> None:
    """Give the finished folder its name in one step: no job ever sees a part of it."""
    try:
        made.rename(folder)
    except OSError:
        if _is_usable(folder, clean):  # another job was faster, and its folder is as good
            return
        with _work_folder(folder) as aside:
            folder.rename(aside / "broken")
        made.rename(folder)


def _forget_unused(home: Path) -> None:
    """Remove what no job has used for a month, half-made folders of killed jobs among it."""
    oldest = time.time() - _UNUSED_DAYS * 86_400
    for folder in home.iterdir():
        # Another job may remove it at the same time.
        with contextlib.suppress(OSError):
            found = folder.stat()
            if found.st_uid == os.geteuid() and found.st_mtime < oldest:
                shutil.rmtree(folder)


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """The job's environment without what would lend it another Python's modules or folders."""
    return {
        name: value
        for name, value in environ.items()
        if name not in _ELSEWHERE and not name.startswith(("PYTHON", "INPUT_", "ACTIONS_"))
    } | {"PIP_USER": "no", "PIP_REQUIRE_VIRTUALENV": "no"}


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the step's log


def _interrupted(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(os.environ))
