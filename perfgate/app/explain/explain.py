"""``perfgate explain``: why the cases that a gate called slower are, told from captures.

Decides nothing and changes no verdict. A case that cannot be captured is named, and the rest goes
on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from perfgate import __version__
from perfgate.app.explain.captures import LEAST_CAPTURES, Capturer, Taken
from perfgate.app.measuring.edges import Edges
from perfgate.app.measuring.job import all_prove_imports, devices_wanted, frameworks_of
from perfgate.app.measuring.rig import Rig
from perfgate.app.measuring.selection import Change, Selection, select
from perfgate.app.measuring.trees import both_sides, head_tree, read_suite
from perfgate.backends.capturing import check_capture
from perfgate.backends.registry import BACKENDS
from perfgate.errors import BenchmarkError, ConfigurationError, PerfgateError
from perfgate.records import Decision, Side, Tree, Verdict
from perfgate.records.explained import ExplainedCase, Explanation
from perfgate.report.escape import one_line
from perfgate.sides.git import Git, open_repository
from perfgate.sides.resolve import Trigger, resolve_base
from perfgate.suite import Case, Suite, parse_suite
from perfgate.verdict.trace_calls import Capture
from perfgate.verdict.trace_compare import compare_captures

USUAL_CAPTURES = 7
_PROBLEM_CHARS = 900
_MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class ExplainRequest:
    """What to explain; ``suite`` is a path below the repository, ``folder`` a finished one.

    ``decision`` is the one in the folder, if there is one; without ``only`` it says which cases.
    ``captures`` are of each side, at least :data:`LEAST_CAPTURES`.
    """

    start: Path
    suite: str
    folder: Path
    decision: Decision | None = None
    base: str | None = None
    only: tuple[str, ...] = ()
    captures: int = USUAL_CAPTURES


def explain(request: ExplainRequest, edges: Edges) -> Explanation:
    """Capture base and head of every case that is asked for, and compare.

    Raises ConfigurationError where nothing says what to explain, BenchmarkError where a side's
    setup fails, DeviceError where no device comes free.
    """
    git = open_repository(request.start, edges.environ)
    base, head = _trees(git, request, edges)
    wanted = request.only or _slower(request.decision, base=base, head=head)
    base_suite, head_suite = _suites(git, request.suite, base.commit)
    change = Change(event=edges.event.name, labels=edges.event.labels, paths=())
    selection = select(base_suite, head_suite, change=change, only=wanted)
    problems = {one.case.id: why for one in selection.chosen if (why := _problem(one.case))}
    selection = replace(
        selection, chosen=tuple(one for one in selection.chosen if one.case.id not in problems)
    )
    explained = [_unexplained(case_id, why) for case_id, why in problems.items()]
    if selection.chosen:
        sides = (base, base_suite or head_suite), (head, head_suite)
        explained += _explained(git, request, edges, selection, *sides)
    return Explanation(perfgate=__version__, base=base, head=head, cases=tuple(explained))


def _trees(git: Git, request: ExplainRequest, edges: Edges) -> tuple[Tree, Tree]:
    """What was decided about, where a decision is at hand and nothing else is named."""
    event, decision = edges.event, request.decision
    named = request.base
    if named is None and not request.only and decision is not None and decision.base is not None:
        named = decision.base.commit
    trigger = Trigger(
        name=event.name, head_sha=event.head_sha, base_sha=event.base_sha, base_ref=event.base_ref
    )
    commit, found_by = resolve_base(git, trigger, base=named)
    return Tree(commit=commit, ref=found_by), head_tree(git)


def _slower(decision: Decision | None, *, base: Tree, head: Tree) -> tuple[str, ...]:
    """The cases that the decision calls slower."""
    if decision is None or decision.head is None or decision.base is None:
        raise ConfigurationError(
            "nothing says which case to explain: there is no decision of base and head",
            fix="Run `perfgate gate` before, give its --output-dir, or name a case with --case.",
        )
    decided = decision.base.commit, decision.head.commit, decision.head.content
    if decided != (base.commit, head.commit, head.content):
        raise ConfigurationError(
            f"the decision is about {decision.head.commit[:12]} against "
            f"{decision.base.commit[:12]}, and this tree has other files or another base",
            fix="Gate this tree before, or name a case with --case.",
        )
    slower = tuple(case.id for case in decision.cases if case.verdict is Verdict.REGRESSED)
    if not slower:
        raise ConfigurationError(
            "the decision calls no case slower: there is nothing to explain",
            fix="Name a case with --case to compare its captures all the same.",
        )
    return slower


def _suites(git: Git, path: str, base_commit: str) -> tuple[Suite | None, Suite]:
    at_base = git.file_at(base_commit, path)
    base = parse_suite(at_base, source=f"{path} at {base_commit[:12]}") if at_base else None
    return base, read_suite(git, path)


def _problem(case: Case) -> str:
    """Why a case cannot be captured here; empty where it can."""
    try:
        check_capture(case)
        BACKENDS[case.backend].check(case)
    except ConfigurationError as error:
        return f"{error.problem}. {error.fix}"
    return ""


def _explained(
    git: Git,
    request: ExplainRequest,
    edges: Edges,
    selection: Selection,
    base: tuple[Tree, Suite],
    head: tuple[Tree, Suite],
) -> list[ExplainedCase]:
    frameworks, prove = frameworks_of(selection), not all_prove_imports(selection)
    with (
        both_sides(git, edges, base=base, head=head, frameworks=frameworks, prove=prove) as sides,
        edges.machine.hold(devices_wanted(selection)) as held,
    ):
        capturer = Capturer(sides=sides, rig=Rig(edges=edges, held=held), folder=request.folder)
        cases, count = [one.case for one in selection.chosen], request.captures
        return [
            _explained_case(case, capturer, count=count, later=2 * count * (len(cases) - number))
            for number, case in enumerate(cases, start=1)
        ]


def _explained_case(case: Case, capturer: Capturer, *, count: int, later: int) -> ExplainedCase:
    try:
        taken = capturer.take(case, count=count, later=later)
    except (BenchmarkError, ConfigurationError) as error:
        return _unexplained(case.id, _told(error))
    few = [
        f"{len(captures)} of {side}"
        for side, captures in taken.captures.items()
        if len(captures) < LEAST_CAPTURES
    ]
    if few:
        why = f"only {' and '.join(few)} of at least {LEAST_CAPTURES} captures can be compared"
        return _unexplained(case.id, why, notes=taken.notes)
    return explained_case(case.id, taken)


def explained_case(case_id: str, taken: Taken) -> ExplainedCase:
    """What enough captures of both sides say."""
    base, head = taken.captures[Side.BASE], taken.captures[Side.HEAD]
    found = compare_captures(base, head)
    return ExplainedCase(
        id=case_id,
        captures=min(len(base), len(head)),
        clock="device" if any(one.uses_a_device for one in (*base, *head)) else "host",
        request_base_ms=median(one.request_us for one in base) / 1e3,
        request_head_ms=median(one.request_us for one in head) / 1e3,
        more_calls_ms=found.split.more_calls_us / 1e3,
        slower_calls_ms=found.split.slower_calls_us / 1e3,
        rows=found.rows,
        rows_left_out=found.rows_left_out,
        hidden=found.hidden,
        flops_base=taken.flops.get(Side.BASE),
        flops_head=taken.flops.get(Side.HEAD),
        memory_base_mb=_memory_mb(base),
        memory_head_mb=_memory_mb(head),
        notes=tuple(taken.notes),
    )


def _memory_mb(captures: Sequence[Capture]) -> dict[str, float]:
    places = sorted({place for one in captures for place in one.peak_bytes})
    return {
        place: median(one.peak_bytes.get(place, 0) for one in captures) / _MIB for place in places
    }


def _unexplained(case_id: str, why: str, *, notes: Sequence[str] = ()) -> ExplainedCase:
    return ExplainedCase(
        id=case_id, problem=one_line(why, limit=_PROBLEM_CHARS), notes=tuple(notes)
    )


def _told(error: PerfgateError) -> str:
    return f"{error.problem}. {error.fix}"
