"""Draws what launches of a simulated machine take, in logarithms; knows no rule and no verdict.

A launch is the level of its job, plus what this launch was dealt (its own spread, a clock level,
an outlier), plus drift inside the job, plus the median of its steps, which follow each other
(AR(1)). Which side a launch is of is said afterwards, so that every rule, in whatever order it
launches, meets the same machine.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Tail: TypeAlias = Literal["normal", "t3", "t2.5", "exponential", "lognormal"]
Drift: TypeAlias = Literal["line", "wave", "walk"]

STEPS = 20
_JOB_LENGTH = 25
"""The launches over which ``drift`` is reached: a burn-in and twelve pairs."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """One kind of noise; every size is a log ratio, every share a probability per launch."""

    name: str
    launch: float
    """Standard deviation from launch to launch."""
    tail: Tail = "normal"
    head_factor: float = 1.0
    """How much wider head's launches spread than base's."""
    jump: float = 0.0
    jump_share: float = 0.0
    jump_stays: float = 0.0
    """Probability that a launch keeps the clock level of the one before."""
    outlier: float = 0.0
    """Mean of an outlier's (exponential) delay."""
    outlier_share: float = 0.0
    drift: float = 0.0
    drift_kind: Drift = "line"
    step: float = 0.003
    step_memory: float = 0.0
    """Correlation of a step with the one before."""
    job: float = 0.5
    """Spread from job to job in units of ``launch``."""
    busy: float = 0.0
    """How much the spread itself differs from job to job: of its logarithm, a standard deviation.
    A job's own jumps and outliers keep their sizes."""
    past: Family | None = None
    """What the machine was like in the jobs before this one, where it has changed since."""


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """Launches of many jobs in the order of time: arrays of jobs by launches (by steps)."""

    machine: Floats
    own: Floats
    steps: Floats
    head_factor: float

    def times(self, heads: Bools) -> Floats:
        """The logarithm of every launch, where ``heads`` says which launches are head's."""
        return np.asarray(self._level(heads) + np.median(self.steps, axis=2))

    def step_times(self, heads: Bools) -> Floats:
        """The logarithm of every step of every launch."""
        return np.asarray(self._level(heads)[:, :, None] + self.steps)

    def _level(self, heads: Bools) -> Floats:
        return np.asarray(self.machine + self.own * np.where(heads, self.head_factor, 1.0))


def generator(family: Family, *, seed: int, part: int) -> np.random.Generator:
    """The random numbers of one part of a family's trials; other families share none of them."""
    return np.random.default_rng([seed, zlib.crc32(family.name.encode()), part])


def draw(family: Family, rng: np.random.Generator, *, jobs: int, launches: int) -> Jobs:
    """Independent jobs of so many launches each."""
    size = (jobs, launches)
    machine = rng.normal(0.0, family.job * family.launch, (jobs, 1)) + _drift(family, rng, size)
    if family.jump:
        machine = machine + family.jump * _slow_clock(family, rng, size)
    if family.outlier_share:
        hit = rng.random(size) < family.outlier_share
        machine = machine + hit * rng.exponential(family.outlier, size)
    own = family.launch * _deviates(family.tail, rng, size)
    if family.busy:
        own = own * np.exp(rng.normal(0.0, family.busy, (jobs, 1)))
    return Jobs(
        machine=machine,
        own=own,
        steps=_steps(family, rng, size),
        head_factor=family.head_factor,
    )


def _deviates(tail: Tail, rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Deviates with mean 0 (lognormal: median 0) and standard deviation 1; t: of its bulk."""
    if tail == "t3":
        return rng.standard_t(3.0, size) / math.sqrt(3.0)
    if tail == "t2.5":
        return rng.standard_t(2.5, size) / math.sqrt(5.0)
    if tail == "exponential":
        return rng.exponential(1.0, size) - 1.0
    if tail == "lognormal":
        spread = 0.6
        return np.expm1(spread * rng.normal(size=size)) / 0.78  # its standard deviation
    return rng.normal(size=size)


def _slow_clock(family: Family, rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """1 where a launch met the slow clock level: drawn anew, or kept from the launch before."""
    level = (rng.random(size) < family.jump_share).astype(np.float64)
    if family.jump_stays:
        kept = rng.random(size) < family.jump_stays
        for launch in range(1, size[1]):
            level[:, launch] = np.where(kept[:, launch], level[:, launch - 1], level[:, launch])
    return level


def _drift(family: Family, rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """What heat and neighbours do inside a job; each job draws its own direction."""
    jobs, launches = size
    along = np.arange(launches) / _JOB_LENGTH
    if family.drift_kind == "walk":
        steps = rng.normal(0.0, family.drift / np.sqrt(_JOB_LENGTH), size)
        return np.asarray(np.cumsum(steps, axis=1))
    amount = family.drift * rng.uniform(-1.0, 1.0, (jobs, 1))
    if family.drift_kind == "wave":
        return amount * np.sin(2.0 * np.pi * (along + rng.random((jobs, 1))))
    return amount * along


def _steps(family: Family, rng: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Steps of a launch around 0 with standard deviation ``step``."""
    steps = rng.normal(size=(*size, STEPS))
    memory = family.step_memory
    if memory:
        for step in range(1, STEPS):
            fresh = np.sqrt(1.0 - memory**2) * steps[:, :, step]
            steps[:, :, step] = memory * steps[:, :, step - 1] + fresh
    return np.asarray(family.step * steps)
