"""The page: one HTML file that asks nobody for anything, and runs no script but its own.

What stands in result files is hostile: every text is bounded, then escaped by the template or put
into JSON that cannot end its element; its Content-Security-Policy names our script and our style
by their hash and forbids the rest. The tables are there without a script; the charts need it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

import jinja2
import numpy as np
from markupsafe import Markup

from perfgate import __version__
from perfgate.records.history import History
from perfgate.report.dashboard.kept import Kept
from perfgate.report.dashboard.latest import Latest, latest_of
from perfgate.report.dashboard.links import Links
from perfgate.report.dashboard.payload import Payload, payload_of
from perfgate.report.dashboard.permissions import told_accepted, told_crept
from perfgate.report.dashboard.shifts import Shift
from perfgate.report.dashboard.sparkline import HEIGHT, WIDTH
from perfgate.report.dashboard.told import (
    MARKS,
    NAME_CHARS,
    TEXT_CHARS,
    day,
    told_attention,
    told_misses,
    told_rows,
    told_shift,
    told_standings,
    told_summary,
)
from perfgate.report.escape import one_line
from perfgate.report.words import count

MAX_PAGE_BYTES = 5_000_000
MAX_ROWS, MAX_FRAMEWORKS = 500, 12
MAX_SHIFTS, MAX_MISSED, MAX_PROBLEMS, MAX_DEBTS = 300, 200, 50, 200
_SCRIPTS = ("data.js", "chart.js", "panel.js", "page.js")
_STYLE = "page.css"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dashboard:
    """What is shown: the history, what was found in it, and what the repository keeps beside it."""

    title: str
    history: History
    shifts: tuple[Shift, ...]
    latest: Latest
    kept: Kept
    links: Links
    made_at: datetime

    @classmethod
    def of(
        cls,
        history: History,
        shifts: tuple[Shift, ...],
        *,
        title: str,
        kept: Kept,
        links: Links,
        made_at: datetime,
    ) -> Dashboard:
        """Of a history with its changes of level."""
        return cls(
            title=title,
            history=history,
            shifts=shifts,
            latest=latest_of(history, shifts),
            kept=kept,
            links=links,
            made_at=made_at,
        )


def render_page(shown: Dashboard, *, most_bytes: int = MAX_PAGE_BYTES) -> str:
    """The page as HTML, at most ``most_bytes`` long: the oldest points find no place before."""
    since, notes = 0, list[str]()
    while True:
        payload = payload_of(shown.history, shown.shifts, shown.kept, shown.links, since=since)
        text = _rendered(shown, payload, (*payload.left_out, *notes))
        over = len(text.encode()) - most_bytes
        if over <= 0 or since >= _newest(shown.history):
            return text
        since = _later(shown.history, since, keep=max(0.0, 1.0 - 1.05 * over / payload.size))
        notes = [f"points before {day(since)}, which are in the history"]


def _newest(history: History) -> int:
    return max((int(line.seconds[-1]) for line in history.lines if len(line)), default=0)


def _later(history: History, since: int, *, keep: float) -> int:
    """The second from which on this fraction of the points that were there is left."""
    seconds = np.concatenate([line.seconds for line in history.lines])
    kept = np.sort(seconds[seconds >= since])
    return int(kept[min(len(kept) - 1, int((1.0 - keep) * len(kept)))]) + 1


def _rendered(shown: Dashboard, payload: Payload, left_out: Sequence[str]) -> str:
    script, style = _script(), _asset(_STYLE)
    frameworks = shown.latest.frameworks[:MAX_FRAMEWORKS]
    rows = told_rows(shown.latest, shown.shifts, shown.links, frameworks)
    history = shown.history
    return _template().render(
        title=one_line(shown.title, limit=NAME_CHARS),
        policy=_policy(script, style),
        script=Markup(script),  # noqa: S704 - our own file
        style=Markup(style),  # noqa: S704 - our own file
        payload=payload,
        json=Markup,
        marks=MARKS,
        spark_width=WIDTH,
        spark_height=HEIGHT,
        repository=shown.links.repository,
        summary=told_summary(history, shown.latest),
        attention=told_attention(shown.latest),
        standings=told_standings(shown.latest),
        frameworks=[one_line(name, limit=NAME_CHARS) for name in frameworks],
        frameworks_left_out=len(shown.latest.frameworks) - len(frameworks),
        rows=rows[:MAX_ROWS],
        rows_left_out=max(0, len(rows) - MAX_ROWS),
        shifts=[told_shift(one, shown.links) for one in shown.shifts[:MAX_SHIFTS]],
        shifts_left_out=max(0, len(shown.shifts) - MAX_SHIFTS),
        missed=told_misses(history, shown.links, most=MAX_MISSED),
        missed_left_out=max(0, len(history.missed) - MAX_MISSED),
        classes=Counter(str(one.kind) for one in history.missed).most_common(),
        accepted=told_accepted(shown.kept, shown.links, most=MAX_DEBTS),
        crept=told_crept(shown.kept, most=MAX_DEBTS),
        problems=[one_line(text, limit=TEXT_CHARS) for text in history.problems[:MAX_PROBLEMS]],
        problems_left_out=max(0, len(history.problems) - MAX_PROBLEMS),
        left_out=left_out,
        made_at=shown.made_at.strftime("%Y-%m-%d %H:%M UTC"),
        version=__version__,
        count=count,
    )


def _policy(script: str, style: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash(script)}",
            f"style-src {_hash(style)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


@functools.cache
def _script() -> str:
    """All scripts as one, which sees and leaves nothing outside of itself."""
    parts = "\n".join(_asset(name) for name in _SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


@functools.cache
def _asset(name: str) -> str:
    return (files("perfgate.report.dashboard") / "assets" / name).read_text(encoding="utf-8")


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("perfgate.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("dashboard.html.j2")
