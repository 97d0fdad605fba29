"""The command group, and the one place where a failure becomes a message and an exit code."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from perfgate import __version__
from perfgate.cli.lazy import LazyGroup
from perfgate.errors import ExitCode, PerfgateError

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES)
COMMANDS = {
    "init": ("perfgate.cli.init:init", "Start a project: suite, workflows, first figures."),
    "gate": ("perfgate.cli.gate:gate", "Measure base and head, decide, and say so."),
    "measure": ("perfgate.cli.measure:measure", "Measure this tree alone; write a record."),
    "compare": ("perfgate.cli.compare:compare", "Decide from files; measure nothing."),
    "publish": ("perfgate.cli.publish:publish", "Comment and summarise a finished folder."),
    "publish-run": (
        "perfgate.cli.publish_run:publish_run",
        "Publish what another workflow's run measured.",
    ),
    "answer": ("perfgate.cli.answer:answer", "Answer the commands in a pull request's comment."),
    "explain": ("perfgate.cli.explain:explain", "Say why a case is slower, by profiler."),
    "doctor": ("perfgate.cli.doctor:doctor", "Say whether this machine is fit to measure on."),
    "calibrate": ("perfgate.cli.calibrate:calibrate", "Say what this machine can decide."),
    "dashboard": ("perfgate.cli.dashboard:dashboard", "Show results over time as a page."),
    "compete": ("perfgate.cli.compete:compete", "Measure one request in several frameworks."),
    "bisect": ("perfgate.cli.bisect:bisect", "Find the commit that made a case slower."),
    "kernels": ("perfgate.cli.kernels:kernels", "Time kernels beside their reference."),
    "schema": ("perfgate.cli.schema:schema", "Print the JSON schemas of perfgate's files."),
    "plan": ("perfgate.cli.plan:plan", "Split a suite over several runners; tell what it costs."),
    "merge": ("perfgate.cli.merge:merge", "Decide once from what several runners measured."),
    "completion": (
        "perfgate.cli.completion:completion",
        "Print a script that completes this command line in a shell.",
    ),
    "history": ("perfgate.cli.history.group:history", "Keep results over time."),
    "baseline": ("perfgate.cli.baseline.group:baseline", "Keep the baselines that a gate reads."),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 fine · 1 slower, or output changed · 2 usage or configuration · "
    "3 device · 4 benchmark failed · 5 baseline invalid · 6 not published · 7 not decided.",
)
@click.version_option(__version__, prog_name="perfgate")
def cli() -> None:
    """perfgate tells whether a change made a diffusion benchmark slower."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    # Modules and records are large trees of small values that live to the end: looking through
    # them for garbage again and again takes a fifth of the time of deciding from files. Not
    # frozen at the end: DuckDB tells every value that the interpreter leaves behind.
    gc.set_threshold(200_000, 20, 20)
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; only bugs leave a traceback."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        result = cli.main(args=arguments, prog_name="perfgate", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # The reader (head, say) has what it wanted; nothing more may be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except (PerfgateError, KeyboardInterrupt, click.exceptions.Abort, OSError) as error:
        # Messages name what stands in files of a pull request, and runners read this stream.
        from perfgate.report.escape import message  # noqa: PLC0415 - help loads no room

        told, code = _told(error)
        click.echo(message(f"perfgate: {told}"), err=True)
        return code
    return result if isinstance(result, int) else ExitCode.OK


def _told(error: BaseException) -> tuple[str, int]:
    """What a failure tells the user, and its exit code; an unforeseen one is raised again."""
    if isinstance(error, PerfgateError):
        return str(error), error.exit_code
    if isinstance(error, OSError):
        if error.errno not in _DISK_ERRORS:
            raise error
        where = f" ({error.filename})" if error.filename else ""
        fix = "Make room there, or give a folder that can be written with --output-dir."
        return f"{error.strerror}{where}\n  → {fix}", ExitCode.CONFIGURATION
    # click turns an interrupt into an Abort, which no longer knows the signal.
    name = str(error.__cause__ or error) or "SIGINT"
    return f"stopped by {name}", stopped_by(name)


def stopped_by(name: str) -> int:
    """128 and the signal's number, as shells say it; SIGTERM's for one that is unknown here."""
    return 128 + signal.Signals.__members__.get(name, signal.SIGTERM)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - a handler
    # The same way out as Ctrl-C: children are ended, what was measured is kept.
    raise KeyboardInterrupt("SIGTERM")
