"""What `perfgate init` writes into a repository: plans it, and writes what is not there yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from perfgate.app.keeping.kept_files import write_whole
from perfgate.app.measuring.devices import Choice
from perfgate.app.measuring.trees import read_suite
from perfgate.app.starting.draft import Draft
from perfgate.app.starting.from_sglang import from_sglang
from perfgate.app.starting.looking import Found, look, read_machine
from perfgate.app.starting.owners import NEW, kept_paths, new_file, owner_lines, without_owner
from perfgate.app.starting.suite_text import from_benchmarks, suite_text
from perfgate.app.starting.workflows import (
    GATE,
    NAME,
    PUBLISH,
    gate_workflow,
    name_of,
    publish_workflow,
)
from perfgate.errors import ConfigurationError
from perfgate.github.owners import PLACES
from perfgate.sides.git import Git, open_repository
from perfgate.suite import Suite, parse_suite

Source = Callable[[Git], Draft]
SOURCES: Final[Mapping[str, Source]] = {"sglang": from_sglang}
"""What makes a draft of files that another tool left in a repository."""


@dataclass(frozen=True, kw_only=True)
class StartRequest:
    """What is asked for: ``source`` for a suite of other files, else ``command`` or what is found.

    ``repository`` is perfgate's own on GitHub, ``suite`` a path below the root.
    """

    suite: str
    repository: str
    command: str | None = None
    source: Source | None = None


@dataclass(frozen=True, kw_only=True)
class PlannedFile:
    """A file below the root; one that exists stays as it is."""

    path: str
    text: str
    exists: bool


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that is to be written, and what is known when it is.

    ``suite`` is what will count: the file that stands, else the new one; ``draft`` is None where
    one stands. ``unowned`` are lines that an existing CODEOWNERS, at ``owners_path``, lacks.
    """

    git: Git = field(repr=False)
    found: Found
    request: StartRequest
    suite: Suite
    draft: Draft | None
    files: tuple[PlannedFile, ...]
    owners_path: str
    unowned: tuple[str, ...] = ()

    @property
    def new(self) -> tuple[PlannedFile, ...]:
        return tuple(file for file in self.files if not file.exists)

    @property
    def is_of_other_files(self) -> bool:
        """Whether the new suite is made of another project's files."""
        return self.draft is not None and self.request.source is not None

    @property
    def is_without_benchmark(self) -> bool:
        """Whether the new suite's command is still a guess, which leaves no report."""
        guessed = self.draft is not None and not (self.request.source or self.request.command)
        return guessed and not any(script.reports for script in self.found.scripts)


def begin(
    start: Path, environ: Mapping[str, str], request: StartRequest, *, device: Choice
) -> Plan:
    """Look at the repository around ``start`` and at this machine, and plan.

    Raises ConfigurationError outside of a repository, for a suite's path that no workflow could
    name, and as :func:`plan` does; DeviceError for a device that is not there.
    """
    if not _can_be_called(request.suite):
        raise ConfigurationError(
            f"--suite {request.suite!r} is no place for a suite",
            fix="Name a file of its own by its path from the repository's root, as in "
            "perf/suite.yml, without a leading / or ./ and without ..",
        )
    try:
        git = open_repository(start, environ)
    except ConfigurationError as error:
        if "not a git repository" not in error.problem:
            raise
        raise ConfigurationError(
            f"{start} is in no git repository",
            fix="Run it in a clone, or make a repository first: git init.",
        ) from error
    kind, hardware_key = read_machine(device, environ)
    return plan(git, look(git, device=kind, hardware_key=hardware_key), request)


def _can_be_called(suite: str) -> bool:
    """Whether it is a file's path that a workflow can name, and not one of init's other files."""
    path = PurePosixPath(suite)
    return (
        suite.isprintable()
        and suite == str(path) != "."
        and not path.is_absolute()
        and not PureWindowsPath(suite).drive
        and not {"..", ".git"} & {*path.parts}
        and suite not in {GATE, PUBLISH, *PLACES}
    )


def plan(git: Git, found: Found, request: StartRequest) -> Plan:
    """What would be written. Raises ConfigurationError for a suite that stands and is wrong."""
    # Cases of other files are meant for the devices that these tell of, wherever this runs.
    on_device = found.device != "cpu" or request.source is not None
    draft, suite = None, None
    if os.path.lexists(git.root / request.suite):
        text, suite = "", read_suite(git, request.suite)
    else:
        draft = _draft(git, found, request)
        text = suite_text(draft, on_device=on_device, repository=request.repository)
        suite = parse_suite(text, source=f"the new {request.suite}")
    calls = {"repository": request.repository, "suite": request.suite}
    texts = {
        request.suite: text,
        GATE: gate_workflow(**calls, on_device=on_device, device=found.device),
        PUBLISH: publish_workflow(**calls, gate=_name_of_gate(git.root / GATE)),
    }
    owners_path, unowned = _owners(git, suite, found.account)
    if kept_paths(suite) and not os.path.lexists(git.root / owners_path):
        texts[owners_path] = new_file(kept_paths(suite), found.account)
    files = tuple(
        PlannedFile(path=path, text=text, exists=os.path.lexists(git.root / path))
        for path, text in texts.items()
    )
    return Plan(
        git=git,
        found=found,
        request=request,
        suite=suite,
        draft=draft,
        files=files,
        owners_path=owners_path,
        unowned=unowned,
    )


def _draft(git: Git, found: Found, request: StartRequest) -> Draft:
    return request.source(git) if request.source else from_benchmarks(found, request.command)


def _name_of_gate(workflow: Path) -> str:
    try:
        return name_of(workflow.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return NAME


def _owners(git: Git, suite: Suite, account: str) -> tuple[str, tuple[str, ...]]:
    """Where CODEOWNERS is or is to be, and the lines that one which stands lacks."""
    path = next((place for place in PLACES if os.path.lexists(git.root / place)), None)
    if path is None:
        return NEW, ()
    try:
        text = (git.root / path).read_text(encoding="utf-8")
        lacking = without_owner(text, kept_paths(suite))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", fix="Mend it; GitHub asks nobody by such a file."
        ) from error
    return path, owner_lines(lacking, account)


def write(plan: Plan) -> None:
    """Write the new files, each whole; ConfigurationError for one that cannot be written.

    Where one would lead out of the repository none is written. A file that somebody else made in
    the meantime stays.
    """
    places = {plan.git.root / file.path: file for file in plan.new}
    for place, file in places.items():
        if not place.resolve().is_relative_to(plan.git.root):
            raise ConfigurationError(
                f"{file.path} leads out of the repository by a link",
                fix="GitHub reads the files themselves: put a folder there.",
            )
    for place, file in places.items():
        if not os.path.lexists(place):
            write_whole(place, file.text)
