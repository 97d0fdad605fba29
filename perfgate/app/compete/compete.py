"""The nightly comparison: every case in every framework, in turns on one machine."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from perfgate import __version__
from perfgate.app.compete.cells import cells_of
from perfgate.app.compete.contest import (
    Compile,
    Contest,
    compiled,
    entries_of,
    only_cases,
    only_frameworks,
    with_variables,
)
from perfgate.app.compete.environments import set_up
from perfgate.app.compete.launcher import EntryLauncher
from perfgate.app.compete.plan import plan_lines
from perfgate.app.compete.rounds import Rounds, run_rounds
from perfgate.app.compete.sglang_config import MAX_CONFIG_BYTES, parse_config
from perfgate.app.measuring.budget import Budget
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.rig import Rig
from perfgate.app.measuring.selection import Change, select
from perfgate.app.measuring.trees import head_tree, read_suite
from perfgate.app.record import in_fresh_processes
from perfgate.backends.registry import BACKENDS
from perfgate.errors import BenchmarkError, ConfigurationError
from perfgate.github.event import Event, read_event
from perfgate.records import Fingerprint, Tree
from perfgate.records.results import FailureKind, JobRun, Results
from perfgate.sides.git import Git, open_repository
from perfgate.suite import Suite


@dataclass(frozen=True, kw_only=True)
class CompeteRequest:
    """What is to be compared; ``suite`` is a path below the repository.

    With ``config``, a file of sglang's, the cases come from there, and the suite, where there is
    one, only says how frameworks are set up. ``budget_min`` are device minutes, None is no bound.
    """

    start: Path
    suite: str
    config: Path | None = None
    only: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    repeats: int | None = None
    compile: Compile = "as-written"
    budget_min: float | None = None


@dataclass(frozen=True, kw_only=True)
class Competed:
    """What was measured; ``tasks`` as in :class:`Contest`, ``interrupted`` names a signal.

    ``planned`` is how many cells there should be, ``logs`` the ends of the logs of what failed.
    """

    results: Results
    tasks: Mapping[str, str]
    planned: int
    interrupted: str | None = None
    logs: tuple[tuple[str, str], ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a launch failed, or a cell that was planned has no number."""
        cells = self.results.cells
        return len(cells) < self.planned or any(cell.failures for cell in cells) or not cells

    @property
    def unfit_alone(self) -> bool:
        """Whether the device was unfit whenever some cell was measured."""
        return any(
            not cell.metrics and all(one.kind is FailureKind.UNFIT for one in cell.failures)
            for cell in self.results.cells
        )


def plan(request: CompeteRequest, environ: Mapping[str, str]) -> list[str]:
    """What would be launched, at what cost; nothing is started and no device is looked for.

    Raises ConfigurationError for a wrong suite or configuration.
    """
    event = read_event(environ, lambda path: Path(path).read_text(encoding="utf-8"))
    git = open_repository(request.start, environ)
    contest, _ = _contest(git, request, event)
    return _plan(contest, request)


def compete(request: CompeteRequest, edges: Edges) -> Competed:
    """Measure every cell; what fails is kept with its reason, and the rest goes on.

    Raises ConfigurationError for a wrong suite, BenchmarkError where nothing is to be measured,
    DeviceError where the devices are missing or do not come free.
    """
    git = open_repository(request.start, edges.environ)
    contest, suite = _contest(git, request, edges.event)
    suite = suite or Suite(version=1, cases=tuple(entry.case for entry in contest.entries))
    wanted = max((entry.case.devices for entry in contest.entries), default=1)
    head = head_tree(git)
    # A device that is missing is told before anything is set up for it.
    edges.machine.fingerprint(wanted)
    for line in _plan(contest, request):
        edges.progress.note(line)
    with contextlib.ExitStack() as stack:
        ready = set_up(stack, contest, suite, git, edges)
        held = stack.enter_context(edges.machine.hold(wanted))
        rounds = run_rounds(
            contest,
            broken=ready.broken,
            budget=Budget(limit_s=60 * (request.budget_min or math.inf)),
            launcher=EntryLauncher(
                tree=git.root,
                environments=ready.environments,
                rig=Rig(edges=edges, held=held),
            ),
            progress=edges.progress,
        )
        fingerprint = held.fingerprint()
    return Competed(
        results=_results(contest, rounds, edges, head=head, fingerprint=fingerprint),
        tasks=contest.tasks,
        planned=len(contest.cells),
        interrupted=rounds.interrupted,
        logs=(*ready.logs, *_logs(rounds)),
    )


