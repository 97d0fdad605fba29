"""Series whose changes are known, because they were put in; pure, from fixed seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.history.noise import Draw, Floats, normal, student

PERCENT_OF_NOISE = 0.02
"""One unit of noise is two per cent of the level, and the level is 100 ms."""
SIZES = (1.0, 1.5, 2.0, 3.0, 5.0)
LENGTHS = (10, 30, 100, 300)
SHIFTS = 9


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Series:
    """Values in time, the places where a new level begins, and the row of the table it is in."""

    row: tuple[str, ...]
    values: Floats
    changes: tuple[int, ...] = ()


def levels_of(noise: Floats) -> Floats:
    """Milliseconds, from units of noise."""
    values: Floats = 100.0 * np.exp(PERCENT_OF_NOISE * noise)
    return values


def unchanged(
    families: Mapping[str, Draw], *, seed: int, count: int, plain: int, points: int
) -> Iterator[Series]:
    """Noise of every family, and nothing else; ``plain`` series of the normal one."""
    for place, (name, draw) in enumerate(families.items()):
        for number in range(plain if draw is normal else count):
            random = np.random.default_rng([seed, 1, place, number])
            yield Series(row=(name,), values=levels_of(draw(random, points)))


def single_spikes(*, seed: int, count: int, points: int) -> Iterator[Series]:
    """Normal noise with a spike of 30 units in every 50 points: of one, two or three points."""
    for long in (1, 2, 3):
        for number in range(count):
            random = np.random.default_rng([seed, 2, long, number])
            noise = random.normal(size=points)
            for start in range(25, points, 50):
                noise[start : start + long] += 30.0
            yield Series(row=(f"{long} in a row",), values=levels_of(noise))


def shifted(*, seed: int, count: int) -> Iterator[Series]:
    """Levels of every length that differ by every size: wandering, and up and back again."""
    noises: Mapping[str, Draw] = {"normal": normal, "Student 4": student(4.0)}
    for place, (name, draw) in enumerate(noises.items()):
        for length in LENGTHS:
            for size in SIZES:
                for shape in ("wandering", "up and back"):
                    for number in range(count):
                        key = [seed, 3, place, length, int(10 * size), len(shape), number]
                        random = np.random.default_rng(key)
                        noise = draw(random, length * (SHIFTS + 1))
                        yield Series(
                            row=(name, shape, str(length), f"{size:g}"),
                            values=levels_of(noise + size * _levels(shape, length, random)),
                            changes=tuple(length * (one + 1) for one in range(SHIFTS)),
                        )


def _levels(shape: str, length: int, random: np.random.Generator) -> Floats:
    if shape == "wandering":
        heights = np.cumsum(random.choice([-1.0, 1.0], SHIFTS + 1))
    else:
        heights = np.arange(SHIFTS + 1) % 2.0
    return np.repeat(heights, length)
