"""``perfgate kernels``: lists kernels, and times their variants beside the reference."""

from __future__ import annotations

from pathlib import Path

import click

from perfgate.app.kernels import measure as use_case
from perfgate.app.kernels.choosing import Wanted
from perfgate.app.measuring.devices import Choice, parse_choice
from perfgate.cli import options
from perfgate.cli.group import stopped_by
from perfgate.cli.surroundings import stdout_console, surroundings
from perfgate.errors import ExitCode
from perfgate.records.kernels import Cache, KernelResults
from perfgate.report.kernels import render_kernels, render_listing

_LIST_EPILOG = """\b
Examples:
  perfgate kernels list                          perfgate's own
  perfgate kernels list --file kernels/mine.py   with those of a file
  perfgate kernels list --json                   one JSON document
"""
_EPILOG = """\b
Examples:
  perfgate kernels list                                   what there is, and its shapes
  perfgate kernels run --kernel causal_conv1d_update      every variant at every shape
  perfgate kernels run --shape "B16 D4096 L1 float32"     one shape, or any of its letters
  perfgate kernels run --file kernels/mine.py --json      kernels of your own, one document
  perfgate kernels run --device cuda --cache cold         on a GPU, inputs out of its cache
"""

_file = click.option(
    "--file",
    "files",
    type=click.Path(path_type=Path, dir_okay=False),
    multiple=True,
    help="A file that declares kernels of your own; repeatable.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document alone.")


@click.group(epilog=_EPILOG)
def kernels() -> None:
    """Time kernels beside their reference, and look for what makes fast ones wrong."""


@kernels.command("list", epilog=_LIST_EPILOG)
@_file
@_json
def list_(files: tuple[Path, ...], *, as_json: bool) -> int:
    """Show the kernels, their variants, hazards and shapes. Nothing is measured.

    Exit code 4 when a kernel file could not be read.
    """
    nowhere = parse_choice("cpu")
    with surroundings(cache=None, device=nowhere, lease_timeout_s=0.0) as edges:
        listing = use_case.list_kernels(_absolute(files), Path.cwd(), edges)
    if as_json:
        click.echo(listing.model_dump_json(indent=1))
    else:
        render_listing(listing, stdout_console())
    return ExitCode.BENCHMARK if listing.problems else ExitCode.OK


@kernels.command("run", epilog=_EPILOG)
@click.option("--kernel", "names", metavar="NAME", multiple=True, help="Only this; repeatable.")
@click.option(
    "--variant",
    "variants",
    metavar="NAME",
    multiple=True,
    help="Only this, beside the reference; repeatable.",
)
@click.option(
    "--shape",
    "shapes",
    metavar="TEXT",
    multiple=True,
    help="A shape of the list, or other numbers for its letters; repeatable.",
)
@_file
@click.option(
    "--cache",
    type=click.Choice(("warm", "cold")),
    default="warm",
    show_default=True,
    help="cold: calls go through so many inputs that none is still in the last cache.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="CPU threads. More than one on a shared machine measures its scheduler.",
)
@click.option(
    "--rounds",
    type=click.IntRange(6, 1000),
    default=15,
    show_default=True,
    help="Rounds in which all variants take their turn.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=options.Duration(),
    default="30m",
    show_default=True,
    metavar="DURATION",
    help="For one kernel at one shape, compiling included.",
)
@_json
@options.device
@options.lease_timeout
def run(
    names: tuple[str, ...],
    variants: tuple[str, ...],
    shapes: tuple[str, ...],
    files: tuple[Path, ...],
    *,
    cache: Cache,
    threads: int,
    rounds: int,
    timeout_s: float,
    as_json: bool,
    device: Choice,
    lease_timeout_s: float,
) -> int:
    """Check every variant for hazards, then time those that show none, in interleaved rounds.

    Each kernel and shape is a process of its own, in the environment that perfgate was started
    from. A variant that is not there, is wrong or fails ends its own row alone, and a shape that
    does not fit is skipped.

    Exit code 4 when a variant shows a hazard or fails, a kernel file cannot be read, or nothing
    beside the references was timed; 3 when the device was unfit all along.
    """
    request = use_case.KernelsRequest(
        folder=Path.cwd(),
        files=_absolute(files),
        wanted=Wanted(kernels=names, variants=variants, shapes=shapes),
        cache=cache,
        threads=threads,
        rounds=rounds,
        timeout_s=timeout_s,
    )
    with surroundings(cache=None, device=device, lease_timeout_s=lease_timeout_s) as edges:
        results = use_case.measure_kernels(request, edges)
    if as_json:
        click.echo(results.model_dump_json(indent=1))
    else:
        render_kernels(results, stdout_console())
    return _exit_code(results)


def _absolute(files: tuple[Path, ...]) -> tuple[Path, ...]:
    return tuple(path.absolute() for path in files)


def _exit_code(results: KernelResults) -> int:
    if results.interrupted:
        return stopped_by(results.interrupted)
    if results.all_unfit:
        return ExitCode.DEVICE
    return ExitCode.BENCHMARK if results.failed else ExitCode.OK
