"""Says in a few numbers what an array holds, enough to estimate distances; keeps no array.

The sketch is the count sketch of Charikar, Chen and Farach-Colton ("Finding frequent items in data
streams", 2002): each element is added under a random sign to one of K random counters. It is
linear, so that the difference of two sketches is the sketch of the difference, and the sum of its
squares is an unbiased estimate of the squared distance d² with a variance of at most 2/K · d⁴ for
signs that are four-wise independent (Thorup and Zhang, "Tabulation-based 5-independent hashing with
applications to linear probing and second moment estimation", SIAM Journal on Computing 41(2),
2012): ±9 % of d² at K = 256, or ±0.4 dB of PSNR. The hash here is fixed and no such family; that
it keeps to this spread is tested by sampling.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

COUNTERS = 256
"""K. Both sketches of a comparison need the same number; another one is another format."""
_CHUNK = 1 << 18
_DIGITS = 9
"""Far below any tolerance, and half the length of every digit in a report."""

# The constants of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
# generators", 2014). Not numpy's or torch's generators: their streams may change with a version,
# and the sketches of base and head must never depend on that.
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_COUNTER_BITS = np.uint64(COUNTERS - 1)
_SIGN_SHIFT = np.uint64(63)


def summary(name: str, values: NDArray[Any], *, span: float | None = None) -> dict[str, Any]:
    """Name, shape, mean, population deviation, 2-norm and sketch, as they stand in a report.

    ``values`` may have any shape and any real type; everything is added up in fp64, a chunk at a
    time. ``span`` is from the least to the greatest value of a picture's scale, None for what is
    no picture. Raises ValueError for an array that is empty or holds a value that is not finite.
    """
    if values.size == 0:
        raise ValueError("it is empty")
    flat = values.reshape(-1)
    starts = range(0, flat.size, _CHUNK)
    sums, squares, away = [], [], []
    counters = np.zeros(COUNTERS)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in starts:
            part = flat[start : start + _CHUNK].astype(np.float64)
            sums.append(float(part.sum()))
            squares.append(float(np.dot(part, part)))
            counters += _counters(part, start)
        if not all(map(math.isfinite, squares)):
            raise ValueError("it holds a value that is not finite")
        mean = math.fsum(sums) / flat.size
        for start in starts:
            part = flat[start : start + _CHUNK].astype(np.float64) - mean
            away.append(float(np.dot(part, part)))
    return {
        "name": name,
        "shape": list(values.shape),
        "mean": mean,
        "deviation": math.sqrt(math.fsum(away) / flat.size),
        "norm": math.sqrt(math.fsum(squares)),
        "sketch": [float(f"{value:.{_DIGITS}g}") for value in counters],
        "span": span,
    }


def _counters(part: NDArray[np.float64], start: int) -> NDArray[np.float64]:
    """The sketch of elements ``start`` onwards."""
    hashed = _splitmix64(np.arange(start, start + part.size, dtype=np.uint64))
    signs = 1.0 - 2.0 * (hashed >> _SIGN_SHIFT).astype(np.float64)
    counters = (hashed & _COUNTER_BITS).astype(np.intp)
    return np.bincount(counters, weights=signs * part, minlength=COUNTERS).astype(np.float64)


def _splitmix64(index: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """64 well-mixed bits for each index; multiplication wraps, as it is meant to."""
    state = (index + np.uint64(1)) * _GAMMA
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    return state ^ (state >> np.uint64(31))
