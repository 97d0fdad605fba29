"""The suite file, ``perfgate.yml``, as frozen models: reports every problem at once, does no I/O.

Ratios become fractions, durations become the unit in their field's name.
"""

from __future__ import annotations

from perfgate.suite.case import OF_FRAMEWORKS, BackendName, Case, framework_backend
from perfgate.suite.frameworks import OF_VIDEOS, Framework, Request, Serve, Task
from perfgate.suite.kinds import Seconds
from perfgate.suite.model import Gate, SglangFiles, Suite
from perfgate.suite.read import parse_suite

__all__ = [
    "OF_FRAMEWORKS",
    "OF_VIDEOS",
    "BackendName",
    "Case",
    "Framework",
    "Gate",
    "Request",
    "Seconds",
    "Serve",
    "SglangFiles",
    "Suite",
    "Task",
    "framework_backend",
    "parse_suite",
]
