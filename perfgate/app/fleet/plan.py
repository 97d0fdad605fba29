"""Splits a comparison over runners: reads suites and baselines, and measures nothing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from statistics import median

from perfgate import __version__
from perfgate.app.comparison import Asked, Comparison, find_comparison
from perfgate.app.fleet.balance import balance, longest, lower_bound
from perfgate.app.measuring.job import refuse_no_case
from perfgate.app.measuring.plan import TYPICAL_PAIRS
from perfgate.app.measuring.selection import Chosen
from perfgate.backends.registry import BACKENDS
from perfgate.baselines.native import Baseline, parse_baseline
from perfgate.baselines.store import NO_BASELINES
from perfgate.errors import ConfigurationError
from perfgate.github.event import Event
from perfgate.records import CaseInPlan, FleetPlan, GatePolicy, Origin, Shard
from perfgate.verdict.against_baseline import launches_wanted

MOST_SHARDS = 256
"""Jobs that a matrix may make in a workflow run:
https://docs.github.com/en/actions/reference/limits"""
Labels = tuple[str, ...]
_NOT_IN_NAMES = re.compile(r"[^a-z0-9._-]+")
_MOST_NAME_CHARS = 50


@dataclass(frozen=True, kw_only=True)
class Runners:
    """How many runners may measure at once: ``usual`` of each kind but those of ``of``.

    ``default`` are the labels for cases without ``runs_on``.
    """

    usual: int = 8
    of: Mapping[Labels, int] = field(default_factory=dict)
    default: Labels = ("ubuntu-latest",)


@dataclass(frozen=True, kw_only=True)
class Known:
    """How long a launch took, and by whose word."""

    launch_s: float | None = None
    known_from: str = ""
    launches: int = 0


def plan_fleet(
    asked: Asked, runners: Runners, *, environ: Mapping[str, str], event: Event
) -> FleetPlan:
    """The shards of what ``asked`` and ``event`` compare.

    Raises ConfigurationError, BaselineError for a baseline of base that cannot be trusted, and
    BenchmarkError where no case is selected.
    """
    found = find_comparison(asked, environ=environ, event=event)
    refuse_no_case(found.selection)
    known = _launches(found)
    cases = tuple(
        _in_plan(one, found.policy, known.get(one.case.id)) for one in found.selection.chosen
    )
    budget_s = found.policy.budget_min * 60.0
    seconds = {case.id: _seconds(case, budget_s) for case in cases}
    kinds = _by_labels(found.selection.chosen, runners)
    shards, bound_s = _split(kinds, seconds, runners)
    return FleetPlan(
        perfgate=__version__,
        suite=found.selection.name,
        path=asked.suite,
        base=found.base,
        head=found.head,
        strategy=found.policy.strategy,
        false_block=found.policy.false_block,
        budget_s=budget_s,
        cases=cases,
        shards=shards,
        longest_s=max(shard.seconds for shard in shards),
        bound_s=bound_s,
        notes=(*found.selection.notes, *_notes(cases, shards, budget_s)),
    )


def _launches(found: Comparison) -> dict[str, Known]:
    """How long a launch of each case took, as base's baselines tell; of several, the longest."""
    folder = found.selection.state_folder
    if folder is None:
        return {}
    wanted = {one.case.id: one.case for one in found.selection.chosen}
    paths = [
        path
        for path in found.git.files_below(found.base.commit, folder)
        if (place := PurePosixPath(path)).suffix == ".json"
        and place.stem in wanted
        and place.name not in NO_BASELINES
        and place.parent.parent == PurePosixPath(folder)
    ]
    known: dict[str, Known] = {}
    for path, text in found.git.texts_at(found.base.commit, paths).items():
        stored = parse_baseline(text, source=path)
        case = wanted.get(stored.case)
        if case is None or stored.workload_hash != case.workload_hash():
            continue
        told = _known(stored)
        before = known.get(case.id)
        if before is None or (told.launch_s or 0.0) > (before.launch_s or 0.0):
            known[case.id] = told
    return known


def _known(stored: Baseline) -> Known:
    """What the newest job of a baseline tells."""
    return Known(
        launch_s=median(launch.duration_s for launch in stored.jobs[-1].launches),
        known_from=stored.hardware_key,
        launches=launches_wanted(stored.stored_jobs()),
    )


def _in_plan(one: Chosen, policy: GatePolicy, known: Known | None) -> CaseInPlan:
    case = one.case
    if known is None:
        guessed = BACKENDS[case.backend].expected_launch_s(case)
        known = Known(launch_s=guessed, known_from="" if guessed is None else "the preset")
    usual, most = _counts(one, policy, known.launches or launches_wanted(None))
    return CaseInPlan(
        id=case.id,
        workload_hash=case.workload_hash(),
        origin=one.origin,
        devices=case.devices,
        launches=usual,
        most_launches=most,
        launch_s=known.launch_s,
        known_from=known.known_from,
        timeout_s=case.launch_timeout_s(),
    )


