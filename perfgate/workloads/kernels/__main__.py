"""Measures kernels in this process and writes what it saw; run by ``start.py``.

    list    --report PATH [--file PATH]...
    compare --report PATH [--file PATH] --kernel NAME --shape TEXT [--variant NAME]...
            [--device cpu|cuda[:I]|npu[:I]] [--threads N] [--cache warm|cold] [--rounds N]
    launch  --report PATH [--file PATH] --kernel NAME --shape TEXT --variant NAME [--requests N]
            [--device …] [--threads N] [--cache …] [--rounds N]

``list`` tells what there is, ``compare`` times variants against their reference, ``launch`` is one
gated launch of one variant. A file that cannot be read is named among the problems of ``list``.

A stable interface: perfgate starts it from other checkouts of itself (the base of a pull request),
so that neither these options nor the reports may change their meaning.

The exit status is that of the error that ended it, whose text goes to standard error. A launch that
cannot be timed says why in its report, and ends with 0.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import perfgate
from perfgate.errors import ConfigurationError, ExitCode, PerfgateError
from perfgate.profile.devices.loading import import_torch
from perfgate.profile.devices.opening import open_device
from perfgate.profile.dump import write_dump
from perfgate.workloads.kernels.kernel import Kernel, Variant
from perfgate.workloads.kernels.shapes import parse_shape
from perfgate.workloads.kernels.timing import usual_plan
from perfgate.workloads.pipelines.failing import LaunchError, write_failure

if TYPE_CHECKING:
    from perfgate.profile.devices.device import Device
    from perfgate.workloads.kernels.run import Asked

USUAL_ROUNDS = 15
_One = TypeVar("_One")


def main(arguments: Sequence[str]) -> ExitCode:
    """Parse, measure, write; errors that a user can mend are told without a traceback."""
    options = _parser().parse_args(arguments)
    commands = {"list": _list, "compare": _compare, "launch": _launch}
    try:
        import_torch()
        commands[options.command](options)
    except PerfgateError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent reads it
        return error.exit_code
    return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m perfgate.workloads.kernels",
        description="Time kernels beside their reference.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", allow_abbrev=False)
    listing.add_argument("--file", type=Path, action="append", default=[])
    compare = commands.add_parser("compare", allow_abbrev=False)
    launch = commands.add_parser("launch", allow_abbrev=False)
    for command in (compare, launch):
        command.add_argument("--file", type=Path)
        command.add_argument("--kernel", required=True)
        command.add_argument("--shape", required=True)
        command.add_argument("--device", default="cpu")
        command.add_argument("--threads", type=_count, default=1)
        command.add_argument("--cache", choices=("warm", "cold"), default="warm")
        command.add_argument("--rounds", type=_count, default=USUAL_ROUNDS)
    compare.add_argument("--variant", action="append", default=[])
    launch.add_argument("--variant", required=True)
    launch.add_argument("--requests", type=_count, default=1)
    for command in (listing, compare, launch):
        command.add_argument("--report", type=Path, required=True)
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def _list(options: argparse.Namespace) -> None:
    """Every kernel as its file declares it."""
    from perfgate.workloads.kernels.load import BUILT_IN, load_kernels  # noqa: PLC0415 - torch

    found = [("", kernel) for kernel in BUILT_IN.values()]
    problems = []
    for path in options.file:
        try:
            found += [(str(path), kernel) for kernel in load_kernels(path)]
        except PerfgateError as error:
            problems.append(error.problem)
    listed = [_listed(kernel, file) for file, kernel in found]
    write_dump(options.report, {"kernels": listed, "problems": problems})


def _listed(kernel: Kernel, file: str) -> dict[str, Any]:
    return {
        "name": kernel.name,
        "file": file,
        "bound": kernel.bound,
        "reference": _listed_variant(kernel.reference),
        "variants": [_listed_variant(one) for one in kernel.variants],
        "shapes": [shape.name for shape in kernel.shapes],
        "hazards": [hazard.name for hazard in kernel.hazards],
    }


def _listed_variant(variant: Variant) -> dict[str, Any]:
    told = {"name": variant.name, "dialect": variant.dialect}
    return {**told, "mutates": sorted(variant.mutates)}


def _compare(options: argparse.Namespace) -> None:
    """The table of one kernel at one shape, and the build that it depends on."""
    from perfgate.workloads.kernels.run import table  # noqa: PLC0415 - torch

    device = _ready_device(options)
    asked = _asked(options, device, names=options.variant, with_reference=True)
    write_dump(options.report, {"table": table(asked, device), "build": _build(device)})


def _launch(options: argparse.Namespace) -> None:
    """One gated launch: a report for each measured request, or the failure in their place."""
    from perfgate.workloads.kernels.launch import launch  # noqa: PLC0415 - torch

    device = _ready_device(options)
    asked = _asked(options, device, names=[options.variant], with_reference=False)
    imported = {"perfgate": str(Path(perfgate.__file__).resolve())}
    if options.file is not None:
        imported[options.file.name] = str(options.file.resolve())
    told = {"imported": imported, "threads": options.threads, "device": device.kind}
    try:
        dumps = launch(
            asked,
            device,
            requests=options.requests,
            told_too={**told, "device_name": device.name()},
        )
    except LaunchError as failure:
        print(failure, file=sys.stderr)  # noqa: T201 - the log that the launch keeps
        write_failure(options.report, failure)
    else:
        write_dump(options.report, dumps)


def _asked(
    options: argparse.Namespace, device: Device, *, names: Sequence[str], with_reference: bool
) -> Asked:
    from perfgate.workloads.kernels.load import BUILT_IN, load_kernels  # noqa: PLC0415 - torch
    from perfgate.workloads.kernels.run import Asked  # noqa: PLC0415 - torch

    there = load_kernels(options.file) if options.file is not None else tuple(BUILT_IN.values())
    kernel = _named("kernel", options.kernel, {one.name: one for one in there})
    known = {one.name: one for one in (kernel.reference, *kernel.variants)}
    chosen = [_named("variant", name, known) for name in dict.fromkeys(names)]
    if with_reference:
        beside = [one for one in chosen if one is not kernel.reference]
        chosen = [kernel.reference, *(beside if names else kernel.variants)]
    return Asked(
        kernel=kernel,
        shape=parse_shape(options.shape, known=kernel.shapes),
        variants=tuple(chosen),
        cache=options.cache,
        plan=usual_plan(device, rounds=options.rounds),
    )


def _named(what: str, name: str, known: Mapping[str, _One]) -> _One:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    meant = f", did you mean {near[0]}?" if near else ""
    raise ConfigurationError(
        f"there is no {what} {name[:100]!r}{meant}", fix=f"Use one of {', '.join(known)}."
    )


def _ready_device(options: argparse.Namespace) -> Device:
    """The device, and torch set up for this process: its threads, and memory that it keeps."""
    import torch  # noqa: PLC0415 - import_torch has told of its absence

    from perfgate.workloads.allocator import keep_freed_memory  # noqa: PLC0415

    torch.set_num_threads(options.threads)
    torch.set_num_interop_threads(options.threads)
    torch.set_grad_enabled(False)
    keep_freed_memory()
    return open_device(options.device)


def _build(device: Device) -> str:
    from perfgate.workloads.software import build_of  # noqa: PLC0415 - torch

    return build_of(device, compiled=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
