"""Writes the figures as Markdown beside the goals; runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy import stats  # type: ignore[import-untyped]

from benchmarks.verdict.figures import (
    AUTO,
    BASELINE,
    EVEN,
    GRID,
    MARGIN,
    NO_HISTORY,
    PAIRED,
    POWERS,
    SPRT,
    Figures,
    Tally,
)
from benchmarks.verdict.peers import PEERS
from benchmarks.verdict.suites import Suites

OURS = (PAIRED, AUTO)
SIMULATION_ERRORS = 3.0


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that one run of the benchmark found, over the families in their order.

    ``changed`` are the families whose machine is no longer what its history and baseline saw.
    """

    families: Sequence[str]
    changed: Sequence[str]
    gaussian: str
    real: str
    figures: Figures
    suites: Suites
    observation_ms: float


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One figure of one rule beside what it has to reach."""

    figure: str
    goal: str
    rule: str
    found: str
    met: bool


def goals_of(results: Results) -> list[Goal]:
    """Every goal, for each rule that it is set for."""
    found = []
    for rule in OURS:
        found += _false_blocks(results, rule, limit=0.005)
        found += _errors(results, rule) + _costs(results, rule)
    # The baseline rule may block only at the rate that is published for all of them.
    return [*found, *_false_blocks(results, BASELINE, limit=0.01), *_whole(results)]


def _false_blocks(results: Results, rule: str, *, limit: float) -> list[Goal]:
    steady = [name for name in results.families if name not in results.changed]
    kinds = (("", steady), (" of those that changed since", results.changed))
    return [
        Goal(
            figure=f"false blocks, worst family{kind}",
            goal=f"≤ {100 * limit:g} %",
            rule=rule,
            found=f"{_rate(blocked.blocked, blocked.trials)} in {worst}",
            met=blocked.block_rate <= limit,
        )
        for kind, names in kinds
        if names
        for worst in [max(names, key=lambda name: results.figures[name, rule, EVEN].block_rate)]
        for blocked in [results.figures[worst, rule, EVEN]]
    ]


def _errors(results: Results, rule: str) -> list[Goal]:
    figures, real = results.figures, results.real
    power, more = figures[real, rule, MARGIN], figures[real, rule, 0.05]
    passed = sum(figures[name, rule, 0.30].passed for name in results.families)
    trials = sum(figures[name, rule, 0.30].trials for name in results.families)
    return [
        Goal(
            figure=f"blocked at +3 %, {real}",
            goal="≥ 95 %",
            rule=rule,
            found=_rate(power.blocked, power.trials),
            met=power.block_rate >= 0.95,
        ),
        Goal(
            figure=f"blocked at +5 %, {real}",
            goal="≥ 99.9 %",
            rule=rule,
            found=_rate(more.blocked, more.trials),
            met=more.block_rate >= 0.999,
        ),
        Goal(
            figure="passed at +30 %, all families",
            goal="0",
            rule=rule,
            found=f"{passed} of {trials}",
            met=passed == 0,
        ),
    ]


def _costs(results: Results, rule: str) -> list[Goal]:
    figures, gaussian = results.figures, results.gaussian
    found = [
        Goal(
            figure=f"mean launches on equal sides, {family}",
            goal="≤ 6.5",
            rule=rule,
            found=f"{launches:.2f}",
            met=launches <= 6.5,
        )
        for family in (results.real, gaussian)
        if (launches := figures[family, rule, EVEN].mean_launches)
    ]
    for slowdown, limit in ((EVEN, 1.2), (MARGIN, 1.4)):
        bound = figures[gaussian, SPRT, slowdown].mean_launches
        own = figures[gaussian, rule, slowdown].mean_launches
        found.append(
            Goal(
                figure=f"launches over the SPRT's, {gaussian}, {_slowdown(slowdown)}",
                goal=f"≤ {limit}",
                rule=rule,
                found=f"{own / bound:.2f} ({own:.2f} over {bound:.2f})",
                met=own / bound <= limit,
            )
        )
    return found


def _whole(results: Results) -> list[Goal]:
    suites = results.suites
    blocked, passed = suites.blocked / suites.suites, suites.passed / suites.suites
    return [
        Goal(
            figure="60 metrics, unchanged suites blocked",
            goal="≤ 1 %",
            rule=PAIRED,
            found=_rate(suites.blocked, suites.suites),
            met=blocked <= 0.01,
        ),
        Goal(
            figure="60 metrics, unchanged suites passed whole",
            goal="≥ 98 %",
            rule=PAIRED,
            found=_rate(suites.passed, suites.suites),
            met=passed >= 0.98,
        ),
        Goal(
            figure="one observation, 200 stored differences",
            goal="< 2 ms",
            rule=PAIRED,
            found=f"{results.observation_ms:.2f} ms",
            met=results.observation_ms < 2.0,
        ),
    ]


def goal_table(goals: Sequence[Goal]) -> str:
    rows = [
        (goal.figure, goal.rule, goal.goal, goal.found, "met" if goal.met else "**missed**")
        for goal in goals
    ]
    return markdown(("figure", "rule", "goal", "found", ""), rows)


def rule_table(results: Results) -> str:
    """One row a rule: the worst family's false blocks, and one family's power and launches."""
    rows = []
    for rule in (PAIRED, AUTO, BASELINE, NO_HISTORY, *PEERS):
        known = [name for name in results.families if (name, rule, EVEN) in results.figures]
        if not known:
            continue
        even = {name: results.figures[name, rule, EVEN] for name in known}
        worst = max(known, key=lambda name: even[name].block_rate)
        real = results.real
        rows.append(
            (
                rule,
                f"{_percent(even[worst].block_rate)} ({worst})",
                _percent(even[real].block_rate),
                *(_percent(results.figures[real, rule, slow].block_rate) for slow in POWERS),
                f"{even[real].mean_launches:.1f}",
                str(even[real].trials),
            )
        )
    heads = ("rule", "false blocks, worst family", f"false blocks, {results.real}")
    powers = [f"blocked {_slowdown(slow)}" for slow in POWERS]
    return markdown((*heads, *powers, "mean launches, equal sides", "trials"), rows)


def family_table(results: Results, rule: str) -> str:
    """One row a family: false blocks with their interval, power, misses and launches."""
    rows = []
    for name in results.families:
        even = results.figures[name, rule, EVEN]
        slow = [results.figures[name, rule, slowdown] for slowdown in POWERS]
        rows.append(
            (
                name,
                _rate(even.blocked, even.trials),
                *(_percent(one.block_rate) for one in slow),
                _percent(even.pass_rate),
                _percent(slow[0].pass_rate),
                str(slow[-1].passed),
                f"{even.mean_launches:.1f}",
                f"{slow[0].mean_launches:.1f}",
            )
        )
    powers = [f"blocked {_slowdown(slowdown)}" for slowdown in POWERS]
    passes = ("passed +0 %", "passed +3 %", "passes at +30 %")
    heads = ("family", "false blocks (95 % interval)", *powers, *passes)
    return markdown((*heads, "launches +0 %", "launches +3 %"), rows)


def peer_table(results: Results) -> str:
    """False blocks of every peer in every family."""
    rules = [rule for rule in PEERS if (results.real, rule, EVEN) in results.figures]
    rows = [
        (name, *(_percent(results.figures[name, rule, EVEN].block_rate) for rule in rules))
        for name in results.families
    ]
    return markdown(("family", *rules), rows)


def grid_table(results: Results, rule: str) -> str:
    """How often each slowdown is blocked, family by family."""
    rows = [
        (
            name,
            *(_percent(results.figures[name, rule, slowdown].block_rate) for slowdown in GRID),
            "; ".join(falls(results, rule, name)) or "rises",
        )
        for name in results.families
    ]
    return markdown(("family", *(_slowdown(slowdown) for slowdown in GRID), "power"), rows)


def falls(results: Results, rule: str, family: str) -> list[str]:
    """Where a larger slowdown is blocked less often than the next smaller, beyond error.

    The trials are the same at every slowdown, so the error of two independent rates is generous.
    """
    found = []
    tallies = [(slowdown, results.figures[family, rule, slowdown]) for slowdown in GRID]
    for (less, before), (more, after) in pairwise(tallies):
        if before.block_rate - after.block_rate > SIMULATION_ERRORS * _error(before, after):
            found.append(f"falls from {_slowdown(less)} to {_slowdown(more)}")
    return found


def _error(one: Tally, other: Tally) -> float:
    """The standard error of the difference of two rates, of their pooled rate."""
    rate = (one.blocked + other.blocked + 1) / (one.trials + other.trials + 2)
    return float((rate * (1.0 - rate) * (1.0 / one.trials + 1.0 / other.trials)) ** 0.5)


def markdown(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; the first column is text, the others are figures."""
    names = list(heads)
    lines = [names, ["---", *["---:"] * (len(names) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _rate(count: int, of: int) -> str:
    """A rate with its Clopper-Pearson interval."""
    found = stats.binomtest(count, of).proportion_ci(confidence_level=0.95, method="exact")
    inside = f"{100 * found.low:.2f} to {100 * found.high:.2f}"
    return f"{100 * count / of:.2f} % ({inside}; {count} of {of})"


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def _slowdown(slowdown: float) -> str:
    return f"+{100 * slowdown:g} %"
