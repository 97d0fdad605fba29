"""Times what one observation costs; judges nothing."""

from __future__ import annotations

import statistics
import time

import numpy as np

from perfgate.verdict.sequential import Policy, SequentialGate

MOST_HISTORY = 200
_ROUNDS = 20


def observation_ms(history: int) -> float:
    """Milliseconds of one ``observe`` with so many stored differences: the median of many."""
    rng = np.random.default_rng(1)
    stored = rng.normal(0.0, 0.014, history)
    times = []
    for _ in range(_ROUNDS):
        gate = SequentialGate(Policy(), stored.tolist())
        for difference in rng.normal(0.0, 0.014, Policy().max_pairs):
            started = time.perf_counter()
            gate.observe(1000.0, 1000.0 * float(np.exp(difference)))
            times.append(time.perf_counter() - started)
    return 1e3 * statistics.median(times)
