"""Results over time as words and rows, the same for the page and the markdown; escapes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from perfgate.records.history import History, LineKey
from perfgate.records.results import END_TO_END
from perfgate.report.dashboard.latest import Cell, Latest, Standing
from perfgate.report.dashboard.links import Links
from perfgate.report.dashboard.shifts import Shift
from perfgate.report.dashboard.sparkline import sparkline
from perfgate.report.escape import one_line
from perfgate.report.words import TIMES, change, count, figures

Move: TypeAlias = Literal["slower", "faster", "level", "unknown"]

NAME_CHARS, TEXT_CHARS = 80, 200
MARKS: Mapping[Move, str] = {"slower": "▲", "faster": "▼", "level": "●", "unknown": ""}


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldCell:
    """One cell of the table. ``picture`` is the content of a drawing, made of numbers alone."""

    framework: str
    value: str = ""
    samples: str = ""
    move: Move = "unknown"
    moved: str = ""
    standing: str = ""
    won: bool = False
    failure: str = ""
    last: str = ""
    commit: str = ""
    commit_link: str = ""
    job_link: str = ""
    picture: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldRow:
    """A case on one machine; ``cells`` has one for each framework of the table, or None."""

    case: str
    machine: str
    cells: tuple[ToldCell | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldShift:
    """One change of level."""

    date: str
    case: str
    framework: str
    machine: str
    metric: str
    before: str
    after: str
    change: str
    move: Move
    nights: str
    commits: str
    link: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ToldMiss:
    """One cell that had no number."""

    date: str
    case: str
    framework: str
    machine: str
    kind: str
    text: str
    commit: str
    commit_link: str
    job_link: str


def day(seconds: int) -> str:
    """A moment as its day in UTC: ``2026-03-20``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def figure(value: float, unit: str) -> str:
    """``6.69 s``, ``24.1 GiB``."""
    number, _, name = figures(value, None, "MiB" if unit == "MiB" else "ms")
    return f"{number} {name}".rstrip()


def metric_name(metric: str) -> str:
    """As people read it: ``end-to-end``, ``denoising step``, or the stage's own name."""
    known = {END_TO_END: "end-to-end", "step": "denoising step", "server": "server's own latency"}
    return known.get(metric, one_line(metric, limit=NAME_CHARS))


def short(commit: str) -> str:
    """Enough of a commit to find it by."""
    return one_line(commit, limit=64)[:10] or "unknown"


def told_rows(
    latest: Latest, shifts: Sequence[Shift], links: Links, frameworks: Sequence[str]
) -> list[ToldRow]:
    """The table's rows with a cell for each of ``frameworks``."""
    shifted: dict[LineKey, list[int]] = {}
    for shift in shifts:
        shifted.setdefault(shift.line.key, []).append(shift.point)
    return [
        ToldRow(
            case=one_line(row.case, limit=NAME_CHARS),
            machine=one_line(row.hardware_key, limit=NAME_CHARS),
            cells=tuple(
                _cell(name, row.cells[name], shifted, links) if name in row.cells else None
                for name in frameworks
            ),
        )
        for row in latest.rows
    ]


def _cell(
    framework: str, cell: Cell, shifted: Mapping[LineKey, Sequence[int]], links: Links
) -> ToldCell:
    told = ToldCell(
        framework=one_line(framework, limit=NAME_CHARS),
        failure=str(cell.missed.kind) if cell.missed else "",
        last=f"on {day(cell.seconds)}" if cell.stale else "",
        commit=short(cell.run.commit),
        commit_link=links.commit(cell.run.commit),
        job_link=links.job(cell.run.url),
    )
    line = cell.line
    if line is None or cell.value is None or cell.low is None or cell.high is None:
        return told
    unit = line.key.unit
    low, high, _ = figures(cell.low, cell.high, "MiB" if unit == "MiB" else "ms")
    told = replace(
        told,
        value=figure(cell.value, unit),
        samples="1 sample" if cell.samples == 1 else f"{low} to {high}, {cell.samples} samples",
        picture=sparkline(line, shifted.get(line.key, ())),
    )
    if cell.missed is not None:
        before = day(int(line.seconds[-1]))
        return replace(told, last=f"last {told.value} on {before}")
    move: Move = "unknown" if cell.against_level is None else "level"
    if cell.against_level is not None and cell.stands_out:
        move = "slower" if cell.against_level > 1 else "faster"
    return replace(
        told,
        move=move,
        moved=change(cell.against_level) if cell.against_level is not None else "",
        standing=_standing(cell),
        won=cell.standing == "fastest",
    )


