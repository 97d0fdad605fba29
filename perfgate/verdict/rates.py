"""How often whole gates of equal sides were blocked, and whether that is known well enough; pure.

Turns of a resident server share its process: no theorem and no simulation says how often the rule
blocks an innocent change there. So whole gates of equal sides are run and counted.
"""

from __future__ import annotations

from perfgate.records import EqualGates, GatePolicy
from perfgate.verdict.wording import count

MIN_GATES = 20
"""With fewer the rate is hardly known: 0 of 20 leaves 17 % possible."""
_LEVEL = 0.95
_RULE = ("margin", "stage_margin", "stage_floor_ms", "false_block", "miss", "max_pairs")


def rule_of(policy: GatePolicy) -> dict[str, float]:
    """What of a policy moves the rate."""
    return {name: float(getattr(policy, name)) for name in _RULE}


def blocked_between(found: EqualGates) -> tuple[float, float]:
    """The exact 95 % interval of the rate of blocked gates, as fractions.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", 1934, doi:10.1093/biomet/26.4.404. Raises ValueError for no gate at all.
    """
    # Only suites with resident cases pay for the import.
    from scipy.special import betaincinv  # type: ignore[import-untyped]  # noqa: PLC0415

    blocked, rest = found.blocked, found.gates - found.blocked
    if not found.gates:
        raise ValueError("no gate was measured")
    tail = (1.0 - _LEVEL) / 2.0
    low = float(betaincinv(blocked, rest + 1, tail)) if blocked else 0.0
    high = float(betaincinv(blocked + 1, rest, 1.0 - tail)) if rest else 1.0
    return low, high


def rate_told(found: EqualGates) -> str:
    """``resident servers: 0 of 20 gates of equal sides were blocked (0 % to 17 %)``."""
    low, high = blocked_between(found)
    return (
        f"resident servers: {found.blocked} of {count(found.gates, 'gate')} of equal sides "
        f"{'was' if found.blocked == 1 else 'were'} blocked ({_percent(low)} to {_percent(high)})"
    )


def why_refused(found: EqualGates | None, policy: GatePolicy) -> str:
    """Why a case may not be judged from resident servers; empty where it may."""
    if found is None or found.gates < MIN_GATES:
        gates = count(0 if found is None else found.gates, "gate")
        return f"their error rate is known from {gates} of equal sides, and {MIN_GATES} are needed"
    rule = rule_of(policy)
    other = [name for name in rule if found.rule.get(name) != rule[name]]
    if other:
        return f"their error rate was measured by another rule ({', '.join(other)})"
    if blocked_between(found)[0] > policy.false_block:
        return f"{rate_told(found)}, more than the {_percent(policy.false_block)} of false_block"
    return ""


def _percent(fraction: float) -> str:
    return f"{100.0 * fraction:.2g} %"