def _contest(git: Git, request: CompeteRequest, event: Event) -> tuple[Contest, Suite | None]:
    """What is to be measured, and the suite that says how frameworks are set up, if there is one.

    Raises BenchmarkError where nothing is left that could be launched.
    """
    suite: Suite | None
    if request.config is None:
        suite = read_suite(git, request.suite)
        contest = _of_suite(git, suite, request, event)
    else:
        contest = only_cases(_of_config(request.config), request.only)
        beside = (git.root / request.suite).exists()
        suite = read_suite(git, request.suite) if beside else None
        contest = with_variables(contest, suite.frameworks if suite else {})
    contest = compiled(only_frameworks(contest, request.frameworks), request.compile)
    if not contest.entries:
        why = [*contest.notes, *(cell.failures[0].text for cell in contest.impossible)]
        raise BenchmarkError(
            f"nothing was measured: {'; '.join(dict.fromkeys(why)) or 'no case is left'}",
            fix="Select a case with --case, or leave `when:` of one so that this event fits.",
        )
    return replace(contest, repeats=request.repeats or contest.repeats), suite


def _of_suite(git: Git, suite: Suite, request: CompeteRequest, event: Event) -> Contest:
    change = Change(event=event.name, labels=event.labels, paths=git.all_paths())
    selection = in_fresh_processes(select(suite, suite, change=change, only=request.only))
    return Contest(
        entries=entries_of([one.case for one in selection.chosen]), notes=selection.notes
    )


def _of_config(path: Path) -> Contest:
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_CONFIG_BYTES + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error}", fix="Name a comparison_configs.json with --config."
        ) from error
    return parse_config(text, source=str(path))


def _plan(contest: Contest, request: CompeteRequest) -> list[str]:
    guesses = {
        entry.key: BACKENDS[entry.case.backend].expected_launch_s(entry.case)
        for entry in contest.entries
    }
    return plan_lines(contest, launch_s=guesses, budget_min=request.budget_min)


def _results(
    contest: Contest, rounds: Rounds, edges: Edges, *, head: Tree, fingerprint: Fingerprint
) -> Results:
    dirty = ("the working tree has changes that are not committed",) if head.dirty else ()
    return Results(
        perfgate=__version__,
        measured_at=datetime.fromisoformat(edges.now()),
        commit=head.commit,
        hardware_key=fingerprint.hardware_key,
        run=_run(edges.environ),
        cells=cells_of(contest, rounds.launches, rounds.failures),
        notes=(*contest.notes, *dirty, *rounds.notes),
    )


def _run(environ: Mapping[str, str]) -> JobRun:
    """Which attempt of which job this is, as GitHub tells it; empty elsewhere."""
    run_id = environ.get("GITHUB_RUN_ID", "")
    if not run_id:
        return JobRun()
    attempt = environ.get("GITHUB_RUN_ATTEMPT", "")
    server, repository = environ.get("GITHUB_SERVER_URL"), environ.get("GITHUB_REPOSITORY")
    return JobRun(
        id=run_id,
        attempt=int(attempt) if attempt.isdecimal() and int(attempt) > 0 else 1,
        name=environ.get("GITHUB_JOB", ""),
        url=f"{server}/{repository}/actions/runs/{run_id}" if server and repository else "",
    )


def _logs(rounds: Rounds) -> Iterator[tuple[str, str]]:
    """The end of the log of each cell's first launch that failed."""
    for key, launches in rounds.launches.items():
        failed = next((one for one in launches if not one.ok and one.log_tail), None)
        if failed is not None:
            yield key, failed.log_tail
