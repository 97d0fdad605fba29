"""Writes the figures as Markdown beside the goals; runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.history.figures import Figures, Found, mean_false_per_1000, sum_of
from benchmarks.history.methods import OTAVA, OURS
from benchmarks.history.scoring import Score
from benchmarks.history.series import LENGTHS, SIZES
from benchmarks.verdict.table import markdown

Rows = Mapping[tuple[str, ...], Score]

MOST_S = 0.1
MOST_APPENDED_S = 0.005


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One figure beside what it has to reach."""

    figure: str
    goal: str
    found: str
    met: bool


def goals_of(figures: Figures) -> list[Goal]:
    """Every goal, of perfgate beside apache-otava in the same run."""
    ours, otava = figures.methods[OURS], figures.methods[OTAVA.name]
    goals = [
        _fewer(
            "false alarms, mean of the families",
            mean_false_per_1000(ours.quiet),
            mean_false_per_1000(otava.quiet),
        ),
        _fewer(
            "false alarms, plain noise",
            ours.quiet["normal",].false_per_1000,
            otava.quiet["normal",].false_per_1000,
        ),
        _recall("recall, synthetic shifts", sum_of(ours.shifts), sum_of(otava.shifts)),
    ]
    if ours.injected:
        goals.append(_recall("recall, real noise", sum_of(ours.injected), sum_of(otava.injected)))
    return [
        *goals,
        Goal(
            figure="10,000 points",
            goal=f"≤ {MOST_S:g} s",
            found=f"{ours.whole_s:.3f} s",
            met=ours.whole_s <= MOST_S,
        ),
        Goal(
            figure="one appended point",
            goal=f"≤ {1e3 * MOST_APPENDED_S:g} ms",
            found=f"{1e3 * ours.appended_s:.2f} ms",
            met=ours.appended_s <= MOST_APPENDED_S,
        ),
    ]


def _fewer(figure: str, ours: float, otava: float) -> Goal:
    limit = otava / 10.0
    return Goal(
        figure=figure,
        goal=f"≤ {limit:.3f} per 1,000 points, a tenth of Otava's",
        found=f"{ours:.3f}",
        met=ours <= limit,
    )


def _recall(figure: str, ours: Score, otava: Score) -> Goal:
    return Goal(
        figure=figure,
        goal=f"≥ {_percent(otava.recall)}, Otava's",
        found=_percent(ours.recall),
        met=ours.recall >= otava.recall,
    )


def goal_table(goals: Sequence[Goal]) -> str:
    return markdown(
        ("figure", "goal", "found", ""),
        [(one.figure, one.goal, one.found, "met" if one.met else "**missed**") for one in goals],
    )


def overview(figures: Figures) -> str:
    """One row a method."""
    rows = []
    for name, found in figures.methods.items():
        rows.append(
            (
                name,
                _percent(sum_of(found.shifts).recall),
                _beside(sum_of(found.shifts)),
                *((_percent(sum_of(found.injected).recall),) if found.injected else ()),
                *((_beside(sum_of(found.injected)),) if found.injected else ()),
                f"{mean_false_per_1000(found.quiet):.3f}",
                _per_1000(found.quiet["normal",]),
                f"{found.whole_s:.3f}",
                f"{1e3 * found.appended_s:.2f}",
            )
        )
    real = ("recall, real noise", "beside a shift") if figures.files else ()
    heads = ("method", "recall, synthetic", "beside a shift", *real)
    quiet = ("false per 1,000, mean of families", "of plain noise")
    return markdown((*heads, *quiet, "s for 10,000 points", "ms a point appended"), rows)


def noise_table(figures: Figures) -> str:
    """False alarms per 1,000 points of each family, and after single spikes."""
    return _side_by_side(
        figures,
        "noise",
        lambda found: {**found.quiet, **found.spikes},
        _per_1000,
    )


def injected_table(figures: Figures) -> str:
    """Recall on real noise by the size of the shift."""
    return _side_by_side(
        figures, "shift", lambda found: found.injected, lambda one: _percent(one.recall)
    )


def stretch_table(figures: Figures) -> str:
    """Change points in real stretches in which nothing lasting is to be seen."""
    return _side_by_side(
        figures,
        "case",
        lambda found: found.real,
        lambda one: f"{one.false} on {one.points}",
    )


def recall_table(figures: Figures) -> str:
    """Recall by the length of levels (rows) and size of shifts (columns), each method's."""
    rows = []
    for length in LENGTHS:
        for name, found in figures.methods.items():
            cells = [_percent(_cell(found.shifts, length, size).recall) for size in SIZES]
            rows.append((str(length), name, *cells))
    return markdown(("points a level", "method", *(f"{size:g} noise" for size in SIZES)), rows)


def _cell(rows: Rows, length: int, size: float) -> Score:
    return sum_of({row: one for row, one in rows.items() if row[2:] == (str(length), f"{size:g}")})


def replay_table(figures: Figures) -> str:
    """Upward alerts night by night."""
    found = [(name, one.replay) for name, one in figures.methods.items() if one.replay is not None]
    if figures.rule_of_five:
        found.append(("5 % over the median of five", figures.rule_of_five))
    return markdown(
        ("rule", "alerts", "values", "per 1,000"),
        [(name, str(one.alerts), str(one.points), f"{one.per_1000:.1f}") for name, one in found],
    )


def _side_by_side(
    figures: Figures,
    head: str,
    rows_of: Callable[[Found], Rows],
    told: Callable[[Score], str],
) -> str:
    names = list(figures.methods)
    by_method = [rows_of(figures.methods[name]) for name in names]
    rows = [(*row, *(told(one[row]) for one in by_method)) for row in by_method[0]]
    return markdown((head, *names), rows)


def _percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"


def _per_1000(score: Score) -> str:
    return f"{score.false_per_1000:.3f}"


def _beside(score: Score) -> str:
    """Change points that hit nothing, for each change that is there."""
    return f"{score.false / score.changes:.3f}"


def all_of(figures: Figures) -> list[str]:
    """Every table under its heading."""
    tables = [
        "### Goals",
        goal_table(goals_of(figures)),
        "### The methods",
        overview(figures),
        "### Recall, synthetic shifts",
        recall_table(figures),
        "### False alarms per 1,000 points, and spikes of 30 times the noise every 50 points",
        noise_table(figures),
    ]
    if not figures.files:
        return tables
    return [
        *tables,
        "### Recall, shifts put into real noise",
        injected_table(figures),
        "### Change points in real stretches without a lasting shift",
        stretch_table(figures),
        "### Replayed night by night",
        replay_table(figures),
    ]
