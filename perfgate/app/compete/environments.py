"""What each framework runs in, set up before anything is measured; a failure stops no other."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

from perfgate.app.compete.cells import a_failure
from perfgate.app.compete.contest import Contest, Entry
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.trees import environment_of, has_setup
from perfgate.backends.registry import BACKENDS
from perfgate.errors import ConfigurationError, PerfgateError
from perfgate.records import Side
from perfgate.records.results import Failure, FailureKind
from perfgate.sides.checkout import Environment
from perfgate.sides.git import Git
from perfgate.suite import Suite


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Environments by framework, and why entries cannot be launched, by their keys.

    ``logs`` has the end of the log of every setup that failed.
    """

    environments: Mapping[str, Environment]
    broken: Mapping[str, Failure]
    logs: tuple[tuple[str, str], ...] = ()


def set_up(
    stack: contextlib.ExitStack, contest: Contest, suite: Suite, git: Git, edges: Edges
) -> Ready:
    """Make the environment of every framework once, held until ``stack`` closes.

    A framework without a setup of its own runs in the environment of the suite.
    """
    made: dict[str, Environment] = {}
    failed: dict[str, PerfgateError] = {}
    environments: dict[str, Environment] = {}
    broken: dict[str, Failure] = {}
    for entry in contest.entries:
        own = entry.framework if has_setup(suite, entry.framework) else ""
        if own not in made and own not in failed:
            try:
                made[own] = stack.enter_context(
                    environment_of(
                        own, side=Side.HEAD, suite=suite, path=git.root, git=git, edges=edges
                    )
                )
            except PerfgateError as error:
                failed[own] = error
        if own in failed:
            first_line = failed[own].problem.partition("\n")[0]
            broken[entry.key] = a_failure(FailureKind.SETUP, first_line)
            continue
        environments[entry.framework] = made[own]
        if (wrong := _wrong(entry)) is not None:
            broken[entry.key] = wrong
    logs = tuple((f"setup of {name or 'the suite'}", one.problem) for name, one in failed.items())
    return Ready(environments=environments, broken=broken, logs=logs)


def _wrong(entry: Entry) -> Failure | None:
    """Why the backend cannot run the case here."""
    try:
        BACKENDS[entry.case.backend].check(entry.case)
    except ConfigurationError as error:
        return a_failure(FailureKind.UNKNOWN, error.problem)
    return None
