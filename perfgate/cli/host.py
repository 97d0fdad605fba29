"""Runs the composite action's two steps: one measures and sees no token, one publishes.

What both do is perfgate.cli.action's; here is only what one step tells the other.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from perfgate.cli import action
from perfgate.errors import ExitCode

GATE_CODE: Final = "gate-code"
GATE_CODE_VARIABLE: Final = "PERFGATE_GATE_CODE"


def measure(environ: Mapping[str, str]) -> int:
    """Measure, and tell the next step the gate's code.

    Inputs that are wrong are told once: without a code there is no next step.
    """
    try:
        code = action.measure(environ)
    except KeyboardInterrupt:
        code = 128 + signal.SIGTERM
    with Path(environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as stream:
        stream.write(f"{GATE_CODE}={int(code)}\n")
    return code


def publish(environ: Mapping[str, str]) -> int:
    """Publish what the step before has left; its code was its own step's."""
    code = environ.get(GATE_CODE_VARIABLE, "")
    gate_code = int(code) if code.isdecimal() else ExitCode.BENCHMARK
    return action.publish(environ, gate_code=gate_code)


@click.command()
@click.argument("step", type=click.Choice(["measure", "publish"]))
def main(step: str) -> None:
    """Run one STEP of host/action.yml."""
    sys.exit(action.tidied(dict(os.environ), measure if step == "measure" else publish))


if __name__ == "__main__":
    main()
