"""``dashboard.md``: the latest table, changes of level and pictures as GitHub shows them.

Everything from outside is escaped; every part keeps to a size.
"""

from __future__ import annotations

from collections.abc import Sequence

from perfgate.report.dashboard.links import Links
from perfgate.report.dashboard.page import Dashboard
from perfgate.report.dashboard.permissions import told_accepted, told_crept
from perfgate.report.dashboard.told import (
    MARKS,
    NAME_CHARS,
    TEXT_CHARS,
    ToldCell,
    told_attention,
    told_misses,
    told_rows,
    told_shift,
    told_standings,
    told_summary,
)
from perfgate.report.dashboard.trends import TrendChart
from perfgate.report.escape import escape_markdown
from perfgate.report.tables import cells_table
from perfgate.report.words import count

# GitHub shows files of up to 512 KB as text; the parts below keep far from it together.
ROOM_FOR_LATEST, ROOM_FOR_LIST = 150_000, 40_000
MAX_SHIFTS, MAX_MISSED, MAX_PROBLEMS, MAX_DEBTS = 60, 40, 20, 40
MAX_FRAMEWORKS = 6
CHARTS = "charts"


def render_markdown(shown: Dashboard, charts: Sequence[TrendChart], notes: Sequence[str]) -> str:
    """The text; ``charts`` are the pictures that lie beside it, ``notes`` say what is missing."""
    links = shown.links
    parts = [
        f"# {_md(shown.title)}",
        told_summary(shown.history, shown.latest),
        *_list([*told_attention(shown.latest), *told_standings(shown.latest)]),
        "## Latest results",
        *_latest(shown),
        "## Changes of level",
        *_shifts(shown),
        *_missed(shown, links),
        *_kept(shown),
        *(["## Trends", *map(_picture, charts)] if charts else []),
        *(
            ["## What is not shown", *_list(_unshown(shown, notes))]
            if _unshown(shown, notes)
            else []
        ),
        _footer(shown),
    ]
    return "\n\n".join(parts) + "\n"


def _footer(shown: Dashboard) -> str:
    return (
        f"Made {shown.made_at:%Y-%m-%d %H:%M} UTC from raw results. An arrow is a hint and no "
        "verdict: no error rate is known of one night."
    )


def _latest(shown: Dashboard) -> list[str]:
    frameworks = shown.latest.frameworks[:MAX_FRAMEWORKS]
    rows = told_rows(shown.latest, shown.shifts, shown.links, frameworks)
    more = len({row.machine for row in rows}) > 1
    cells = [
        (
            _md(row.case),
            *((_md(row.machine),) if more else ()),
            *("" if cell is None else _cell(cell) for cell in row.cells),
        )
        for row in rows
    ]
    headers = ["case", *(["machine"] if more else []), *map(_md, frameworks)]
    table = _table(headers, cells, room=ROOM_FOR_LATEST)
    hidden = len(shown.latest.frameworks) - len(frameworks)
    notes = [f"And {count(hidden, 'more framework')} on the page."] if hidden else []
    machine = [] if more else [f"On {_md(rows[0].machine)}."] if rows else []
    return [*machine, *table, *notes]


def _cell(cell: ToldCell) -> str:
    if cell.failure:
        last = f"<br>{_md(cell.last)}" if cell.last else ""
        return f"✕ **{_md(cell.failure)}**{last}{_at(cell)}"
    moved = f" {MARKS[cell.move]} {cell.moved}" if cell.moved else ""
    standing = f"<br>{'★ ' if cell.won else ''}{cell.standing}" if cell.standing else ""
    stale = f"<br>◌ {_md(cell.last)}" if cell.last else ""
    value = f"**{cell.value}**" if cell.won else cell.value
    return f"{value}{moved}<br>{cell.samples}{standing}{stale}{_at(cell)}"


def _at(cell: ToldCell) -> str:
    return f"<br>{_link(cell.commit_link, cell.commit)}" if cell.commit_link else ""


