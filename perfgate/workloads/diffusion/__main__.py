"""Runs a preset in this process and writes its report: ``python -m perfgate.workloads.diffusion``.

    --preset NAME --report PATH [--params JSON] [--requests N] [--threads N] [--commit HASH]

A stable interface: perfgate starts it from other checkouts of itself (the base of a pull request)
through PYTHONPATH, so that neither these options nor the report may change their meaning. An
option may be added where its absence means what was done before.

One warm-up request is served first and not reported. The report is a list with one dump for each
measured request (:mod:`perfgate.profile.dump`). The exit status is that of the error that ended
it, 2 for a wrong preset or parameter, whose text goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perfgate.errors import ConfigurationError, ExitCode, PerfgateError
from perfgate.profile.dump import UNKNOWN_COMMIT, write_dump
from perfgate.workloads.diffusion.config import PipelineConfig
from perfgate.workloads.diffusion.presets import PRESETS, resolve


def main(arguments: Sequence[str]) -> ExitCode:
    """Parse, measure, write; errors that a user can mend are told without a traceback."""
    options = _parser().parse_args(arguments)
    try:
        config = resolve(options.preset, _params(options.params))
        report: Path = options.report
        if not report.parent.is_dir():
            raise ConfigurationError(
                f"the folder of --report does not exist: {report.parent}", fix="Create it first."
            )
        write_dump(report, _measure(config, options))
    except PerfgateError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent reads it
        return error.exit_code
    return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m perfgate.workloads.diffusion",
        description="Serve requests of a small diffusion pipeline and report their stages.",
        allow_abbrev=False,
    )
    parser.add_argument("--preset", required=True, help=" or ".join(PRESETS))
    parser.add_argument("--params", default="{}", help="a JSON object, such as '{\"steps\": 8}'")
    parser.add_argument("--requests", type=_count, default=1, help="measured requests")
    parser.add_argument("--threads", type=_count, default=1, help="torch's threads, both kinds")
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


def _measure(config: PipelineConfig, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Import torch only now, so that a wrong preset is told at once and without it."""
    try:
        from perfgate.workloads.diffusion.serve import measure  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ConfigurationError(
            f"torch is not installed for {sys.executable}, and the builtin workload needs it",
            fix="Install torch in that environment, such as with pip install 'perfgate[torch]'.",
        ) from error
    return measure(
        config, requests=options.requests, threads=options.threads, commit=options.commit
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
