"""Every failure that a user can meet: a class is an exit code, a text says what to do next.

    PerfgateError
    ├── ConfigurationError  2  usage, suite file, refs, environment of a side
    ├── DeviceError         3  device missing or unfit
    ├── BenchmarkError      4  a benchmark failed, or nothing was measured
    ├── BaselineError       5  a baseline file cannot be trusted
    └── PublishError        6  GitHub did not take the result

Bugs are not in this tree: they keep their traceback.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the process tells its caller; docs/action.md lists them in this order of precedence."""

    OK = 0
    REGRESSED = 1
    CONFIGURATION = 2
    DEVICE = 3
    BENCHMARK = 4
    BASELINE = 5
    PUBLISH = 6
    UNDECIDED = 7


class PerfgateError(Exception):
    """A failure with its exit code, told as a problem and the step that mends it."""

    exit_code: ClassVar[ExitCode] = ExitCode.BENCHMARK

    def __init__(self, problem: str, *, fix: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.problem}\n  → {self.fix}"


class ConfigurationError(PerfgateError):
    """Usage, the suite file, a git ref or a side's environment is wrong."""

    exit_code = ExitCode.CONFIGURATION


class DeviceError(PerfgateError):
    """The device that was asked for is missing or unfit to measure on."""

    exit_code = ExitCode.DEVICE


class BenchmarkError(PerfgateError):
    """A benchmark could not be run, so that nothing can be decided."""

    exit_code = ExitCode.BENCHMARK


class BaselineError(PerfgateError):
    """A baseline contradicts itself or cannot be read."""

    exit_code = ExitCode.BASELINE


class PublishError(PerfgateError):
    """GitHub refused or could not be reached; the verdict stands all the same."""

    exit_code = ExitCode.PUBLISH