def _standing(cell: Cell) -> str:
    if cell.behind is None or cell.standing == "alone":
        return ""
    if cell.standing == "fastest":
        return "fastest"
    times = f"{TIMES}{cell.behind:.2f} the lowest" if cell.behind > 1 else "lowest"
    return times if cell.standing == "behind" else f"{times}, not told apart"


def told_shift(shift: Shift, links: Links) -> ToldShift:
    key = shift.line.key
    one, other = short(shift.last_before), short(shift.first_after)
    return ToldShift(
        date=day(shift.seconds),
        case=one_line(key.case, limit=NAME_CHARS),
        framework=one_line(key.framework, limit=NAME_CHARS),
        machine=one_line(key.hardware_key, limit=NAME_CHARS),
        metric=metric_name(key.metric),
        before=figure(shift.before, key.unit),
        after=figure(shift.after, key.unit),
        change=change(shift.ratio),
        move="slower" if shift.ratio > 1 else "faster",
        nights=count(shift.nights, "point"),
        commits=one if one == other else f"{one}…{other}",
        link=links.between(shift.last_before, shift.first_after),
    )


def told_misses(history: History, links: Links, *, most: int) -> list[ToldMiss]:
    """The newest cells without a number, at most ``most``."""
    found = sorted(history.missed, key=lambda one: -one.seconds)[:most]
    return [
        ToldMiss(
            date=day(one.seconds),
            case=one_line(one.case, limit=NAME_CHARS),
            framework=one_line(one.framework, limit=NAME_CHARS),
            machine=one_line(one.hardware_key, limit=NAME_CHARS),
            kind=str(one.kind),
            text=one_line(one.text, limit=TEXT_CHARS),
            commit=short(history.runs[one.run].commit),
            commit_link=links.commit(history.runs[one.run].commit),
            job_link=links.job(history.runs[one.run].url),
        )
        for one in found
    ]


_STANDINGS: Mapping[Standing, str] = {
    "fastest": "fastest",
    "tied": "not told apart",
    "behind": "behind",
}


def told_standings(latest: Latest) -> list[str]:
    """How often each framework was fastest or behind, of the cells that have a rival."""
    return [
        f"{one_line(name, limit=NAME_CHARS)}: "
        + ", ".join(
            f"{word} {found[standing]:,}{TIMES}"
            for standing, word in _STANDINGS.items()
            if found[standing]
        )
        for name, found in sorted(latest.standings.items())
        if found["fastest"] or found["tied"] or found["behind"]
    ]


def told_summary(history: History, latest: Latest) -> str:
    """How much there is and how new it is, in one sentence."""
    machines = {row.hardware_key for row in latest.rows}
    cases = {row.case for row in latest.rows}
    cells = [cell for row in latest.rows for cell in row.cells.values()]
    newest = max((cell.seconds for cell in cells), default=0)
    points = sum(len(line) for line in history.lines)
    return (
        f"{count(len(cases), 'case')} in {count(len(latest.frameworks), 'framework')} on "
        f"{count(len(machines), 'machine')}; newest {day(newest)}; {count(points, 'point')} in "
        f"{count(len(history.lines), 'line')}."
    )


def told_attention(latest: Latest) -> list[str]:
    """What stands out in the newest results: how many are slower, faster, without a number."""
    cells = [cell for row in latest.rows for cell in row.cells.values() if not cell.stale]
    out = [cell for cell in cells if cell.stands_out and cell.missed is None]
    slower = sum((cell.against_level or 1) > 1 for cell in out)
    stale = sum(cell.stale for row in latest.rows for cell in row.cells.values())
    failed = sum(cell.missed is not None for cell in cells)
    told = [
        (slower, f"▲ {slower:,} slower than the recent level"),
        (len(out) - slower, f"▼ {len(out) - slower:,} faster than the recent level"),
        (failed, f"✕ {failed:,} without a number"),
        (stale, f"◌ {stale:,} not measured lately"),
    ]
    return [text for number, text in told if number]
