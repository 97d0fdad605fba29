"""Noise of mean zero to draw series from: one family for each way in which measurements misbehave.

The detector's constants were chosen on ``TUNING``; what is reported is ``REPORTING``, with other
shapes and other seeds. The unit of all of them is about one standard deviation of the noise from
one point to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]


def normal(random: np.random.Generator, count: int) -> Floats:
    drawn: Floats = random.normal(size=count)
    return drawn


def student(freedom: float) -> Draw:
    """Student's t, scaled to the standard deviation 1."""
    scale = np.sqrt((freedom - 2.0) / freedom)
    return lambda random, count: random.standard_t(freedom, size=count) * scale


def laplace(random: np.random.Generator, count: int) -> Floats:
    drawn: Floats = random.laplace(size=count) / np.sqrt(2.0)
    return drawn


def logistic(random: np.random.Generator, count: int) -> Floats:
    drawn: Floats = random.logistic(size=count) * np.sqrt(3.0) / np.pi
    return drawn


def log_normal(random: np.random.Generator, count: int) -> Floats:
    drawn: Floats = (np.exp(0.6 * random.normal(size=count)) - np.exp(0.18)) / 0.7
    return drawn


def gamma(random: np.random.Generator, count: int) -> Floats:
    """Skewed: a floor that is often reached, and a long way up."""
    shape = 2.0
    drawn: Floats = (random.gamma(shape, size=count) - shape) / np.sqrt(shape)
    return drawn


def autoregressive(share: float) -> Draw:
    """Each point keeps this share of the one before."""

    def draw(random: np.random.Generator, count: int) -> Floats:
        steps = random.normal(size=count + 100) * np.sqrt(1.0 - share * share)
        for index in range(1, len(steps)):
            steps[index] += share * steps[index - 1]
        drawn: Floats = steps[100:]
        return drawn

    return draw


def spikes(share: float, least: float, most: float) -> Draw:
    """Normal, with this share of points far up."""

    def draw(random: np.random.Generator, count: int) -> Floats:
        up = random.uniform(least, most, count) * (random.random(count) < share)
        return random.normal(size=count) + up

    return draw


def changing_size(every: int, spread: float) -> Draw:
    """Normal, of another size every so many points; ``spread`` is that of the size's logarithm."""

    def draw(random: np.random.Generator, count: int) -> Floats:
        sizes = np.exp(random.normal(0.0, spread, count // every + 1))
        return np.repeat(sizes, every)[:count] * random.normal(size=count)

    return draw


def growing(random: np.random.Generator, count: int) -> Floats:
    """Normal, three times as large at the end as at the beginning."""
    return np.linspace(0.5, 1.5, count) * random.normal(size=count)


def sine(random: np.random.Generator, count: int) -> Floats:
    """Normal on a slow wave of 1,000 points, 2 up and 2 down."""
    phase = np.arange(count) / 1000.0 + random.random()
    return random.normal(size=count) + 2.0 * np.sin(2.0 * np.pi * phase)


def slope(per_1000: float) -> Draw:
    """Normal on a line that rises by so much in 1,000 points."""
    return lambda random, count: random.normal(size=count) + np.arange(count) * per_1000 / 1e3


def walk(step: float) -> Draw:
    """Normal on a random walk."""
    return lambda random, count: (
        random.normal(size=count) + np.cumsum(random.normal(size=count)) * step
    )


def modes(share: float, width: float) -> Draw:
    """Two modes 2 apart; this share of points, at random, is in the upper one."""
    return lambda random, count: (
        random.normal(size=count) * width + 2.0 * (random.random(count) < share)
    )


def rounded(random: np.random.Generator, count: int) -> Floats:
    """A clock that tells two standard deviations apart."""
    return np.round(random.normal(size=count) / 2.0) * 2.0


TUNING: Mapping[str, Draw] = {
    "normal": normal,
    "Laplace": laplace,
    "Student 3": student(3.0),
    "log-normal": log_normal,
    "AR 0.3": autoregressive(0.3),
    "AR 0.6": autoregressive(0.6),
    "spikes 2 %": spikes(0.02, 5.0, 40.0),
    "changing size": changing_size(100, 0.7),
    "wave": sine,
    "slope 2": slope(2.0),
    "walk 0.03": walk(0.03),
    "modes 30 %": modes(0.3, 0.25),
    "modes 50 %": modes(0.5, 0.1),
    "rounded": rounded,
}
TUNING_SEED = 1

REPORTING: Mapping[str, Draw] = {
    "normal": normal,
    "logistic": logistic,
    "Student 4": student(4.0),
    "Student 2.5": student(2.5),
    "gamma": gamma,
    "AR 0.2": autoregressive(0.2),
    "AR 0.45": autoregressive(0.45),
    "spikes 3 %": spikes(0.03, 8.0, 60.0),
    "changing size": changing_size(150, 0.9),
    "growing": growing,
    "slope -3": slope(-3.0),
    "walk 0.02": walk(0.02),
    "modes 20 %": modes(0.2, 0.3),
    "modes 40 %": modes(0.4, 0.2),
    "rounded": rounded,
}
REPORTING_SEED = 37_904_411
