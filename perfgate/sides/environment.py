"""Each side's own virtual environments, made by the suite's ``setup`` lines in that side's tree.

One is the side's, and each framework may have its own, since they seldom agree on what to install.

Kept between jobs under a name that hashes setup and lock files; ``setup`` runs again on every job,
since an editable install has to point at today's tree and a built one has to hold today's code.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from perfgate.errors import BenchmarkError, ConfigurationError
from perfgate.process import Finished
from perfgate.records import Side
from perfgate.sides.checkout import side_environment

LOCK_FILE_GLOBS = (
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "*requirements*.txt",
    "*constraints*.txt",
    "uv.lock",
    "poetry.lock",
    "pdm.lock",
    "environment*.yml",
)
_LOCK_WAIT_S = 600

RunSetup = Callable[..., Finished]


def environment_key(setup: str, tree: Path, *, name: str, repository: Path) -> str:
    """Name of the environment: whose it is, and a hash of setup, lock files and interpreter."""
    digest = hashlib.sha256()
    for part in (str(repository), setup, sys.version):
        digest.update(part.encode() + b"\0")
    for pattern in LOCK_FILE_GLOBS:
        for path in sorted(tree.glob(pattern)):
            if path.is_file():
                digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{name}-{digest.hexdigest()[:20]}"


@contextlib.contextmanager
def own_environment(
    setup: str | None,
    *,
    side: Side,
    tree: Path,
    repository: Path,
    cache: Path,
    environ: Mapping[str, str],
    timeout_s: float,
    run: RunSetup,
    framework: str = "",
) -> Iterator[tuple[Path, dict[str, str]]]:
    """Interpreter and process environment of a side, or of a framework there, held by this job.

    Without ``setup`` it is the environment that perfgate was started from. Raises BenchmarkError
    with the end of the log when ``setup`` fails or runs out of time.
    """
    if setup is None:
        python = Path(shutil.which("python3", path=environ.get("PATH")) or sys.executable)
        env = side_environment(environ, side=side, path=tree, python=python, own_env=None)
        yield python, env
        return
    name = f"{side.value}-{framework}" if framework else side.value
    key = environment_key(setup, tree, name=name, repository=repository)
    folder, whose = cache / "environments" / key, f"{framework} at {side}" if framework else side
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _held(folder):
        python = folder / "bin" / "python3"
        env = side_environment(environ, side=side, path=tree, python=python, own_env=folder)
        if not python.exists():
            # What the machine's image brings along (torch, say) is not installed a second time.
            make = (sys.executable, "-m", "venv", "--clear", "--system-site-packages", str(folder))
            _must_end_well(
                run(make, cwd=tree, env=env, timeout_s=timeout_s), whose, make, timeout_s
            )
        command = ("sh", "-c", setup)
        done = run(command, cwd=tree, env=env, timeout_s=timeout_s)
        try:
            _must_end_well(done, whose, (setup,), timeout_s)
        except BenchmarkError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        yield python, env


def _must_end_well(done: Finished, whose: str, command: tuple[str, ...], timeout_s: float) -> None:
    if not done.ok:
        raise BenchmarkError(
            f"setup of {whose} {done.told(timeout_s=timeout_s)}: {' '.join(command)}"
            f"\n{done.log_tail}",
            fix="Run the suite's setup by hand in that tree; the lines above are the end of its "
            "log. `timeout: {setup: …}` of a case allows it more time.",
        )


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    lock = FileLock(folder.with_suffix(".lock"), timeout=_LOCK_WAIT_S)
    try:
        lock.acquire()
    except Timeout as error:
        raise ConfigurationError(
            f"another job has held the environment {folder} for {_LOCK_WAIT_S} s",
            fix="Let it end, or give this job its own --cache-dir.",
        ) from error
    try:
        yield
    finally:
        lock.release()
