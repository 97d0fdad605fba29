"""The newest result of each case in each framework, beside its line's recent level and its rivals.

Says what stands out, which is no verdict: no error rate is known of one night.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from perfgate.records.history import History, Line, Missed, Run
from perfgate.records.results import END_TO_END, Measured
from perfgate.records.results import Cell as MeasuredCell
from perfgate.report.dashboard.shifts import Shift
from perfgate.verdict.competition import rankings

RECENT_POINTS = 14
_LEAST_POINTS = 3
_LEAST_CHANGE = 0.03
_DEVIATIONS = 4.0
_MAD_TO_DEVIATION = 1.4826
STALE_S = 2 * 86_400
"""A result that is so much older than its machine's newest is told with its date."""

Standing: TypeAlias = Literal["fastest", "tied", "behind", "alone"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """The newest result of one case in one framework on one machine.

    ``value``, ``low`` and ``high`` are milliseconds of the newest point, None where the line never
    had one. ``against_level`` is the value over the line's recent level, ``stands_out`` whether it
    is further from it than the line's own noise explains. ``missed`` is the newest failure where it
    is newer than the point. ``standing`` and ``behind``, how many times the lowest framework's
    median, are by the nights of the present level, of which there are at most 15: one night's
    samples often share a process and say too little.
    """

    line: Line | None
    seconds: int
    run: Run
    value: float | None = None
    low: float | None = None
    high: float | None = None
    samples: int = 0
    against_level: float | None = None
    stands_out: bool = False
    missed: Missed | None = None
    stale: bool = False
    standing: Standing = "alone"
    behind: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A case on one machine: a cell for each framework that ever ran it there."""

    case: str
    hardware_key: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True, kw_only=True, slots=True)
class Latest:
    """The table: ``standings`` counts by framework how often it was fastest, tied or behind."""

    frameworks: tuple[str, ...]
    rows: tuple[Row, ...]
    standings: Mapping[str, Counter[Standing]]


def latest_of(history: History, shifts: Sequence[Shift]) -> Latest:
    """The newest end-to-end results, by case, then machine."""
    lines = _newest_lines(history)
    missed = _newest_missed(history)
    places = sorted({*lines, *missed})
    newest: dict[str, int] = {}
    for place in places:
        seen = max(_last_second(lines.get(place)), _missed_second(missed.get(place)))
        newest[place[1]] = max(newest.get(place[1], 0), seen)
    level_from = {id(shift.line): shift.point for shift in reversed(shifts)}
    rows: dict[tuple[str, str], dict[str, Cell]] = {}
    for place in places:
        case, machine, framework = place
        cell = _cell(history, lines.get(place), missed.get(place), newest[machine], level_from)
        rows.setdefault((case, machine), {})[framework] = cell
    ranked = tuple(
        Row(case=case, hardware_key=machine, cells=_ranked(cells, level_from))
        for (case, machine), cells in sorted(rows.items())
    )
    standings: dict[str, Counter[Standing]] = {}
    for row in ranked:
        for framework, cell in row.cells.items():
            standings.setdefault(framework, Counter())[cell.standing] += cell.standing != "alone"
    return Latest(frameworks=tuple(sorted(standings)), rows=ranked, standings=standings)


_Place: TypeAlias = tuple[str, str, str]


def _newest_lines(history: History) -> dict[_Place, Line]:
    """The line with the newest point of each cell: an older one is of another workload."""
    found: dict[_Place, Line] = {}
    for line in history.lines:
        if line.key.metric != END_TO_END or len(line) == 0:
            continue
        place = (line.key.case, line.key.hardware_key, line.key.framework)
        if place not in found or _last_second(line) >= _last_second(found[place]):
            found[place] = line
    return found


def _newest_missed(history: History) -> dict[_Place, Missed]:
    found: dict[_Place, Missed] = {}
    for one in history.missed:
        place = (one.case, one.hardware_key, one.framework)
        if place not in found or one.seconds >= found[place].seconds:
            found[place] = one
    return found


def _last_second(line: Line | None) -> int:
    return int(line.seconds[-1]) if line is not None else 0


def _missed_second(missed: Missed | None) -> int:
    return missed.seconds if missed is not None else 0


def _cell(
    history: History,
    line: Line | None,
    missed: Missed | None,
    newest: int,
    level_from: Mapping[int, int],
) -> Cell:
    if missed is not None and missed.seconds <= _last_second(line):
        missed = None
    seconds = max(_last_second(line), _missed_second(missed))
    at = missed.run if missed is not None else int(line.runs[-1]) if line is not None else 0
    cell = Cell(
        line=line,
        seconds=seconds,
        run=history.runs[at],
        missed=missed,
        stale=newest - seconds > STALE_S,
    )
    if line is None:
        return cell
    ratio, stands_out = against_level(line, since=level_from.get(id(line), 0))
    return replace(
        cell,
        value=float(line.values[-1]),
        low=float(line.lows[-1]),
        high=float(line.highs[-1]),
        samples=int(line.counts[-1]),
        against_level=ratio,
        stands_out=stands_out,
    )


def against_level(line: Line, *, since: int = 0) -> tuple[float | None, bool]:
    """The newest point over the median of those before it, and whether noise does not explain it.

    Only points from ``since`` on count, where the present level began. A change stands out that is
    beyond three per cent and beyond four standard deviations of those points.
    """
    before = line.values[since:-1][-RECENT_POINTS:]
    if len(before) < _LEAST_POINTS:
        before = line.values[:-1][-RECENT_POINTS:]
    level = float(np.median(before)) if len(before) >= _LEAST_POINTS else 0.0
    if level <= 0:
        return None, False
    ratio = float(line.values[-1]) / level
    deviation = _MAD_TO_DEVIATION * float(np.median(np.abs(before - level))) / level
    return ratio, abs(ratio - 1.0) > max(_LEAST_CHANGE, _DEVIATIONS * deviation)


def _ranked(cells: Mapping[str, Cell], since: Mapping[int, int]) -> dict[str, Cell]:
    """Who is fastest among those that ran, by the nights of their present levels."""
    ran = {
        name: _nights(name, cell.line, since.get(id(cell.line), 0))
        for name, cell in cells.items()
        if cell.line is not None and cell.missed is None and not cell.stale
    }
    if len(ran) < 2:
        return dict(cells)
    (ranking,) = rankings(ran.values())
    ranked = dict(cells)
    for place in ranking.places:
        name = place.cell.framework
        standing: Standing = "behind" if place.apart else "tied"
        if name == ranking.winner:
            standing = "fastest"
        ranked[name] = replace(cells[name], standing=standing, behind=place.ratio)
    return ranked


def _nights(framework: str, line: Line, since: int) -> MeasuredCell:
    """The newest nights of a line's present level, each one sample: nights share no process."""
    values = line.values[max(since, len(line) - 1 - RECENT_POINTS) :]
    return MeasuredCell(
        case=line.key.case,
        framework=framework,
        workload_hash=line.key.workload_hash,
        metrics=(Measured(name=END_TO_END, samples=tuple(values.tolist())),),
    )
