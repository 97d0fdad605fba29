"""Real results of nightly runs of sglang: read from its files where they are; nothing is kept.

The files hold one latency a case and night, heavy-tailed and with configuration changes in them.
Three things are made of them: the series as they are, to be replayed night by night; stretches in
which nothing lasting is to be seen; and series drawn from such stretches, with shifts put in.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.history.noise import Floats
from benchmarks.history.series import Series

RESTARTS = {
    "wan22_t2v_a14b_720p": "2026-04-04",
    "wan22_i2v_a14b_720p": "2026-04-04",
}
"""Configuration changes whose night is known: from here on the default number of steps, not 2."""

STRETCHES = (
    ("flux1_dev_t2i_1024", "2026-03-26", "2026-05-17"),
    ("flux2_dev_t2i_1024", "2026-03-26", "2026-05-17"),
    ("qwen_image_2512_t2i_1024", "2026-03-29", "2026-05-08"),
    ("qwen_image_edit_2511", "2026-04-05", "2026-05-17"),
    ("zimage_turbo_t2i_1024", "2026-04-05", "2026-05-03"),
    ("wan22_t2v_a14b_720p", "2026-04-05", "2026-05-08"),
    ("wan22_i2v_a14b_720p", "2026-04-05", "2026-05-03"),
    ("wan22_ti2v_5b_720p", "2026-03-26", "2026-04-28"),
)
"""Case, first and last night: chosen by eye, as lasting shifts go, before any method saw them."""

BLOCK = 5
LENGTH = 50
SHIFTS = 5
PERCENTS = (1, 2, 3, 5, 10)


@dataclass(frozen=True, kw_only=True)
class Night:
    """One latency of a case; ``date`` is its file's day."""

    date: str
    seconds: float


def read(folder: Path) -> tuple[Mapping[str, Sequence[Night]], int]:
    """The measured nights of each case in order of time, and how many files there are."""
    documents = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
        if not path.name.startswith("config")
    ]
    cases: dict[str, list[Night]] = defaultdict(list)
    for document in sorted(documents, key=lambda one: str(one["timestamp"])):
        for cell in document["results"]:
            if cell["latency_s"] is not None:
                night = Night(date=document["timestamp"][:10], seconds=cell["latency_s"])
                cases[cell["case_id"]].append(night)
    return cases, len(documents)


def lines(cases: Mapping[str, Sequence[Night]]) -> Iterator[tuple[str, Floats]]:
    """Each case's series, from its known configuration change on a new one."""
    for case, nights in cases.items():
        restart = RESTARTS.get(case, "")
        for part in (
            [night.seconds for night in nights if night.date < restart],
            [night.seconds for night in nights if night.date >= restart],
        ):
            if part:
                yield case, np.array(part)


def stretches(cases: Mapping[str, Sequence[Night]]) -> Iterator[Series]:
    """The stretches without a lasting shift, as they are."""
    for case, first, last in STRETCHES:
        seconds = [night.seconds for night in cases[case] if first <= night.date <= last]
        yield Series(row=(case,), values=np.array(seconds))


def injected(real: Sequence[Series], *, seed: int, count: int) -> Iterator[Series]:
    """Shifts of so many per cent every 50 points in series drawn from the stretches.

    Drawn are blocks of five nights in a row, as ratios to the stretch's median.
    """
    for place, stretch in enumerate(real):
        ratios = stretch.values / np.median(stretch.values)
        for percent in PERCENTS:
            for number in range(count):
                random = np.random.default_rng([seed, 4, place, percent, number])
                starts = random.integers(0, len(ratios) - BLOCK + 1, LENGTH * (SHIFTS + 1) // BLOCK)
                drawn = ratios[(starts[:, None] + np.arange(BLOCK)).ravel()]
                heights = (1.0 + percent / 100.0) ** np.cumsum(random.choice([-1, 1], SHIFTS + 1))
                yield Series(
                    row=(f"{percent} %",),
                    values=100.0 * drawn * np.repeat(heights, LENGTH),
                    changes=tuple(LENGTH * (one + 1) for one in range(SHIFTS)),
                )


def nights_of(line: Floats) -> Iterator[Floats]:
    """What is known each night: the line up to it."""
    for count in range(1, len(line) + 1):
        yield line[:count]


def rule_of_five(known: Floats) -> bool:
    """sglang's own rule: more than 5 % over the median of the five values before."""
    return len(known) > 5 and bool(known[-1] > 1.05 * np.median(known[-6:-1]))
