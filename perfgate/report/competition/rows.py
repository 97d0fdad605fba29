"""Results across frameworks as rows and sentences; may not lay out, escape or decide anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from perfgate.records.results import Cell, Failure, Results
from perfgate.report.words import NOTHING, change, count, decimals, scale
from perfgate.verdict.competition import Place, Ranking, Spread, compiled_of, rankings, spread_of

SERVER = "server"
_MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One cell as a table shows it; ``good`` where it wins, ``bad`` where it has no number."""

    case: str
    framework: str
    told: str
    median: str = NOTHING
    range: str = NOTHING
    interval: str = NOTHING
    samples: str = NOTHING
    server: str = NOTHING
    good: bool = False
    bad: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What is told below the table: whose it is, and a sentence about it."""

    subject: str
    text: str


def rows_of(results: Results) -> list[Row]:
    """Every cell, case by case, the fastest first."""
    return [_row(ranking, place) for ranking in rankings(results.cells) for place in ranking.places]


def headline(results: Results) -> str:
    """``2 cases in 3 frameworks: 5 cells measured, 1 failed``."""
    cases = {cell.case for cell in results.cells}
    frameworks = {cell.framework for cell in results.cells}
    failed = sum(not cell.metrics for cell in results.cells)
    measured = count(len(results.cells) - failed, "cell") + " measured"
    where = f"{count(len(cases), 'case')} in {count(len(frameworks), 'framework')}"
    return f"{where}: {measured}" + (f", {failed} failed" if failed else "")


def winners(results: Results) -> list[Told]:
    """Who wins each case, and what compiled kernels bring, in sentences."""
    found = []
    for ranking in rankings(results.cells):
        if sentence := _winner(ranking):
            found.append(Told(subject=ranking.case, text=sentence))
        found += [
            Told(
                subject=ranking.case,
                text=f"{one.framework} compiled: {change(one.ratio)} against eager"
                + (f", which the launches do not support ({one.why_not})" if one.why_not else ""),
            )
            for one in compiled_of(ranking)
        ]
    return found


def failures(results: Results) -> list[Told]:
    """Every cell in which a launch failed, with what was said first and how often."""
    return [
        Told(subject=f"{cell.case} · {cell.framework}", text=_failures(cell))
        for cell in results.cells
        if cell.failures
    ]


def shown(milliseconds: float, *, beside: float) -> str:
    """A time in the unit and digits that ``beside``, both in milliseconds, is read in."""
    size, unit = scale(beside, "ms")
    return f"{milliseconds / size:.{decimals(beside / size)}f} {unit}"


def _row(ranking: Ranking, place: Place) -> Row:
    cell, spread = place.cell, place.spread
    if spread is None:
        return Row(
            case=cell.case,
            framework=cell.framework,
            told=_kinds(cell.failures),
            bad=True,
        )
    server = spread_of(cell, SERVER)
    return Row(
        case=cell.case,
        framework=cell.framework,
        median=shown(spread.median, beside=spread.median),
        range=_span((spread.least, spread.greatest), spread),
        interval=_span(spread.interval, spread),
        samples=f"{spread.samples} in {count(len(spread.launches), 'launch', 'launches')}",
        server=NOTHING if server is None else shown(server.median, beside=server.median),
        told=_told(ranking, place),
        good=ranking.winner == cell.framework,
    )


def _span(ends: tuple[float, float] | None, spread: Spread) -> str:
    if ends is None:
        return NOTHING
    low, high = (shown(end, beside=spread.median) for end in ends)
    return f"{low.rpartition(' ')[0]} {NOTHING} {high}"


def _told(ranking: Ranking, place: Place) -> str:
    said = []
    if len(ranking.measured) > 1:
        if place is not ranking.places[0]:
            said.append(change(place.ratio) + (f", {place.why_not}" if place.why_not else ""))
        else:
            said.append("fastest" if ranking.winner else "lowest median")
    if place.cell.failures:
        failed = count(len(place.cell.failures), "launch", "launches")
        said.append(f"{failed} failed: {_kinds(place.cell.failures)}")
    return "; ".join(said)


def _winner(ranking: Ranking) -> str:
    """Empty where fewer than two have a number: there is nothing to win."""
    if len(ranking.measured) < 2:
        return ""
    first, *others = ranking.measured
    behind = _listed(f"{one.cell.framework} {change(one.ratio)}" for one in others)
    if ranking.winner:
        return f"{first.cell.framework} is fastest; {behind}"
    near = _listed(f"{one.cell.framework} ({one.why_not})" for one in others if one.why_not)
    return (
        f"no winner: {first.cell.framework} has the lowest median, but its launches do not show it "
        f"to be faster than {near}"
    )


def _listed(parts: Iterable[str]) -> str:
    known = list(parts)
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return ", ".join(known[:_MOST_NAMED]) + more


def _kinds(found: Sequence[Failure]) -> str:
    """Each class of failure once."""
    return ", ".join(dict.fromkeys(str(failure.kind) for failure in found))


def _failures(cell: Cell) -> str:
    first = cell.failures[0]
    said = f"{first.kind}: {first.text}" if first.text else str(first.kind)
    times = f" ({len(cell.failures)} times)" if len(cell.failures) > 1 else ""
    return f"{said}{times}"
