"""Simulates the decision rule beside its peers and its goals: ``make bench-verdict``.

    python -m benchmarks.verdict [--quick] [--tuning] [--write FILE]

Exit code 1 where a goal is missed. Everything is drawn from fixed seeds: the same tree prints the
same rates, and only the time of an observation is this machine's.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.verdict import families_reporting, families_tuning
from benchmarks.verdict.figures import AUTO, FULL, PAIRED, QUICK, Size, measure
from benchmarks.verdict.speed import MOST_HISTORY, observation_ms
from benchmarks.verdict.suites import METRICS, judge_suites
from benchmarks.verdict.table import (
    Results,
    family_table,
    goal_table,
    goals_of,
    grid_table,
    peer_table,
    rule_table,
)
from benchmarks.verdict.trial import HISTORY


def main(arguments: Sequence[str]) -> int:
    """Simulate, print, and say with the exit code whether every goal is met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer trials: two minutes")
    parser.add_argument("--tuning", action="store_true", help="the families to choose constants on")
    parser.add_argument("--write", type=Path, help="append the tables to this Markdown file")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    chosen = families_tuning if options.tuning else families_reporting
    size = QUICK if options.quick else FULL
    real = next(family for family in chosen.FAMILIES if family.name == "mid-real")
    results = Results(
        families=[family.name for family in chosen.FAMILIES],
        changed=[family.name for family in chosen.FAMILIES if family.past],
        gaussian="mid",
        real=real.name,
        figures=measure(chosen.FAMILIES, seed=chosen.SEED, size=size, told=_told),
        suites=judge_suites(real, seed=chosen.SEED, suites=size.suites),
        observation_ms=observation_ms(MOST_HISTORY),
    )
    goals = goals_of(results)
    minutes = (time.monotonic() - started) / 60.0
    where = "tuning" if options.tuning else "reporting"
    text = "\n\n".join([_about(size, where, chosen.SEED, minutes), *_tables(results)])
    print(text)
    if options.write:
        with options.write.open("a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")
    return 0 if all(goal.met for goal in goals) else 1


def _about(size: Size, where: str, seed: int, minutes: float) -> str:
    kept = (
        "No constant of the rule was chosen on them"
        if where == "reporting"
        else "The rule's constants may be chosen on them: these figures are not to be reported"
    )
    return (
        "## The verdict, simulated\n\n"
        f"`make bench-verdict`, {minutes:.0f} minutes on two processes. Simulated noise, no "
        f"machine: families of `families_{where}.py`, seed {seed}. {kept}. {size.even} trials of "
        f"equal sides a family, {size.slow} of every slowdown, {size.peers} of the peers "
        f"({size.bootstrap} of the bootstrap), on the same launches; {size.suites} suites of "
        f"{METRICS} metrics. Each trial has {HISTORY} stored differences of equal sides; false "
        "blocks 1 %, misses 5 %, margin 3 %, 2 to 12 pairs. perfgate's rows of pairs are the "
        "shipped `SequentialGate` itself, its baseline row the shipped `predict`. Launches count "
        "the burn-in; the peers' earlier runs are free."
    )


def _tables(results: Results) -> list[str]:
    return [
        "### Goals",
        goal_table(goals_of(results)),
        f"### The rules, {results.real}",
        rule_table(results),
        f"### `{PAIRED}`, every family",
        family_table(results, PAIRED),
        f"### `{AUTO}`, every family",
        family_table(results, AUTO),
        "### False blocks of the peers",
        peer_table(results),
        f"### Blocked at every slowdown, `{PAIRED}`",
        grid_table(results, PAIRED),
    ]


def _told(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
