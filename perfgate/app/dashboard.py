"""Makes the folder that shows results over time: ``index.html``, ``dashboard.md``, ``charts/``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from perfgate.app.levels import changes_of_level
from perfgate.app.outputs import Draw
from perfgate.errors import BaselineError, ConfigurationError
from perfgate.files import write_atomically
from perfgate.records.history import History
from perfgate.report.dashboard.kept import Kept, kept_in
from perfgate.report.dashboard.links import Links
from perfgate.report.dashboard.markdown import CHARTS, render_markdown
from perfgate.report.dashboard.page import Dashboard, render_page
from perfgate.report.dashboard.shifts import shifts_of
from perfgate.report.dashboard.trends import TrendChart, trend_charts
from perfgate.report.draw import draw_chart

PAGE = "index.html"
TEXT = "dashboard.md"
_ACCEPTED = "accepted.yml"
_MOST_BYTES = 64 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What was written where; ``notes`` say what was not."""

    page: Path
    page_bytes: int
    charts: int
    changes: int
    notes: tuple[str, ...] = ()


def make_dashboard(
    history: History,
    folder: Path,
    *,
    title: str,
    links: Links,
    baselines: Path | None,
    now: datetime,
    processes: int = 1,
    draw: Draw = draw_chart,
) -> Made:
    """Write the folder anew; pictures of an earlier one go.

    Raises ConfigurationError for a history without results or a folder that cannot be written,
    BaselineError for baselines that cannot be trusted.
    """
    if not any(len(line) for line in history.lines) and not history.missed:
        told = "; ".join(history.problems[:3])
        raise ConfigurationError(
            f"the history holds no result{f' ({told})' if told else ''}",
            fix="Add one: perfgate history add.",
        )
    shown = Dashboard.of(
        history,
        shifts_of(
            history, changes_of_level([line.values for line in history.lines], processes=processes)
        ),
        title=title,
        kept=kept_below(baselines, today=now.date()),
        links=links,
        made_at=now,
    )
    page = render_page(shown)
    try:
        _clear(folder)
        write_atomically(folder / PAGE, page)
        drawn, notes = _draw(shown, folder, draw)
        write_atomically(folder / TEXT, render_markdown(shown, drawn, notes))
    except OSError as error:
        raise ConfigurationError(
            f"the dashboard cannot be written to {folder}: {error.strerror}",
            fix="Give a folder that can be written with --output-dir.",
        ) from error
    return Made(
        page=folder / PAGE,
        page_bytes=len(page.encode()),
        charts=len(drawn),
        changes=len(shown.shifts),
        notes=tuple(notes),
    )


def kept_below(folder: Path | None, *, today: date) -> Kept:
    """The baselines of a folder, none without one.

    Raises ConfigurationError where it cannot be read, BaselineError for a file not to be trusted.
    """
    if folder is None:
        return Kept(today=today)
    paths = sorted(folder.glob("*/*.json"))
    accepted = folder / _ACCEPTED
    texts: dict[str, str] = {}
    try:
        for path in [*paths, *([accepted] if accepted.is_file() else [])]:
            if path.stat().st_size > _MOST_BYTES:
                raise BaselineError(f"{path} is too large", fix="Restore it from its last commit.")
            texts[str(path)] = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"the baselines in {folder} cannot be read: {error}",
            fix="Give the folder that the suite's `baselines` names.",
        ) from error
    return kept_in(texts, today=today)


def _clear(folder: Path) -> None:
    """Nothing of an earlier dashboard may be taken for a part of this one."""
    for name in (PAGE, TEXT):
        (folder / name).unlink(missing_ok=True)
    for picture in (folder / CHARTS).glob("*.png"):
        picture.unlink()


def _draw(shown: Dashboard, folder: Path, draw: Draw) -> tuple[Sequence[TrendChart], list[str]]:
    """The pictures that could be drawn, and why others could not: they cost nothing else."""
    drawn: list[TrendChart] = []
    notes: list[str] = []
    for chart in trend_charts(shown):
        try:
            picture = draw(chart.spec)
        except ConfigurationError as error:
            return drawn, [*notes, f"{error.problem}; {error.fix}"]
        except ValueError as error:
            notes.append(f"{chart.case} on {chart.machine} has no picture: {error}")
            continue
        write_atomically(folder / CHARTS / f"{chart.name}.png", picture.png)
        drawn.append(chart)
    return drawn, notes
