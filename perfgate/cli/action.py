"""Runs the Docker action: the plan of perfgate.action line by line, then tidies up.

The container is root, its workspace belongs to the runner's user, and the code that is measured
comes from a pull request. Hence: that code sees no token and none of the runner's files, what it
prints cannot be a workflow command, and no file stays behind that the user cannot remove.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

import click

from perfgate.action import Plan, plan
from perfgate.app.publish_edges import tell_runner
from perfgate.errors import ConfigurationError, ExitCode

# The runner hands the job's whole environment on: paths of its own machine (setup-python sets some)
# mean nothing in here, https://github.com/py-cov-action/python-coverage-comment-action/issues/610.
_OF_THE_HOST = ("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME", "PYTHONPATH", "pythonLocation")
_MEASURED = (ExitCode.OK, ExitCode.REGRESSED, ExitCode.UNDECIDED)
"""Codes of a gate that came to its end; another one may have left a part of a record."""
_SECRET_PREFIXES = ("INPUT_", "ACTIONS_")
_SECRET = frozenset(
    {
        "GITHUB_TOKEN",
        "GH_TOKEN",
        "GITHUB_ENV",
        "GITHUB_OUTPUT",
        "GITHUB_PATH",
        "GITHUB_STATE",
        "GITHUB_STEP_SUMMARY",
    }
)


def main(environ: Mapping[str, str]) -> int:
    """Run the action and return the step's exit code."""
    # The step's own processes end at once on Ctrl-C or a cancelled job; the tidying still happens.
    signal.signal(signal.SIGTERM, _interrupted)
    started = time.time()
    try:
        return _run(environ)
    except ConfigurationError as error:
        tell_runner("error", str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGTERM
    finally:
        for folder in (environ.get("GITHUB_WORKSPACE"), environ.get("HOME")):
            if folder:
                give_to_owner(Path(folder), since=started)


def _run(environ: Mapping[str, str]) -> int:
    planned = plan(environ)
    workspace = Path(environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    folder = (workspace / planned.working_directory).resolve()
    if not folder.is_dir() or not folder.is_relative_to(workspace):
        raise ConfigurationError(
            f"working-directory: {planned.working_directory!r} is no folder of the workspace",
            fix="Name a folder that the job checked out, and put a checkout step before this one.",
        )
    gate_code = _gate(planned, environ, folder) if planned.gate else ExitCode.OK
    publishing = _for_publishing(environ, planned.token)
    publish_code = _call(planned.publish, publishing, folder)
    propose_code = (
        _call(planned.propose, publishing, folder)
        if planned.propose and _has_measured(gate_code, folder / planned.output_dir)
        else ExitCode.OK
    )
    return gate_code or publish_code or propose_code


def _gate(planned: Plan, environ: Mapping[str, str], folder: Path) -> int:
    # What an earlier step decided or measured must never be told as this one's.
    for name in ("decision.json", "record.json"):
        _forget(folder / planned.output_dir / name)
    # Until the random word comes again, the runner takes everything for plain text.
    word = secrets.token_hex(16)
    click.echo(f"::stop-commands::{word}")
    try:
        return _call(planned.gate or (), _for_measuring(environ), folder)
    finally:
        click.echo(f"::{word}::")


def _has_measured(code: int, output: Path) -> bool:
    return code in _MEASURED and (output / "record.json").is_file()


def _forget(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"output-dir: {file} is in the way and cannot be removed: {error.strerror}",
            fix="Name a folder that the repository does not hold.",
        ) from error


def _call(line: Sequence[str], environ: Mapping[str, str], folder: Path) -> int:
    """Run one command line of perfgate; passes an interruption on and waits for its end."""
    # -P: the folder belongs to the pull request and must not lend modules to perfgate itself.
    command = [sys.executable, "-P", "-m", "perfgate", *line]
    with subprocess.Popen(command, cwd=folder, env=dict(environ)) as child:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            child.send_signal(signal.SIGTERM)
            code = child.wait()
    return code if code >= 0 else 128 - code


def _for_measuring(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in _clean(environ).items()
        if name not in _SECRET and not name.startswith(_SECRET_PREFIXES)
    }


def _for_publishing(environ: Mapping[str, str], token: str) -> dict[str, str]:
    return {**_clean(environ), "GITHUB_TOKEN": token or environ.get("GITHUB_TOKEN", "")}


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name not in _OF_THE_HOST}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}


def give_to_owner(root: Path, *, since: float) -> None:
    """Give what root made below ``root`` since then to the owner of ``root`` itself.

    Never follows a link: what is below belongs to a pull request's code.
    """
    try:
        owner = root.stat()
    except OSError:
        return
    if owner.st_uid == 0 or os.geteuid() != 0:
        return
    for _, folders, files, handle in os.fwalk(root, follow_symlinks=False):
        for name in (*folders, *files):
            # A process that outlived the gate may still remove files: those need no owner.
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=handle, follow_symlinks=False)
                # A change time may lie a clock tick before the time of day at our start.
                if found.st_uid == 0 and found.st_ctime >= since - 1:
                    os.chown(name, owner.st_uid, owner.st_gid, dir_fd=handle, follow_symlinks=False)


def _interrupted(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler
    raise KeyboardInterrupt
