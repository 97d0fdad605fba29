"""The search for the commit that made it slower: what was measured in, the next question out; pure.

First the two ends, by the gate's own sequential test, until the last commit is slower by the margin
or the search has nothing to look for. Then the question whose answer is nearest to a coin's toss,
pair by pair: whether a commit is like the first or like the last one is a question of two points,
the whole change apart, and takes far fewer pairs than whether it is slower by the margin. No answer
is final: what looked clear and was noise is asked again. Once one commit is likelier than all
others together it is asked against the one before it, which also measures its own change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np

from perfgate.verdict.bisection_odds import Odds
from perfgate.verdict.interval import Change, changes_of
from perfgate.verdict.likelihood import Floats
from perfgate.verdict.sequential import Policy, SequentialGate

Stage: TypeAlias = Literal["confirming", "searching", "found", "not slower", "undecided"]

CERTAIN = 0.98
"""The culprit is found where the odds say so; by simulation, more often right than that."""
LEAST_PAIRS = 3
"""So many pairs of the culprit and the commit before it say what its change is."""
WIDENED = 3
"""A question may take so many times the pairs that a gate gives a case."""
MISS_SHARE = 0.2
"""Who searches has seen a slowdown: equal ends take more evidence than a gate's pass."""
MOST_OPEN = 2
"""Questions whose answer is a part of the whole change: one may come of wild launches, two say that
several commits made it slower, and more of them would say the same."""
_HALF = 0.5
_DOUBTFUL = (0.1, 0.9)
_WORTH_ASKING = (1.0 - CERTAIN) / 4.0
"""An answer that is as good as known cannot make the odds certain."""
_MOST_BITS_A_PAIR, _LEAST_BITS_A_PAIR = 1.0, 0.1


@dataclass(frozen=True, kw_only=True)
class Range:
    """Two places of the history, the earlier one first.

    As a question: a pair of launches of these two commits. As suspects: the commits from the one
    after ``before`` to ``after`` itself.
    """

    before: int
    after: int

    def __len__(self) -> int:
        return self.after - self.before


