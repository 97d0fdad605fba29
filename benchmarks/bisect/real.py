"""Real searches of `wan-tiny` on this machine: 32 small commits in a clone, one of them slower.

Each commit adds a line to the loop of the pipeline. One adds matrix products beside it, whose
result is thrown away, as many as take the wanted share of a request here. No time is multiplied.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bisect.simulated import COMMITS
from benchmarks.gates import CASE, LOOP, STEP_AT, more_work, product_ms, request_ms
from benchmarks.planting import ROOT, Plant, clone_with, plant
from benchmarks.verdict.table import markdown
from perfgate.records.bisected import Bisected, MeasuredChange
from perfgate.report.words import NOTHING, change, interval

SUITE = "perfgate-bisect.yml"
SUITE_TEXT = f"""version: 1
name: bisect
gate: {{margin: 3%}}
cases:
  - {{id: {CASE}, backend: builtin, preset: wan-tiny, requests: 1}}
"""
SEED = 731_004


@dataclass(frozen=True, kw_only=True)
class Searched:
    """One real search: the planted commit's place, what was said, and what went wrong if it did."""

    culprit: int
    planted: str
    found: Bisected | None
    trouble: str = ""

    @property
    def right(self) -> bool:
        found = self.found
        return found is not None and [one.id for one in found.suspects] == [self.planted]


def searched(tries: int, slowdown: float, *, budget_min: int) -> list[Searched]:
    """So many searches, each in a clone of its own with the slow commit elsewhere."""
    chance = random.Random(SEED)  # noqa: S311 - no secret
    ends = []
    with tempfile.TemporaryDirectory(prefix="perfgate-bisect-") as scratch:
        fastest = request_ms(Path(scratch))
        products = round(slowdown * fastest["end-to-end"] / fastest["steps"] / product_ms())
        for number in range(tries):
            culprit = chance.randint(1, COMMITS)
            clone = Path(scratch, str(number))
            ends.append(_search(clone, culprit, products=products, budget_min=budget_min))
            one = ends[-1]
            told = one.found.outcome if one.found else one.trouble
            sys.stderr.write(f"{number + 1} of {tries}: {told}, right: {one.right}\n")
    return ends


def _search(clone: Path, culprit: int, *, products: int, budget_min: int) -> Searched:
    clone_with(clone, {SUITE: SUITE_TEXT})
    planted = ""
    for place in range(1, COMMITS + 1):
        line = f"                # Change {place} of {COMMITS}.\n"
        work = more_work("latents", products) if place == culprit else ""
        plant(clone, (Plant(file=LOOP, at=STEP_AT, text=line + work),))
        if place == culprit:
            planted = _head(clone)
    command = (
        *(sys.executable, "-m", "perfgate", "bisect", f"HEAD~{COMMITS}", "HEAD"),
        *("--case", CASE, "--suite", SUITE, "--json", "--cache-dir", str(clone.parent / "cache")),
        *("--budget", f"{budget_min}m"),
    )
    done = subprocess.run(command, cwd=clone, check=False, stdout=subprocess.PIPE, text=True)
    found = Bisected.model_validate_json(done.stdout) if done.stdout else None
    trouble = "" if found else f"exit {done.returncode}"
    return Searched(culprit=culprit, planted=planted, found=found, trouble=trouble)


def _head(clone: Path) -> str:
    done = subprocess.run(
        ("git", "rev-parse", "HEAD"), cwd=clone, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def real_table(
    ends: Sequence[Searched], slowdown: float, *, budget_min: int, loads: tuple[float, float]
) -> str:
    """One row a search, and the load of the machine that they met."""
    rows = [(str(number), *_row(one)) for number, one in enumerate(ends, start=1)]
    heads = (
        *("search", "slow commit", "said", "right", "its change", "whole change"),
        *("launches", "minutes", "skipped"),
    )
    right = sum(one.right for one in ends)
    commit = subprocess.run(
        ("git", "rev-parse", "--short=10", "HEAD"),
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return "\n\n".join(
        [
            f"### Real searches of `wan-tiny`, {datetime.now(UTC):%Y-%m-%d}",
            (
                f"{COMMITS} commits after {commit}, one with {100 * slowdown:.0f} % more work; "
                f"{os.cpu_count()} cores (load average of a minute {loads[0]:.1f} before, "
                f"{loads[1]:.1f} after), no calibration, at most {budget_min} device minutes a "
                f"search. {right} of {len(ends)} named the commit."
            ),
            markdown(heads, rows),
        ]
    )


def _row(one: Searched) -> tuple[str, ...]:
    found = one.found
    if found is None:
        return (f"{one.culprit}", one.trouble, "no", NOTHING, NOTHING, NOTHING, NOTHING, NOTHING)
    said = found.outcome if found.outcome != "narrowed" else f"{len(found.suspects)} suspects"
    return (
        f"{one.culprit}",
        said,
        "yes" if one.right else "no",
        _change(found.change),
        _change(found.whole),
        str(found.launches),
        f"{found.device_minutes:.1f}",
        str(len(found.skipped)),
    )


def _change(found: MeasuredChange | None) -> str:
    if found is None:
        return NOTHING
    return f"{change(found.ratio)} {interval(found.low, found.high)}"
