"""Runs one launch: what it is told comes in as JSON, its report or its failure is written.

Imports torch and diffusers late, so that their absence is told in words.
"""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from pathlib import Path

from perfgate.errors import ConfigurationError, DeviceError
from perfgate.profile.devices.device import Device
from perfgate.profile.devices.loading import import_torch
from perfgate.profile.devices.opening import open_device
from perfgate.profile.dump import write_dump
from perfgate.profile.recorder import StageRecorder
from perfgate.workloads.pipelines.failing import (
    MISSING,
    UNFIT,
    LaunchError,
    one_line,
    write_failure,
)
from perfgate.workloads.pipelines.patience import Patience, end_process
from perfgate.workloads.pipelines.spec import Spec
from perfgate.workloads.tracing import TRACE_VARIABLE, trace_requests


def run(told: str) -> int:
    """Measure as ``told``; returns the exit status, 0 also for a failure that the report names."""
    spec = Spec.from_json(told)
    patience = Patience(end_process(spec.report))
    try:
        with patience.at_most(spec.limits.load_s, busy="importing torch and diffusers", key="load"):
            _import_framework()
            device = _opened(spec.device)
        # It imports torch and diffusers itself, which are known to be there now.
        from perfgate.workloads.pipelines.serve import measure  # noqa: PLC0415

        if TRACE_VARIABLE in os.environ:
            # A compiled pipeline serves one request more before the measured ones.
            trace = Path(os.environ[TRACE_VARIABLE])
            trace_requests(StageRecorder, trace, measured=1 + spec.compile)
        write_dump(spec.report, measure(spec, device, patience))
    except LaunchError as failure:
        if failure.__cause__ is not None:
            traceback.print_exception(failure.__cause__)
        print(failure, file=sys.stderr)  # noqa: T201 - the log that the launch keeps
        write_failure(spec.report, failure)
    return 0


def _import_framework() -> None:
    try:
        import_torch()
    except ConfigurationError as error:
        if not isinstance(error.__cause__, ModuleNotFoundError):
            raise LaunchError(MISSING, str(error)) from error
        # This is not perfgate's environment, whose extra the error speaks of.
        raise LaunchError(MISSING, _not_installed("torch")) from error
    except DeviceError as error:
        raise LaunchError(UNFIT, str(error)) from error
    try:
        import_module("diffusers").DiffusionPipeline  # noqa: B018 - it is loaded when looked up
    except ModuleNotFoundError as error:
        if error.name == "diffusers":
            raise LaunchError(MISSING, _not_installed("diffusers")) from error
        raise LaunchError(MISSING, f"diffusers lacks what it needs: {error}") from error
    except (ImportError, RuntimeError, OSError) as error:
        text = f"diffusers is installed but cannot be loaded: {one_line(error)}"
        raise LaunchError(MISSING, text) from error


def _not_installed(package: str) -> str:
    where = f"{package} is not installed in {sys.prefix}"
    return f"{where}: add it to frameworks.diffusers.setup, or to setup"


def _opened(wanted: str) -> Device:
    try:
        return open_device(wanted)
    except DeviceError as error:
        raise LaunchError(UNFIT, str(error)) from error
