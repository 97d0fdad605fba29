"""Writes what the searches found as Markdown beside the goal; runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scipy import stats  # type: ignore[import-untyped]

from benchmarks.bisect.simulated import GATES, NO_HISTORY, OURS, SIZES, USUAL_SIZE, Tally
from benchmarks.verdict.table import markdown
from perfgate.report.words import NOTHING

GOAL = 0.95
"""Nineteen of twenty."""

Tallies = Mapping[tuple[str, str], Tally]


def family_table(families: Sequence[str], tallies: Tallies) -> str:
    """A row a family: how often each search was right, and what it took."""
    heads = (
        "noise",
        f"{OURS}: found (95 % interval)",
        "wrong",
        "not one named",
        "launches",
        "found, no history",
        "launches, no history",
        f"{GATES}: found",
        "launches",
        f"{USUAL_SIZE} pairs a step: found",
        "launches",
        f"least size found in {GOAL:.0%}".replace("%", " %"),
        "launches",
    )
    return markdown(heads, [_row(family, tallies) for family in families])


def _row(family: str, tallies: Tallies) -> tuple[str, ...]:
    own, bare = tallies[family, OURS], tallies[family, NO_HISTORY]
    gates, usual = tallies[family, GATES], tallies[family, fixed_name(USUAL_SIZE)]
    least = least_size(family, tallies)
    open_ = own.tries - own.found - own.ends.get("wrong", 0)
    return (
        family,
        rate(own.found, own.tries),
        str(own.ends.get("wrong", 0)),
        str(open_),
        f"{own.mean_launches:.1f}",
        _percent(bare.share),
        f"{bare.mean_launches:.1f}",
        _percent(gates.share),
        f"{gates.mean_launches:.1f}",
        _percent(usual.share),
        f"{usual.mean_launches:.0f}",
        "none" if least is None else str(least),
        NOTHING if least is None else f"{tallies[family, fixed_name(least)].mean_launches:.0f}",
    )


def least_size(family: str, tallies: Tallies) -> int | None:
    """The smallest fixed size that finds often enough in this family; None where none does."""
    return next(
        (size for size in SIZES if tallies[family, fixed_name(size)].share >= GOAL),
        None,
    )


def fixed_name(size: int) -> str:
    return f"{size} pairs a step"


def size_table(families: Sequence[str], tallies: Tallies) -> str:
    """A row a search: the worst family, how many families it serves, and what it takes."""
    names = [OURS, NO_HISTORY, GATES, *(fixed_name(size) for size in SIZES)]
    rows = []
    for name in names:
        worst = min(families, key=lambda family: tallies[family, name].share)
        served = sum(tallies[family, name].share >= GOAL for family in families)
        launches = [tallies[family, name].mean_launches for family in families]
        rows.append(
            (
                name,
                f"{_percent(tallies[worst, name].share)} ({worst})",
                f"{served} of {len(families)}",
                f"{sum(launches) / len(launches):.1f}",
                f"{max(launches):.0f}",
            )
        )
    heads = ("search", "found, worst noise", "noises with 95 %", "mean launches", "at most a noise")
    return markdown(heads, rows)


def rate(count: int, of: int) -> str:
    """A share with its Clopper-Pearson interval."""
    found = stats.binomtest(count, of).proportion_ci(confidence_level=0.95, method="exact")
    return f"{_percent(count / of)} ({100 * found.low:.1f} to {100 * found.high:.1f})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
