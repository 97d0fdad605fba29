"""Draws the trials of a family: one machine each, with what is stored of it; knows no rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.verdict.noise import Bools, Family, Floats, Jobs, draw

MOST_PAIRS = 12
HISTORY = 10
"""Stored differences of equal sides, the least that the rule takes for a history."""
PAST_JOBS = 64
SCREEN_JOBS = 10
STORED_JOBS = 10
_HERE = 1 + 2 * MOST_PAIRS

# A head burn-in, then BA AB BA AB …; with a screen the second launch is head's half of pair 0.
PAIRED_BASES = np.array([1 + 2 * pair + (pair % 2) for pair in range(MOST_PAIRS)])
PAIRED_HEADS = np.array([2 + 2 * pair - (pair % 2) for pair in range(MOST_PAIRS)])
SCREENED_BASES = np.array([2, *PAIRED_BASES[1:]])
SCREENED_HEADS = np.array([1, *PAIRED_HEADS[1:]])


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Machines of one family: the launches of this job, and those of earlier, unchanged jobs.

    ``history`` is trials by differences, ``past`` trials by jobs by two launches (logarithms), and
    ``stored`` trials by the jobs of a baseline by their three launches after the burn-in.
    """

    here: Jobs
    history: Floats
    past: Floats
    stored: Floats

    def __len__(self) -> int:
        return len(self.history)

    def pairs(self, *, screened: bool) -> tuple[Floats, Floats]:
        """The launches of base and head in the order of their pairs, none of them slowed."""
        bases = SCREENED_BASES if screened else PAIRED_BASES
        heads = SCREENED_HEADS if screened else PAIRED_HEADS
        times = self.here.times(_only(heads))
        return times[:, bases], times[:, heads]

    def head_run(self, launches: int) -> Floats:
        """The first so many launches of this job, all of them head's."""
        return self.here.times(np.ones(_HERE, dtype=np.bool_))[:, :launches]

    def blocks(self, launches: int) -> tuple[Floats, Floats]:
        """So many launches of base, then as many of head: trials by launches by steps."""
        heads = np.arange(_HERE) >= launches
        steps = self.here.step_times(heads)
        return steps[:, :launches], steps[:, launches : 2 * launches]


def _only(launches: Floats) -> Bools:
    heads = np.zeros(_HERE, dtype=np.bool_)
    heads[0] = True
    heads[launches] = True
    return heads


def draw_trials(family: Family, rng: np.random.Generator, trials: int) -> Trials:
    """Independent trials; both sides of an earlier job are base's."""
    before = family.past or family
    here = draw(family, rng, jobs=trials, launches=_HERE)
    earlier = draw(before, rng, jobs=trials, launches=1 + 2 * HISTORY)
    times = earlier.times(np.zeros(1 + 2 * HISTORY, dtype=np.bool_))
    past = draw(before, rng, jobs=trials * PAST_JOBS, launches=2)
    baseline = draw(before, rng, jobs=trials * STORED_JOBS, launches=4)
    kept = baseline.times(np.zeros(4, dtype=np.bool_))[:, 1:]
    return Trials(
        here=here,
        history=times[:, PAIRED_HEADS[:HISTORY]] - times[:, PAIRED_BASES[:HISTORY]],
        past=past.times(np.zeros(2, dtype=np.bool_)).reshape(trials, PAST_JOBS, 2),
        stored=kept.reshape(trials, STORED_JOBS, 3),
    )
