"""Runs a preset in this process and writes its report: ``python -m perfgate.workloads.diffusion``.

    --preset NAME --report PATH|--resident [--params JSON] [--requests N] [--threads N]
    [--commit HASH] [--device cpu|cuda[:I]|npu[:I]] [--sync stage|events]

A stable interface: perfgate starts it from other checkouts of itself (the base of a pull request)
through PYTHONPATH, so that neither these options nor the report may change their meaning. An
option may be added where its absence means what was done before.

One warm-up request is served first and not reported. The report is a list with one dump for each
measured request (:mod:`perfgate.profile.dump`). With ``--sync stage`` the device is waited for at
both ends of every stage and step, so that each has its own time exactly; with ``events`` the device
notes the times in its own queue, which never runs dry, and is waited for once. Every report says
which of the two made its times.

With ``--resident`` the process stays: it loads and warms up once, then reads standard input. Each
line is the path of a report: the measured requests are served, the report is written beside it and
put there whole, which is the answer, and the next line is waited for without using the CPU. The end
of input ends the process with status 0.

``PERFGATE_COUNT_FLOPS=1`` in the environment asks for one more request after the measured ones,
whose floating-point operations are counted and told in the last report as ``flops``; a resident
process counts once, before its first line, and tells it in every report.

The exit status is that of the error that ended it (2 for a wrong preset or parameter, 3 for a
device that is not there, 4 for a request that failed), whose text goes to standard error. A request
that failed leaves an incomplete dump.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from perfgate.errors import ConfigurationError, ExitCode, PerfgateError
from perfgate.profile.devices.loading import import_torch
from perfgate.profile.devices.opening import open_device
from perfgate.profile.dump import UNKNOWN_COMMIT
from perfgate.workloads.diffusion.config import PipelineConfig
from perfgate.workloads.diffusion.params import resolve
from perfgate.workloads.diffusion.presets import PRESETS

COUNT_FLOPS = "PERFGATE_COUNT_FLOPS"


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> ExitCode:
    """Parse, measure, write; errors that a user can mend are told without a traceback."""
    options = _parser().parse_args(arguments)
    try:
        config = resolve(options.preset, _params(options.params))
        report: Path | None = options.report
        if report is not None and not report.parent.is_dir():
            raise ConfigurationError(
                f"the folder of --report does not exist: {report.parent}", fix="Create it first."
            )
        _measure(config, options, report, flops=environ.get(COUNT_FLOPS) == "1")
    except PerfgateError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent reads it
        return error.exit_code
    return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m perfgate.workloads.diffusion",
        description="Serve requests of a diffusion pipeline and report their stages.",
        allow_abbrev=False,
    )
    parser.add_argument("--preset", required=True, help=" or ".join(PRESETS))
    parser.add_argument("--params", default="{}", help="a JSON object, such as '{\"steps\": 8}'")
    parser.add_argument("--requests", type=_count, default=1, help="measured requests")
    parser.add_argument("--threads", type=_count, default=1, help="torch's threads, both kinds")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, npu, or one of many: cuda:1")
    parser.add_argument("--sync", choices=("stage", "events"), default="stage", help="see above")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--report", type=Path, help="the JSON file to write")
    where.add_argument("--resident", action="store_true", help="serve for each line of input")
    parser.add_argument("--commit", default=UNKNOWN_COMMIT, help="the commit to name in the dumps")
    return parser


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def _params(text: str) -> Mapping[str, object]:
    try:
        params = json.loads(text)
    except json.JSONDecodeError as error:
        params = error
    if not isinstance(params, dict):
        raise ConfigurationError(
            f"--params is not a JSON object: {text}",
            fix='Write one such as \'{"steps": 8, "seed": 42}\'.',
        )
    return params


def _measure(
    config: PipelineConfig, options: argparse.Namespace, report: Path | None, *, flops: bool
) -> None:
    """Import torch only now, so that a wrong preset is told at once and without it."""
    import_torch()
    from perfgate.workloads.diffusion import serve  # noqa: PLC0415 - see above

    session = serve.Session(
        config=config,
        device=open_device(options.device),
        sync=options.sync,
        requests=options.requests,
        threads=options.threads,
        commit=options.commit,
        flops=flops,
    )
    if report is None:
        serve.stay(session, _lines(sys.stdin))
    else:
        serve.measure(session, report)


def _lines(stream: TextIO) -> Iterator[Path]:
    """The path on each line, as it comes."""
    for line in stream:
        yield Path(line.removesuffix("\n"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
