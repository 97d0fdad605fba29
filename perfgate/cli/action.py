"""Runs the actions: the plan of perfgate.action line by line, then tidies up.

A container is root, its workspace belongs to the runner's user, and the code that is measured
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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

import click

from perfgate.action import Plan, plan
from perfgate.app.publishing.edges import tell_runner
from perfgate.errors import ConfigurationError, ExitCode
from perfgate.report.escape import plain

# The runner hands the job's whole environment on to a container: paths of its own machine, some of
# which setup-python sets, mean nothing in there.
# https://github.com/py-cov-action/python-coverage-comment-action/issues/610
_OF_THE_HOST = ("LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONHOME", "PYTHONPATH", "pythonLocation")
_MEASURED = (ExitCode.OK, ExitCode.REGRESSED, ExitCode.UNDECIDED)
"""Codes of a gate that came to its end; another one may have left a part of a record."""
_NOT_REMEMBERED = (
    "What was measured is not in the history: the log above says why. The verdict stands. The "
    "record is in the job's folder, and perfgate history add takes it later. A branch needs a "
    "token with contents: write."
)
_NOT_EXPLAINED = (
    "Why it is slower could not be told: the log above says why. The verdict stands, and "
    "perfgate explain --case tries again on a machine of your own."
)
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


def in_container(environ: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The job's environment without what is true on the container's host alone.

    ``own`` is what the image itself said of the same before the host's values replaced it.
    """
    given = {name: value for name, value in environ.items() if name not in _OF_THE_HOST}
    return {**given, **{name: own[name] for name in _OF_THE_HOST if name in own}}


def main(environ: Mapping[str, str]) -> int:
    """Run the whole action and return the step's exit code."""
    return tidied(environ, _whole)


def only_publish(environ: Mapping[str, str]) -> int:
    """Run the action of the door that never measures; returns the step's exit code."""
    return tidied(environ, _without_measuring)


def tidied(environ: Mapping[str, str], part: Callable[[Mapping[str, str]], int]) -> int:
    """Run a part of the action and tidy up after it; returns the step's exit code."""
    # The step's own processes end at once on Ctrl-C or a cancelled job; the tidying still happens.
    signal.signal(signal.SIGTERM, _interrupted)
    started = time.time()
    try:
        return part(environ)
    except ConfigurationError as error:
        tell_runner("error", str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGTERM
    finally:
        for folder in (environ.get("GITHUB_WORKSPACE"), environ.get("HOME")):
            if folder:
                give_to_owner(Path(folder), since=started)


def _whole(environ: Mapping[str, str]) -> int:
    gate_code = measure(environ)
    publish_code = publish(environ, gate_code=gate_code)
    return gate_code or publish_code


def _without_measuring(environ: Mapping[str, str]) -> int:
    planned = plan(environ, _read, may_measure=False)
    click.echo(plain(planned.why))
    return _publish(planned, environ, gate_code=ExitCode.OK)


def measure(environ: Mapping[str, str]) -> int:
    """The part that runs a pull request's code, and needs no token; returns the gate's code."""
    planned = plan(environ, _read)
    click.echo(plain(planned.why))
    folder = _working_directory(planned, environ)
    code = _gate(planned, environ, folder) if planned.gate else ExitCode.OK
    asked = planned.explain if code == ExitCode.REGRESSED else None
    if asked and _of_the_change(asked, environ, folder) != ExitCode.OK:
        tell_runner("warning", _NOT_EXPLAINED)
    return code


def publish(environ: Mapping[str, str], *, gate_code: int) -> int:
    """The part that speaks to GitHub; returns 0, or the code of the first line that failed.

    That the history did not take the record is told, and is no code: the verdict stands.
    """
    return _publish(plan(environ, _read), environ, gate_code=gate_code)


def _publish(planned: Plan, environ: Mapping[str, str], *, gate_code: int) -> int:
    folder = _working_directory(planned, environ)
    publishing = _for_publishing(environ, planned.token)
    measured = _has_measured(gate_code, folder / planned.output_dir)
    tell_code = _call(planned.tell, publishing, folder) if planned.tell else ExitCode.OK
    propose_code = (
        _call(planned.propose, publishing, folder) if planned.propose and measured else ExitCode.OK
    )
    if planned.remember and measured and _call(planned.remember, publishing, folder):
        tell_runner("warning", _NOT_REMEMBERED)
    return tell_code or propose_code


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def _working_directory(planned: Plan, environ: Mapping[str, str]) -> Path:
    workspace = Path(environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    folder = (workspace / planned.working_directory).resolve()
    if not folder.is_dir() or not folder.is_relative_to(workspace):
        raise ConfigurationError(
            f"working-directory: {planned.working_directory!r} is no folder of the workspace",
            fix="Name a folder that the job checked out, and put a checkout step before this one.",
        )
    return folder


def _gate(planned: Plan, environ: Mapping[str, str], folder: Path) -> int:
    # What an earlier step decided or measured must never be told as this one's.
    for name in ("decision.json", "record.json", "explanation.json"):
        _forget(folder / planned.output_dir / name)
    return _of_the_change(planned.gate or (), environ, folder)


def _of_the_change(line: Sequence[str], environ: Mapping[str, str], folder: Path) -> int:
    """Run a line that starts a pull request's code: nothing it prints is a command."""
    # Until the random word comes again, the runner takes everything for plain text.
    word = secrets.token_hex(16)
    click.echo(f"::stop-commands::{word}")
    try:
        return _call(line, _for_measuring(environ), folder)
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
    # -I: neither the folder, which belongs to the pull request, nor what the job says about Python
    # to the code that is measured lends modules to perfgate itself. -B: and none is left behind.
    command = [sys.executable, "-I", "-B", "-u", "-m", "perfgate", *line]
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
        for name, value in environ.items()
        if name not in _SECRET and not name.startswith(_SECRET_PREFIXES)
    }


def _for_publishing(environ: Mapping[str, str], token: str) -> dict[str, str]:
    return {**environ, "GITHUB_TOKEN": token or environ.get("GITHUB_TOKEN", "")}


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
