"""``perfgate doctor``: says whether this machine is fit to measure on, and what to mend."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click

from perfgate.app.examining import doctor as use_case
from perfgate.app.measuring.devices import Choice
from perfgate.cli import options
from perfgate.cli.surroundings import default_cache, stdout_console
from perfgate.report.doctor import render_doctor

_EPILOG = """\b
Examples:
  perfgate doctor                  what `auto` would measure on
  perfgate doctor --device cuda    exit 3 where no GPU can be used
  perfgate doctor --json           one JSON document on standard output
"""


@click.command(epilog=_EPILOG)
@options.suite
@options.device
@options.cache_dir
@click.option("--json", "as_json", is_flag=True, help="Print the rows as one JSON document.")
def doctor(suite: str, device: Choice, cache_dir: Path | None, as_json: bool) -> int:
    """Look at device, host, project and runner: one row each, with what to do about it.

    Nothing is measured or changed. Exit code 3 when a row is bad, which makes measuring pointless;
    warnings do not fail.
    """
    environ = dict(os.environ)
    cache = cache_dir or default_cache(environ)
    start = Path.cwd()
    diagnosis, code = use_case.diagnose(
        use_case.Examination(
            start=start,
            suite=suite,
            device=device,
            environ=environ,
            folders=(start, Path(tempfile.gettempdir()), cache),
        )
    )
    if as_json:
        click.echo(diagnosis.model_dump_json(indent=1))
    else:
        render_doctor(diagnosis, stdout_console())
    return code