def _shifts(shown: Dashboard) -> list[str]:
    if not shown.shifts:
        return ["None was found."]
    told = [told_shift(one, shown.links) for one in shown.shifts[:MAX_SHIFTS]]
    cells = [
        (
            one.date,
            _md(one.case),
            _md(one.framework),
            _md(one.metric),
            f"{MARKS[one.move]} {one.change}",
            f"{one.before} → {one.after}",
            one.nights,
            _link(one.link, one.commits),
        )
        for one in told
    ]
    headers = ("date", "case", "framework", "metric", "change", "level", "held for", "commits")
    return _table(headers, cells, room=ROOM_FOR_LIST, more=len(shown.shifts) - len(told))


def _missed(shown: Dashboard, links: Links) -> list[str]:
    told = told_misses(shown.history, links, most=MAX_MISSED)
    if not told:
        return []
    cells = [
        (
            one.date,
            _md(one.case),
            _md(one.framework),
            _md(one.kind),
            _md(one.text, limit=100),
            _link(one.job_link, "job") if one.job_link else _link(one.commit_link, one.commit),
        )
        for one in told
    ]
    headers = ("date", "case", "framework", "why", "what was said", "where")
    more = len(shown.history.missed) - len(told)
    return ["## Missed cells", *_table(headers, cells, room=ROOM_FOR_LIST, more=more)]


def _kept(shown: Dashboard) -> list[str]:
    found: list[str] = []
    accepted = told_accepted(shown.kept, shown.links, most=MAX_DEBTS)
    if accepted:
        cells = [
            (
                _md(one.case),
                _md(one.machine),
                _md(one.metric),
                one.at_most,
                f"{one.until} ({'⚠ ' if one.urgent else ''}{one.left})",
                _md(one.reason, limit=TEXT_CHARS),
                _link(one.issue_link, "issue") if one.issue_link else _md(one.issue),
            )
            for one in accepted
        ]
        headers = ("case", "machine", "metric", "at most", "until", "reason", "issue")
        more = len(shown.kept.accepted) - len(accepted)
        table = _table(headers, cells, room=ROOM_FOR_LIST, more=more)
        found += ["## Slower by permission", *table]
    crept = told_crept(shown.kept, most=MAX_DEBTS)
    if crept:
        cells = [
            (
                _md(one.case),
                _md(one.machine),
                _md(one.metric),
                one.first,
                one.best,
                one.now,
                one.change,
            )
            for one in crept
        ]
        headers = ("case", "machine", "metric", "first", "best", "now", "since the first")
        more = len(shown.kept.crept) - len(crept)
        found += ["## Creep", *_table(headers, cells, room=ROOM_FOR_LIST, more=more)]
    return found


def _picture(chart: TrendChart) -> str:
    return f"![{_md(f'{chart.case} over time on {chart.machine}')}]({CHARTS}/{chart.name}.png)"


def _unshown(shown: Dashboard, notes: Sequence[str]) -> list[str]:
    problems = shown.history.problems
    found = [*notes, *problems[:MAX_PROBLEMS]]
    if len(problems) > MAX_PROBLEMS:
        found.append(f"and {count(len(problems) - MAX_PROBLEMS, 'more problem')}")
    return found


def _table(
    headers: Sequence[str], cells: Sequence[Sequence[str]], *, room: int, more: int = 0
) -> list[str]:
    if not cells:
        return ["No case has a result."]
    table = cells_table(headers, cells, aligned=["left"] * len(headers), room=room)
    hidden = table.left_out + more
    return [table.text, *([f"And {count(hidden, 'more row')}."] if hidden else [])]


def _list(texts: Sequence[str]) -> list[str]:
    lines = [f"- {_md(text, limit=TEXT_CHARS)}" for text in texts]
    return ["\n".join(lines)] if lines else []


def _link(address: str, text: str) -> str:
    return f"[{_md(text)}]({address})" if address else _md(text)


def _md(text: str, *, limit: int = NAME_CHARS) -> str:
    return escape_markdown(text, limit=limit)