class Bisection:
    """Finds the culprit among the suspects, the places 1 to ``suspects``; place 0 is known as fast.

    The state is a function of the pairs in their order and of the places that were skipped.
    ``history`` holds differences log(head/base) of equal sides on this hardware and workload.
    ``open`` are questions that pairs do not answer, and that are asked no more.
    """

    def __init__(self, *, suspects: int, policy: Policy, history: Sequence[float] = ()) -> None:
        if suspects < 1:
            raise ValueError(f"there must be a suspect at least, not {suspects!r}")
        self.ends = Range(before=0, after=suspects)
        self.differences: dict[Range, list[float]] = {}
        self.skipped: set[int] = set()
        self.open: set[Range] = set()
        self.most_pairs = WIDENED * policy.max_pairs
        self._gate = SequentialGate(replace(policy, miss=MISS_SHARE * policy.miss), history)
        # A gate looks for less on a noisy machine, to end within its pairs; this may take more.
        self._gate.weighing = replace(self._gate.weighing, theta1=math.log1p(policy.margin))
        self._odds: Odds | None = None

    @property
    def stage(self) -> Stage:
        """How far the search is; ``found`` may leave several suspects that cannot be told apart."""
        if self._odds is None:
            if self._gate.passes():
                return "not slower"
            return "undecided" if self._gate.pairs >= self.most_pairs else "confirming"
        return "found" if self.next_question() is None else "searching"

    def observe(self, question: Range, before_ms: float, after_ms: float) -> None:
        """Take in a pair of milliseconds; ValueError names one that is no time.

        A pair that is not of the two ends counts only once these were told apart.
        """
        if not (before_ms > 0.0 and after_ms > 0.0):
            raise ValueError(f"both times must be positive, not {before_ms!r} and {after_ms!r}")
        difference = math.log(after_ms) - math.log(before_ms)
        self.differences.setdefault(question, []).append(difference)
        if self._odds is not None:
            self._odds.observe(question.before, question.after, difference)
            if self._stays_open(question):
                self.open.add(question)
        elif question == self.ends:
            self._gate.add(before_ms, after_ms)
            if self._gate.blocks():
                self._odds = self._weighed()

    def skip(self, place: int) -> None:
        """Ask this commit nothing more; what it has answered counts. The two ends must answer."""
        if place in (self.ends.before, self.ends.after):
            raise ValueError(f"place {place} is an end of the search and cannot be skipped")
        self.skipped.add(place)

    def pairs(self, question: Range) -> int:
        """How many pairs this question has got."""
        return len(self.differences.get(question, ()))

    def next_question(self) -> Range | None:
        """What to launch a pair of; None at the end of the search."""
        if self._odds is None:
            return self.ends if self.stage == "confirming" else None
        chances = self._odds.chances()
        likeliest = max(self._groups(), key=lambda group: _share(chances, group))
        share = _share(chances, likeliest)
        if share >= CERTAIN:
            wanted = self.pairs(likeliest) < LEAST_PAIRS and self._can_be_asked(likeliest)
            return likeliest if wanted else None
        if len(self.open) >= MOST_OPEN:
            return None
        asked = [likeliest] if share >= _HALF else []
        asked += [Range(before=0, after=place) for place in range(1, self.ends.after)]
        asked = [question for question in asked if self._can_be_asked(question)]
        if not asked:
            return None
        best = min(asked, key=lambda question: abs(_share(chances, question) - _HALF))
        unsure = _WORTH_ASKING < _share(chances, best) < 1.0 - _WORTH_ASKING
        return best if unsure else None

    def suspected(self) -> Range:
        """The fewest commits, next to each other, that hold the culprit for certain."""
        if self._odds is None:
            return self.ends
        places = self._told_apart()
        until = np.concatenate([[0.0], np.cumsum(self._odds.chances())])[places]
        ends = np.searchsorted(until, until + CERTAIN)
        found = [
            Range(before=place, after=places[end])
            for place, end in zip(places, ends.tolist(), strict=True)
            if end < len(places)
        ]
        return min(found, key=len, default=self.ends)

    def certainty(self, suspects: Range) -> float:
        """The probability that the culprit is among these commits."""
        return 1.0 if self._odds is None else _share(self._odds.chances(), suspects)

    def change(self, question: Range) -> Change:
        """The change between two commits that were asked, from their own pairs alone.

        How noisy the machine is all other pairs tell too.
        """
        noise = self._gate.weighing.noise
        if self._odds is not None:
            noise = replace(noise, prior=self._weighed(without=question).spreads())
        (found,) = changes_of([self.differences[question]], noise)
        return found

    def more_pairs(self) -> int:
        """A guess at the pairs still to come: open bits over the bits that a pair gave so far."""
        all_bits = math.log2(len(self.ends))
        if self._odds is None:
            to_confirm = self._gate.more_pairs_needed() or LEAST_PAIRS
            return to_confirm + math.ceil(all_bits) + LEAST_PAIRS
        chances = self._odds.chances()
        groups = self._groups()
        shares = np.array([_share(chances, group) for group in groups])
        bits = -float(np.sum(shares * np.log2(np.maximum(shares, 1e-12))))
        asked = sum(self.pairs(question) for question in self.differences if question != self.ends)
        rate = (all_bits - bits) / asked if asked else _MOST_BITS_A_PAIR
        rate = min(max(rate, _LEAST_BITS_A_PAIR), _MOST_BITS_A_PAIR)
        likeliest = groups[int(shares.argmax())]
        return math.ceil(bits / rate) + max(0, LEAST_PAIRS - self.pairs(likeliest))

    def _weighed(self, *, without: Range | None = None) -> Odds:
        """The odds anew, from every pair so far but those of one question."""
        noise = self._gate.weighing.noise
        (whole,) = changes_of([self.differences[self.ends]], noise)
        odds = Odds.of(suspects=len(self.ends), whole=whole, noise=noise)
        for question, differences in self.differences.items():
            for difference in differences if question != without else ():
                odds.observe(question.before, question.after, difference)
        return odds

    def _can_be_asked(self, question: Range) -> bool:
        places = {question.before, question.after}
        return not places & self.skipped and question not in self.open

    def _stays_open(self, question: Range) -> bool:
        """Whether more pairs would not tell slower from equal: a part of the whole change."""
        if self.pairs(question) >= self.most_pairs:
            return True
        if self.pairs(question) < LEAST_PAIRS or self._odds is None:
            return False
        low, high = _DOUBTFUL
        if not low < _share(self._odds.chances(), question) < high:
            return False
        seen, whole = self.change(question), self.change(self.ends)
        return seen.low > 1.0 and seen.high < whole.low

    def _told_apart(self) -> list[int]:
        """The places where a group of suspects may end: not those that never answered."""
        answered = {place for one in self.differences for place in (one.before, one.after)}
        silent = self.skipped - answered
        return [place for place in range(self.ends.after + 1) if place not in silent]

    def _groups(self) -> list[Range]:
        """The suspects in groups that pairs can tell apart: single ones but for what is skipped."""
        return [Range(before=one, after=other) for one, other in pairwise(self._told_apart())]


def _share(chances: Floats, suspects: Range) -> float:
    """How likely the culprit is among them; of a question: how likely its answer is "slower"."""
    return float(chances[suspects.before : suspects.after].sum())
