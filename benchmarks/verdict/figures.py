"""Runs every rule over every family on two processes and counts; prints nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import TypeAlias

from benchmarks.verdict.noise import Family, generator
from benchmarks.verdict.ours import Outcomes, auto, baseline, paired
from benchmarks.verdict.peers import PEERS, bootstrap, pair_sigma, sprt
from benchmarks.verdict.trial import Trials, draw_trials

EVEN, MARGIN = 0.0, 0.03
POWERS = (MARGIN, 0.05, 0.10, 0.30)
GRID = (EVEN, 0.01, 0.02, MARGIN, 0.04, 0.05, 0.06, 0.08, 0.10, 0.12, 0.15, 0.20, 0.30, 0.50, 1.0)

PAIRED, AUTO, NO_HISTORY, SPRT = "paired", "auto, with the screen", "paired, no history", "SPRT"
BASELINE = "baseline, 10 stored jobs"

_PART = 100
_PROCESSES = 2
# Parts of the random numbers that are no trials: the SPRT's spread.
_SIGMA_PART = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many trials: on equal sides, on each slowdown, of the peers, and of whole suites."""

    even: int
    slow: int
    peers: int
    bootstrap: int
    suites: int


FULL = Size(even=8_000, slow=2_000, peers=2_000, bootstrap=300, suites=1_000)
QUICK = Size(even=500, slow=200, peers=200, bootstrap=0, suites=40)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Counts over trials; ``launches`` is their sum."""

    trials: int
    blocked: int
    passed: int
    launches: float

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            trials=self.trials + other.trials,
            blocked=self.blocked + other.blocked,
            passed=self.passed + other.passed,
            launches=self.launches + other.launches,
        )

    @property
    def block_rate(self) -> float:
        return self.blocked / self.trials

    @property
    def pass_rate(self) -> float:
        return self.passed / self.trials

    @property
    def mean_launches(self) -> float:
        return self.launches / self.trials


NOTHING = Tally(trials=0, blocked=0, passed=0, launches=0.0)
Figures: TypeAlias = Mapping[tuple[str, str, float], Tally]
"""By family, rule and slowdown."""


def measure(
    families: Sequence[Family],
    *,
    seed: int,
    size: Size,
    gaussian: str = "mid",
    told: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Every rule on every family; the SPRT only on ``gaussian``, whose spread it is told."""
    tasks = [(family, part) for part in range(-(-size.even // _PART)) for family in families]
    found: dict[tuple[str, str, float], Tally] = defaultdict(lambda: NOTHING)
    work = partial(_run_part, seed=seed, size=size, gaussian=gaussian)
    with get_context("fork").Pool(_PROCESSES) as pool:
        for done, tallies in enumerate(pool.imap_unordered(work, tasks), start=1):
            for key, tally in tallies.items():
                found[key] = found[key] + tally
            if done % max(len(tasks) // 20, 1) == 0:
                told(f"{done} of {len(tasks)} parts")
    return dict(found)


def _run_part(
    task: tuple[Family, int], *, seed: int, size: Size, gaussian: str
) -> dict[tuple[str, str, float], Tally]:
    """One part of a family's trials: every rule on the same launches."""
    family, part = task
    rng = generator(family, seed=seed, part=part)
    trials = draw_trials(family, rng, min(_PART, size.even - part * _PART))
    done = part * _PART
    found = {}
    for rule, slowdown, run in _rules(done, size):
        found[family.name, rule, slowdown] = _tally(run(trials, slowdown))
    if family.name == gaussian:
        sigma = pair_sigma(family, generator(family, seed=seed, part=_SIGMA_PART))
        for slowdown in (EVEN, MARGIN) if done < size.slow else (EVEN,):
            found[family.name, SPRT, slowdown] = _tally(sprt(trials, slowdown, sigma=sigma))
    return found


def _rules(
    done: int, size: Size
) -> Iterator[tuple[str, float, Callable[[Trials, float], Outcomes]]]:
    """What this part still has to run, by how many trials have been run before it."""
    grid: Iterable[float] = GRID if done < size.slow else (EVEN,)
    for slowdown in grid:
        yield PAIRED, slowdown, paired
        yield AUTO, slowdown, auto
        yield BASELINE, slowdown, baseline
    for slowdown in (EVEN, *POWERS):
        if done < size.peers:
            yield NO_HISTORY, slowdown, partial(paired, with_history=False)
        for name, peer in PEERS.items():
            if done < (size.bootstrap if peer is bootstrap else size.peers):
                yield name, slowdown, peer


def _tally(outcomes: Outcomes) -> Tally:
    return Tally(
        trials=len(outcomes.blocked),
        blocked=int(outcomes.blocked.sum()),
        passed=int(outcomes.passed.sum()),
        launches=float(outcomes.launches.sum()),
    )
