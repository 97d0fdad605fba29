"""Searches on simulated machines: the shipped ``Bisection`` itself, and what people do instead.

The noise is that of :mod:`benchmarks.verdict`: families to choose constants on, and others with
another seed for what is reported. Each try has a machine, its stored differences, and a culprit
drawn among the commits; every rule meets the same launches in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from statistics import median
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np

from benchmarks.verdict.noise import Family, Floats, draw, generator
from benchmarks.verdict.trial import HISTORY, PAIRED_BASES, PAIRED_HEADS
from perfgate.verdict.bisection import Bisection, Range
from perfgate.verdict.sequential import Policy, SequentialGate

COMMITS = 32
SLOWDOWN = 0.05
MOST_LAUNCHES = 2_001
"""A fixed size of 64 pairs takes 769, and no search of ours took more."""
SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
USUAL_SIZE = 10
"""Ten launches a side, as the fixed-size tests of `make bench-verdict` have."""
OURS, NO_HISTORY, GATES = "perfgate bisect", "perfgate bisect, no history", "a gate a step"
_REFERENCE_MS = 1000.0
_PART = 20
_PROCESSES = 2

End: TypeAlias = Literal["found", "wrong", "narrowed", "not slower", "undecided"]


@dataclass(kw_only=True)
class Machine:
    """One machine on which launches follow each other; logarithms of what each would take.

    ``good`` is a launch of the first commit, ``other`` of any other one, without its slowdown.
    """

    good: Floats
    other: Floats
    history: Floats
    culprit: int
    launches: int = 0

    def launch(self, place: int) -> float:
        """Milliseconds of the next launch, of the commit at this place."""
        took = (self.other if place else self.good)[self.launches]
        self.launches += 1
        slower = math.log1p(SLOWDOWN) if place >= self.culprit else 0.0
        return _REFERENCE_MS * math.exp(took + slower)

    def pair(self, question: Range, number: int) -> tuple[float, float]:
        """Both commits next to each other, the older one first in every other pair."""
        turns = [question.before, question.after]
        got = {
            place: self.launch(place) for place in (turns if number % 2 == 0 else reversed(turns))
        }
        return got[question.before], got[question.after]


@dataclass(frozen=True, kw_only=True)
class Try:
    """How one search ended, and the launches that it took."""

    end: End
    launches: int


@dataclass(frozen=True, kw_only=True)
class Tally:
    """All tries of one rule on one family."""

    ends: Mapping[End, int]
    launches: int

    @property
    def tries(self) -> int:
        return sum(self.ends.values())

    @property
    def found(self) -> int:
        return self.ends.get("found", 0)

    @property
    def share(self) -> float:
        return self.found / self.tries

    @property
    def mean_launches(self) -> float:
        return self.launches / self.tries

    def __add__(self, other: Tally) -> Tally:
        ends = {end: self.ends.get(end, 0) + other.ends.get(end, 0) for end in _ENDS}
        return Tally(ends=ends, launches=self.launches + other.launches)


_ENDS: tuple[End, ...] = ("found", "wrong", "narrowed", "not slower", "undecided")
NOTHING = Tally(ends=MappingProxyType({}), launches=0)
Rule: TypeAlias = Callable[[Machine], Try]


def ours(machine: Machine, *, with_history: bool = True) -> Try:
    """``perfgate bisect``: a burn-in, and the pairs that it asks for."""
    history = machine.history.tolist() if with_history else []
    search = Bisection(suspects=COMMITS, policy=Policy(), history=history)
    machine.launch(COMMITS)
    pairs = 0
    while (question := search.next_question()) is not None:
        search.observe(question, *machine.pair(question, pairs))
        pairs += 1
    stage = search.stage
    if stage in ("not slower", "undecided"):
        return Try(end=stage, launches=machine.launches)
    suspects = search.suspected()
    if len(suspects) > 1:
        return Try(end="narrowed", launches=machine.launches)
    return _ended(machine, suspects.after)


def gates(machine: Machine) -> Try:
    """``git bisect run perfgate gate``: at each step one gate of the first commit against another.

    What a gate leaves undecided counts as not slower, as its exit code says; the ends are believed.
    """

    def slower(place: int) -> bool:
        gate = SequentialGate(Policy(), machine.history.tolist())
        machine.launch(place)
        while gate.state == "continue":
            gate.add(*machine.pair(Range(before=0, after=place), gate.pairs))
        return gate.state == "regressed"

    return _ended(machine, _halved(slower))


def fixed(machine: Machine, *, pairs: int) -> Try:
    """A test of one size at each step: is the median difference nearer to the first or the last.

    The whole change comes from as many pairs of both ends.
    """

    def difference(place: int) -> float:
        got = [machine.pair(Range(before=0, after=place), pair) for pair in range(pairs)]
        return median(math.log(after / before) for before, after in got)

    machine.launch(COMMITS)
    half = difference(COMMITS) / 2.0
    return _ended(machine, _halved(lambda place: difference(place) > half))


def _halved(slower: Callable[[int], bool]) -> int:
    """The first place that is slower, by halves; the last one is taken for slower."""
    fast, slow = 0, COMMITS
    while slow - fast > 1:
        middle = (fast + slow) // 2
        fast, slow = (fast, middle) if slower(middle) else (middle, slow)
    return slow


def _ended(machine: Machine, place: int) -> Try:
    end: End = "found" if place == machine.culprit else "wrong"
    return Try(end=end, launches=machine.launches)


def rules() -> dict[str, Rule]:
    """Every search by its name."""
    sizes = {f"{size} pairs a step": partial(fixed, pairs=size) for size in sorted(_all_sizes())}
    return {OURS: ours, NO_HISTORY: partial(ours, with_history=False), GATES: gates, **sizes}


def _all_sizes() -> set[int]:
    return {*SIZES, USUAL_SIZE}


def machines(family: Family, rng: np.random.Generator, *, tries: int) -> list[Machine]:
    """Independent machines, each with what is stored of it and a culprit."""
    here = draw(family, rng, jobs=tries, launches=MOST_LAUNCHES)
    good = here.times(np.zeros(MOST_LAUNCHES, dtype=np.bool_))
    other = here.times(np.ones(MOST_LAUNCHES, dtype=np.bool_))
    before = draw(family.past or family, rng, jobs=tries, launches=1 + 2 * HISTORY)
    then = before.times(np.zeros(1 + 2 * HISTORY, dtype=np.bool_))
    history = then[:, PAIRED_HEADS[:HISTORY]] - then[:, PAIRED_BASES[:HISTORY]]
    culprits = rng.integers(1, COMMITS + 1, tries)
    return [
        Machine(good=good[i], other=other[i], history=history[i], culprit=int(culprits[i]))
        for i in range(tries)
    ]


def tallies(
    families: Sequence[Family],
    *,
    seed: int,
    tries: int,
    only: Sequence[str] = (),
    told: Callable[[str], None] = lambda _: None,
) -> dict[tuple[str, str], Tally]:
    """So many tries of every search on every family, by family and search."""
    parts = [(family, part) for part in range(-(-tries // _PART)) for family in families]
    found: dict[tuple[str, str], Tally] = {}
    work = partial(_part, seed=seed, tries=tries, only=tuple(only))
    with get_context("fork").Pool(_PROCESSES) as pool:
        for done, tallied in enumerate(pool.imap_unordered(work, parts), start=1):
            for key, tally in tallied.items():
                found[key] = found.get(key, NOTHING) + tally
            if done % max(len(parts) // 20, 1) == 0:
                told(f"{done} of {len(parts)} parts")
    return found


def _part(
    task: tuple[Family, int], *, seed: int, tries: int, only: Sequence[str]
) -> dict[tuple[str, str], Tally]:
    family, part = task
    rng = generator(family, seed=seed, part=part)
    drawn = machines(family, rng, tries=min(_PART, tries - part * _PART))
    found = {}
    for name, rule in rules().items():
        if only and name not in only:
            continue
        ends: dict[End, int] = {}
        launches = 0
        for machine in drawn:
            machine.launches = 0
            tried = rule(machine)
            ends[tried.end] = ends.get(tried.end, 0) + 1
            launches += tried.launches
        found[family.name, name] = Tally(ends=ends, launches=launches)
    return found
