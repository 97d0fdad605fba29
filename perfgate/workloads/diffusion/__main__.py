"""Runs a preset in this process and writes its report: ``python -m perfgate.workloads.diffusion``.

    --preset NAME --report PATH [--params JSON] [--requests N] [--threads N] [--commit HASH]
    [--device cpu|cuda[:I]|npu[:I]] [--sync stage|events]

A stable interface: perfgate starts it from other checkouts of itself (the base of a pull request)
through PYTHONPATH, so that neither these options nor the report may change their meaning. An
option may be added where its absence means what was done before.

One warm-up request is served first and not reported. The report is a list with one dump for each
measured request (:mod:`perfgate.profile.dump`). With ``--sync stage`` the device is waited for at
both ends of every stage and step, so that each has its own time exactly; with ``events`` the device
notes the times in its own queue, which never runs dry, and is waited for once. Every report says
which of the two made its times.

``PERFGATE_COUNT_FLOPS=1`` in the environment asks for one more request after the measured ones,
whose floating-point operations are counted and told in the last report as ``flops``.

The exit status is that of the error that ended it (2 for a wrong preset or parameter, 3 for a
device that is not there, 4 for a request that failed), whose text goes to standard error. A request
that failed leaves an incomplete dump.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

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
        report: Path = options.report
        if not report.parent.is_dir():
            raise ConfigurationError(
                f"the folder of --report does not exist: {report.parent}", fix="Create it first."
            )
        _measure(config, options, flops=environ.get(COUNT_FLOPS) == "1")
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
    parser.add_argument("--report", type=Path, required=True, help="the JSON file to write")
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


def _measure(config: PipelineConfig, options: argparse.Namespace, *, flops: bool) -> None:
    """Import torch only now, so that a wrong preset is told at once and without it."""
    import_torch()
    from perfgate.workloads.diffusion.serve import Session, measure  # noqa: PLC0415 - see above

    measure(
        Session(
            config=config,
            device=open_device(options.device),
            sync=options.sync,
            requests=options.requests,
            threads=options.threads,
            commit=options.commit,
            report=options.report,
            flops=flops,
        )
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
