"""perfgate's own rules on simulated trials: the shipped ``SequentialGate`` itself, pair by pair."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from benchmarks.verdict.noise import Floats
from benchmarks.verdict.trial import SCREEN_JOBS, Trials
from perfgate.verdict.baseline import predict
from perfgate.verdict.judge import SCREEN_SHARE_OF_MISS
from perfgate.verdict.sequential import Policy, SequentialGate

_REFERENCE_MS = 1000.0


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """What a rule said of each trial, and how many launches that took."""

    blocked: npt.NDArray[np.bool_]
    passed: npt.NDArray[np.bool_]
    launches: Floats


def paired(
    trials: Trials, slowdown: float, *, with_history: bool = True, policy: Policy | None = None
) -> Outcomes:
    """Strategy ``paired``: a head burn-in, then pairs until the gate decides."""
    base, head = trials.pairs(screened=False)
    ends = [
        _pairs(
            policy or Policy(),
            base=base[trial],
            head=head[trial] + math.log1p(slowdown),
            history=trials.history[trial] if with_history else np.empty(0),
        )
        for trial in range(len(trials))
    ]
    return _outcomes(ends)


def auto(trials: Trials, slowdown: float) -> Outcomes:
    """Strategy ``auto``: the screen on two head launches, then pairs with what it left of miss."""
    policy = Policy()
    rest = replace(policy, miss=policy.miss * (1.0 - SCREEN_SHARE_OF_MISS))
    base, head = trials.pairs(screened=True)
    slower = math.log1p(slowdown)
    first_two = trials.head_run(2) + slower
    ends = []
    for trial in range(len(trials)):
        if _screen_passes(trials.past[trial, :SCREEN_JOBS], first_two[trial], policy):
            ends.append(("passed", 2))
            continue
        history = trials.history[trial]
        ends.append(
            _pairs(rest, base=base[trial], head=head[trial] + slower, history=history),
        )
    return _outcomes(ends)


def baseline(trials: Trials, slowdown: float) -> Outcomes:
    """Strategy ``baseline``: a burn-in and three head launches beside ten stored jobs of three.

    The arithmetic of :mod:`perfgate.verdict.against_baseline` for one metric.
    """
    policy = Policy()
    heads = trials.head_run(4)[:, 1:] + math.log1p(slowdown)
    states = []
    for trial in range(len(trials)):
        stored = trials.stored[trial].tolist()
        found = predict(stored, heads[trial].tolist())
        if found is not None and found.slower(level=policy.false_block, margin=policy.margin):
            states.append("regressed")
        elif found is not None and found.within(margin=policy.margin, miss=policy.miss):
            states.append("passed")
        else:
            states.append("inconclusive")
    return _outcomes([(state, 4) for state in states])


def _screen_passes(past: Floats, first_two: Floats, policy: Policy) -> bool:
    """The arithmetic of :func:`perfgate.verdict.screen.screen` for one metric."""
    found = predict([[faster] for faster in past.min(axis=1).tolist()], [float(first_two.min())])
    miss = policy.miss * SCREEN_SHARE_OF_MISS
    return found is not None and found.within(margin=policy.margin, miss=miss)


def _pairs(policy: Policy, *, base: Floats, head: Floats, history: Floats) -> tuple[str, int]:
    """The state in which the gate stopped, and the launches with the burn-in."""
    gate = SequentialGate(policy, history.tolist())
    base_ms, head_ms = _REFERENCE_MS * np.exp(base), _REFERENCE_MS * np.exp(head)
    while gate.state == "continue":
        gate.add(float(base_ms[gate.pairs]), float(head_ms[gate.pairs]))
    return gate.state, 1 + 2 * gate.pairs


def _outcomes(ends: list[tuple[str, int]]) -> Outcomes:
    states = np.array([state for state, _ in ends])
    return Outcomes(
        blocked=states == "regressed",
        passed=states == "passed",
        launches=np.array([launches for _, launches in ends], dtype=np.float64),
    )
