"""Reads environment, clock, machine and terminal once, and hands them on as values."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from perfgate.errors import ConfigurationError

if TYPE_CHECKING:  # commands that only read need no machine, and have to answer at once
    from perfgate.app.measuring.devices import Choice
    from perfgate.app.measuring.edges import Edges


@contextlib.contextmanager
def surroundings(*, cache: Path | None, device: Choice, lease_timeout_s: float) -> Iterator[Edges]:
    """Everything that a use case needs from outside, for as long as the command runs."""
    from perfgate.app.measuring.edges import real_edges  # noqa: PLC0415 - see above
    from perfgate.cli.progress import console_progress  # noqa: PLC0415

    _refuse_where_nothing_can_be_measured(sys.platform)
    environ = dict(os.environ)
    with (
        tempfile.TemporaryDirectory(prefix="perfgate-", ignore_cleanup_errors=True) as scratch,
        console_progress(stderr_console()) as progress,
    ):
        yield real_edges(
            environ=environ,
            now=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"),
            progress=progress,
            scratch=Path(scratch).resolve(),
            cache=cache or default_cache(environ),
            device=device,
            lease_timeout_s=lease_timeout_s,
        )


def _refuse_where_nothing_can_be_measured(platform: str) -> None:
    if platform == "win32":
        raise ConfigurationError(
            "perfgate does not measure on Windows: its launches, leases and clocks are POSIX's",
            fix="Measure on Linux, WSL included; compare, publish, schema, history and baseline "
            "check read files anywhere.",
        )


def default_cache(environ: dict[str, str]) -> Path:
    """Where sides' environments are kept between jobs, as the XDG base directories say."""
    home = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "perfgate"


def stdout_console() -> Console:
    """For results: colour on a terminal alone, and a width that CI logs do not wrap."""
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def stderr_console() -> Console:
    """For progress: bars where somebody watches, which FORCE_COLOR does not mean."""
    watched = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    width = None if sys.stderr.isatty() else 120
    return Console(stderr=True, width=width, highlight=False, force_interactive=watched)
