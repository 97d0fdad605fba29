"""Draws every series, asks every method once, and scores the answers; prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.history import nightly
from benchmarks.history.methods import OURS, PEERS, Answer, ask_peer, ask_perfgate
from benchmarks.history.noise import (
    REPORTING,
    REPORTING_SEED,
    TUNING,
    TUNING_SEED,
    Draw,
    Floats,
    normal,
)
from benchmarks.history.scoring import WITHIN, Score, total
from benchmarks.history.series import Series, levels_of, shifted, single_spikes, unchanged

LONG = 10_000


@dataclass(frozen=True, kw_only=True)
class Size:
    """Series of each family, of each cell of the grid of shifts, and of each real stretch.

    Of plain noise there are more, as false alarms are rare there and come in pairs.
    """

    unchanged: int = 20
    plain: int = 200
    points: int = 2000
    shifted: int = 8
    injected: int = 8


QUICK = Size(unchanged=2, plain=10, shifted=1, injected=1)


@dataclass(frozen=True, kw_only=True)
class Alerts:
    """Upward alerts of a replay, of so many nights' values."""

    alerts: int
    points: int

    @property
    def per_1000(self) -> float:
        return 1000.0 * self.alerts / self.points


@dataclass(frozen=True, kw_only=True)
class Found:
    """What one method made of all of it; scores by the rows of their series."""

    quiet: Mapping[tuple[str, ...], Score]
    spikes: Mapping[tuple[str, ...], Score]
    shifts: Mapping[tuple[str, ...], Score]
    real: Mapping[tuple[str, ...], Score]
    injected: Mapping[tuple[str, ...], Score]
    replay: Alerts | None
    whole_s: float
    appended_s: float


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Every method's findings by its name; the rule of five is there where real files are."""

    methods: Mapping[str, Found]
    rule_of_five: Alerts | None
    files: int


def measure(
    size: Size, *, tuning: bool, real: Path | None, folder: Path, told: Callable[[str], None]
) -> Figures:
    """Everything in one run; environments of peers are made in ``folder``."""
    families, seed = (TUNING, TUNING_SEED) if tuning else (REPORTING, REPORTING_SEED)
    parts = _drawn(size, families, seed)
    cases, files = nightly.read(real) if real else ({}, 0)
    lines = [line for _, line in nightly.lines(cases)]
    if cases:
        parts["real"] = list(nightly.stretches(cases))
        parts["injected"] = list(nightly.injected(parts["real"], seed=seed, count=size.injected))
    known = [night for line in lines for night in nightly.nights_of(line)]
    everything = [one.values for part in parts.values() for one in part] + known
    long = levels_of(normal(np.random.default_rng([seed, 5]), LONG))
    methods = {}
    for name, ask in _methods(folder):
        told(f"{name}: {len(everything)} series, {sum(map(len, everything))} points")
        methods[name] = _scored(ask(everything, long), parts, lines)
    of_five = sum(nightly.rule_of_five(night) for night in known)
    return Figures(
        methods=methods,
        rule_of_five=Alerts(alerts=of_five, points=len(known)) if known else None,
        files=files,
    )


def _drawn(size: Size, families: Mapping[str, Draw], seed: int) -> dict[str, list[Series]]:
    quiet = unchanged(
        families, seed=seed, count=size.unchanged, plain=size.plain, points=size.points
    )
    spikes = single_spikes(seed=seed, count=size.unchanged, points=size.points)
    shifts = shifted(seed=seed, count=size.shifted)
    return {"quiet": list(quiet), "spikes": list(spikes), "shifts": list(shifts)}


def _methods(
    folder: Path,
) -> Iterator[tuple[str, Callable[[Sequence[Floats], Floats], Answer]]]:
    yield OURS, ask_perfgate
    for peer in PEERS:
        yield peer.name, partial(ask_peer, peer, folder)


def _scored(
    answer: Answer, parts: Mapping[str, Sequence[Series]], lines: Sequence[Floats]
) -> Found:
    places = iter(answer.found)
    scores: dict[str, dict[tuple[str, ...], Score]] = {"real": {}, "injected": {}}
    for part, series in parts.items():
        rows: dict[tuple[str, ...], Score] = {}
        for one in series:
            rows[one.row] = rows.get(one.row, Score()) + Score.of(one, next(places))
        scores[part] = rows
    alerts = sum(_alerts(line, [next(places) for _ in line]) for line in lines)
    points = sum(len(line) for line in lines)
    return Found(
        **scores,
        replay=Alerts(alerts=alerts, points=points) if points else None,
        whole_s=answer.whole_s,
        appended_s=answer.appended_s,
    )


def _alerts(line: Floats, nights: Sequence[Sequence[int]]) -> int:
    """New upward change points, night by night: none within five nights of one that was told."""
    known: list[int] = []
    for count, places in enumerate(nights, start=1):
        ends = [0, *places, count]
        levels = [np.median(line[a:b]) for a, b in pairwise(ends)]
        for place, before, after in zip(places, levels, levels[1:], strict=False):
            if after > before and all(abs(place - other) > WITHIN for other in known):
                known.append(place)
    return len(known)


def mean_false_per_1000(rows: Mapping[tuple[str, ...], Score]) -> float:
    """Every family counts the same, however many series it has."""
    return float(np.mean([one.false_per_1000 for one in rows.values()]))


def sum_of(rows: Mapping[tuple[str, ...], Score]) -> Score:
    """All rows together."""
    return total(rows.values())