def _counts(one: Chosen, policy: GatePolicy, heads: int) -> tuple[int, int]:
    """Launches that an unchanged case usually takes, and that any can: a burn-in, then the rest."""
    if one.origin is Origin.WORKLOAD_CHANGED:
        return 0, 0
    if one.origin is Origin.NEW or policy.strategy == "baseline":
        alone = 1 + heads
        resident = one.case.resident and one.origin is not Origin.NEW
        return (0, 0) if resident else (alone, alone)
    return 1 + 2 * min(TYPICAL_PAIRS, policy.max_pairs), 1 + 2 * policy.max_pairs


def _seconds(case: CaseInPlan, budget_s: float) -> float:
    """What a case counts for: what it usually takes, or, not known, the longest that it may."""
    known = case.expected_s
    return min(case.launches * case.timeout_s if known is None else known, budget_s)


def _by_labels(chosen: Sequence[Chosen], runners: Runners) -> dict[Labels, list[str]]:
    """The cases of each kind of runner, in the suite's order."""
    kinds: dict[Labels, list[str]] = {}
    for one in chosen:
        kinds.setdefault(one.case.runs_on or runners.default, []).append(one.case.id)
    for labels in runners.of:
        if labels not in kinds:
            raise ConfigurationError(
                f"no selected case runs on {', '.join(labels)}",
                fix=f"There are cases for: {'; '.join(', '.join(kind) for kind in kinds)}.",
            )
    return kinds


def _split(
    kinds: Mapping[Labels, Sequence[str]], seconds: Mapping[str, float], runners: Runners
) -> tuple[tuple[Shard, ...], float]:
    """The shards of every kind of runner, and what no split of them can beat."""
    names = _names(kinds)
    shards: list[Shard] = []
    bound_s = 0.0
    for labels, cases in kinds.items():
        of_these = {case: seconds[case] for case in cases}
        number = runners.of.get(labels, runners.usual)
        groups = balance(of_these, number)
        bound_s = max(bound_s, lower_bound(of_these, number))
        shards += (
            Shard(
                name=f"{names[labels]}-{index}",
                runs_on=labels,
                cases=group,
                seconds=longest([group], of_these),
            )
            for index, group in enumerate(groups, start=1)
        )
    if len(shards) > MOST_SHARDS:
        raise ConfigurationError(
            f"the plan has {len(shards)} shards, and a workflow's matrix takes {MOST_SHARDS}",
            fix="Give fewer --runners.",
        )
    return tuple(shards), bound_s


def _names(kinds: Iterable[Labels]) -> dict[Labels, str]:
    """A name for each kind of runner, its labels; told apart where two give the same."""
    found: dict[Labels, str] = {}
    for labels in kinds:
        plain = _NOT_IN_NAMES.sub("-", "-".join(labels).lower()).strip("-._")
        name = plain[:_MOST_NAME_CHARS] or "runner"
        others = (f"{name}.{number}" for number in itertools.count(2))
        taken = set(found.values())
        found[labels] = next(one for one in itertools.chain([name], others) if one not in taken)
    return found


def _notes(cases: Sequence[CaseInPlan], shards: Sequence[Shard], budget_s: float) -> Iterable[str]:
    """What is not known, and what will not fit: told, never guessed."""
    unknown = [case for case in cases if case.expected_s is None]
    if unknown:
        named = ", ".join(case.id for case in unknown[:5])
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        yield (
            f"no baseline tells how long a launch takes of {named}{more}: each counts as long as "
            f"its timeouts and the budget of {budget_s / 60.0:g} min allow"
        )
    over = [shard for shard in shards if shard.seconds > budget_s]
    if over:
        worst = max(over, key=lambda shard: shard.seconds)
        lengths = {case.id: case.expected_s or 0.0 for case in cases}
        sure = any(sum(lengths[case] for case in shard.cases) > budget_s for shard in over)
        yield (
            f"{len(over)} of {len(shards)} shards {'take' if sure else 'may take'} longer than the "
            f"budget of {budget_s / 60.0:g} min ({worst.name}: {worst.seconds / 60.0:.0f} min), so "
            f"that some of their cases {'would' if sure else 'could'} stay undecided: raise "
            "gate.budget or give more --runners"
        )
    devices = {case.id: case.devices for case in cases}
    mixed = [shard for shard in shards if len({devices[case] for case in shard.cases}) > 1]
    if mixed:
        yield (
            f"cases of {mixed[0].name} take different numbers of devices, and its job leases the "
            "most of them for all: on GPUs and NPUs their baselines are kept under that number, "
            "and another split may change it; give them labels of their own in runs_on"
        )
