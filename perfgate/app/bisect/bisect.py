"""The use case: commits → trees → launches → the commit that made a case slower."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perfgate import __version__
from perfgate.app.bisect.bench import TreeBench
from perfgate.app.bisect.commits import commits_between
from perfgate.app.bisect.search import Search
from perfgate.app.bisect.state import keep_state, refuse_another
from perfgate.app.bisect.trees import trees
from perfgate.app.known import known_noise
from perfgate.app.measuring.budget import Budget
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.rig import Rig
from perfgate.app.measuring.selection import Chosen
from perfgate.app.measuring.trees import read_suite
from perfgate.backends.registry import BACKENDS
from perfgate.baselines.calibration import NAME as CALIBRATION
from perfgate.errors import ConfigurationError
from perfgate.records import Fingerprint, GatePolicy, Origin
from perfgate.records.bisected import Bisected, BisectState
from perfgate.sides.git import Git, open_repository
from perfgate.suite import Case, Suite
from perfgate.verdict.bisection_told import told
from perfgate.verdict.metrics import END_TO_END
from perfgate.verdict.wording import count


@dataclass(frozen=True, kw_only=True)
class Hunt:
    """What to look for; ``good`` and ``bad`` name commits, ``case`` may be the suite's only one."""

    good: str
    bad: str
    case: str | None = None
    metric: str = END_TO_END


@dataclass(frozen=True, kw_only=True)
class BisectRequest:
    """A new search, or an earlier one that goes on; ``suite`` is a path below the repository.

    ``state`` is the file that keeps every launch. ``budget_min`` are device minutes, None is no
    bound.
    """

    start: Path
    suite: str
    state: Path
    what: Hunt | BisectState
    budget_min: float | None = None


def bisect(request: BisectRequest, edges: Edges) -> Bisected:
    """Search until the commit is found, or the search has to end; what it measured is kept.

    The suite, its setup and the case are the working tree's, the same for all commits. Every launch
    is a fresh process. Raises ConfigurationError for a wrong suite or commit, or a search that
    cannot go on here, BenchmarkError where one of the two ends cannot be measured, DeviceError
    where the devices are missing or do not come free.
    """
    git = open_repository(request.start, edges.environ)
    suite = read_suite(git, request.suite)
    case = _case(suite, request.what.case)
    BACKENDS[case.backend].check(case)
    # A device that is missing is told before anything is set up for it.
    edges.machine.fingerprint(case.devices)
    with edges.machine.hold(case.devices) as held:
        state = _state(git, suite, case, request.what, edges, held.fingerprint())
        keep_state(request.state, state)
        good = state.commits[0].id
        edges.progress.note(_plan(state))
        with trees(git, suite, case, good=good, edges=edges) as made:
            search = Search(
                state=state,
                bench=TreeBench(case=case, trees=made, rig=Rig(edges=edges, held=held)),
                keep=lambda new: keep_state(request.state, new),
                progress=edges.progress,
                budget=Budget(limit_s=60 * (request.budget_min or math.inf)),
                timeout_s=case.launch_timeout_s(),
            )
            interrupted = _interrupted(search.run)
            found = told(search.state, why=search.why, interrupted=interrupted)
            if found.outcome == "stopped":
                edges.progress.note(f"the work trees stay for --continue: {made.folder}")
            else:
                made.remove()
    return found


def _interrupted(run: Callable[[], None]) -> str | None:
    """Run; the signal that ended it, if one did."""
    try:
        run()
    except KeyboardInterrupt as signal:
        return str(signal) or "SIGINT"
    return None


def _case(suite: Suite, wanted: str | None) -> Case:
    """The case, in fresh processes: a server would hold the code of one commit."""
    known = {case.id: case for case in suite.cases}
    if wanted is None and len(known) > 1:
        raise ConfigurationError(
            "the suite has several cases, and a search is for one of them",
            fix=f"Choose one with --case: {', '.join(known)}.",
        )
    case = known.get(wanted) if wanted is not None else suite.cases[0]
    if case is None:
        raise ConfigurationError(
            f"no case is called {wanted}", fix=f"The suite has: {', '.join(known)}."
        )
    return case.model_copy(update={"launch": "fresh", "restart_every": None})


def _state(
    git: Git,
    suite: Suite,
    case: Case,
    what: Hunt | BisectState,
    edges: Edges,
    fingerprint: Fingerprint,
) -> BisectState:
    """The state to start from: nothing launched, or what an earlier part of the search has."""
    if isinstance(what, BisectState):
        refuse_another(what, workload_hash=case.workload_hash(), fingerprint=fingerprint)
        return what.model_copy(update={"continued": what.continued + 1})
    policy = suite.gate.policy()
    return BisectState(
        perfgate=__version__,
        created_at=edges.now(),
        case=case.id,
        workload_hash=case.workload_hash(),
        metric=what.metric,
        margin=policy.margin if what.metric == END_TO_END else policy.stage_margin,
        policy=policy,
        fingerprint=fingerprint,
        commits=commits_between(git, what.good, what.bad),
        history=_history(git, suite, case, policy, edges, fingerprint),
    )


def _history(
    git: Git,
    suite: Suite,
    case: Case,
    policy: GatePolicy,
    edges: Edges,
    fingerprint: Fingerprint,
) -> tuple[float, ...]:
    """The machine's noise as the checked-out commit keeps it; raises BaselineError."""
    if suite.state_folder is None:
        return ()
    path = f"{suite.state_folder.rstrip('/')}/{fingerprint.hardware_key}/{CALIBRATION}"
    text = git.file_at("HEAD", path)
    if text is None:
        return ()
    chosen = [Chosen(case=case, origin=Origin.NEW)]
    known = known_noise({path: text}, chosen, policy, fingerprint)
    for note in known.notes:
        edges.progress.note(note)
    return known.histories.get(case.id, ())


def _plan(state: BisectState) -> str:
    suspects = count(len(state.commits) - 1, "commit")
    first, last = state.commits[0].short, state.commits[-1].short
    spent = f", going on from {count(len(state.launches()), 'launch')}" if state.continued else ""
    return f"{state.case}: {suspects} after {first} until {last}{spent}"
