"""A picture of each case over time as Vega-Lite, for the markdown; draws no pixel.

Texts from outside become titles, legend labels and nothing else: all fields have names of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perfgate.records.history import Line
from perfgate.records.results import END_TO_END
from perfgate.report.dashboard.page import Dashboard
from perfgate.report.over_time import ACROSS, LEAST_SPAN, clean, over_time, upward
from perfgate.report.panels import Spec
from perfgate.report.pictures import chart_name
from perfgate.report.words import change, scale

MAX_CHARTS = 20
MAX_POINTS = 90
"""Of each line, the newest: a picture has no more pixels to show them."""
MAX_FRAMEWORKS = 8
_HEIGHT = 220
_COLOURS = ("#0072B2", "#D55E00", "#00805D", "#B0558A", "#A87400", "#2D87BD", "#6E6E6E", "#8C510A")
_SHAPES = (
    *("circle", "triangle-up", "square", "diamond", "triangle-down", "cross"),
    *("triangle-right", "triangle-left"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrendChart:
    """The picture of one case on one machine; ``name`` is safe as a file's."""

    case: str
    machine: str
    name: str
    spec: Spec


def trend_charts(shown: Dashboard) -> Iterator[TrendChart]:
    """End to end over time, of at most ``MAX_CHARTS`` cases in the order of the table."""
    for row in shown.latest.rows[:MAX_CHARTS]:
        lines = [
            line
            for line in shown.history.lines
            if len(line)
            and line.key.metric == END_TO_END
            and (line.key.case, line.key.hardware_key) == (row.case, row.hardware_key)
        ]
        if lines:
            yield TrendChart(
                case=row.case,
                machine=row.hardware_key,
                name=chart_name(f"{row.case}.{row.hardware_key}"),
                spec=_spec(row.case, row.hardware_key, lines, shown),
            )


def _spec(case: str, machine: str, lines: Sequence[Line], shown: Dashboard) -> Spec:
    frameworks = sorted({line.key.framework for line in lines})[:MAX_FRAMEWORKS]
    lines = [line for line in lines if line.key.framework in frameworks]
    every = np.concatenate([line.highs[-MAX_POINTS:] for line in lines])
    size, unit = scale(float(np.median(every)), "ms")
    looks = {
        channel: {
            "field": "framework",
            "type": "nominal",
            "scale": {"domain": [clean(name) for name in frameworks], "range": list(marks)},
            "legend": {"orient": "top", "title": None, "symbolOpacity": 1}
            if len(frameworks) > 1
            else None,
        }
        for channel, marks in (
            ("color", _COLOURS[: len(frameworks)]),
            ("shape", _SHAPES[: len(frameworks)]),
        )
    }
    up = upward(unit, _domain(lines, size))
    colour = {"color": looks["color"]}
    detail = {"detail": {"field": "line", "type": "nominal"}}
    return over_time(
        clean(case),
        clean(f"end-to-end on {machine}"),
        height=_HEIGHT,
        rows=_rows(lines, size),
        layer=[
            {
                "mark": {"type": "area", "opacity": 0.2},
                "encoding": {
                    "x": ACROSS,
                    "y": {**up, "field": "low"},
                    "y2": {"field": "high"},
                    **detail,
                    **colour,
                },
            },
            {
                "mark": {"type": "line", "strokeWidth": 1.2},
                "encoding": {"x": ACROSS, "y": {**up, "field": "value"}, **detail, **colour},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 22, "opacity": 1},
                "encoding": {"x": ACROSS, "y": {**up, "field": "value"}, **looks},
            },
            *_shift_layers(lines, shown),
        ],
    )


def _rows(lines: Sequence[Line], size: float) -> list[dict[str, Any]]:
    return [
        {
            "at": int(second) * 1000,
            "value": _digits(value / size),
            "low": _digits(low / size),
            "high": _digits(high / size),
            "framework": clean(line.key.framework),
            "line": number,
        }
        for number, line in enumerate(lines)
        for second, value, low, high in zip(
            line.seconds[-MAX_POINTS:].tolist(),
            line.values[-MAX_POINTS:].tolist(),
            line.lows[-MAX_POINTS:].tolist(),
            line.highs[-MAX_POINTS:].tolist(),
            strict=True,
        )
    ]


def _shift_layers(lines: Sequence[Line], shown: Dashboard) -> list[Spec]:
    """A dashed line and how much, where the level moved."""
    keys = {line.key: int(line.seconds[-MAX_POINTS:][0]) for line in lines}
    rows = [
        {"at": shift.seconds * 1000, "told": f"{'▲' if shift.ratio > 1 else '▼'} {moved}"}
        for shift in shown.shifts
        if shift.line.key in keys and shift.seconds >= keys[shift.line.key]
        for moved in [change(shift.ratio)]
    ]
    if not rows:
        return []
    where = {"data": {"values": rows}}
    text = {"type": "text", "align": "left", "dx": 3, "dy": 8, "fontSize": 11, "color": "#B42318"}
    return [
        {
            **where,
            "mark": {"type": "rule", "strokeDash": [4, 3], "color": "#B42318"},
            "encoding": {"x": ACROSS},
        },
        {
            **where,
            "mark": {**text, "baseline": "middle"},
            "encoding": {"x": ACROSS, "y": {"value": 0}, "text": {"field": "told"}},
        },
    ]


def _domain(lines: Sequence[Line], size: float) -> list[float]:
    """What the axis spans: a few spikes far from the rest are cut, noise is not blown up."""
    shown = np.concatenate(
        [part[-MAX_POINTS:] for line in lines for part in (line.lows, line.highs)]
    )
    low, high = np.quantile(shown, (0.03, 0.97))
    usual = float(high - low) or LEAST_SPAN * float(np.median(shown)) or 1.0
    low, high = max(shown.min(), low - 1.2 * usual), min(shown.max(), high + 1.2 * usual)
    room = max(0.06 * float(high - low), LEAST_SPAN / 2 * float(np.median(shown))) or 1.0
    return [_digits(max(0.0, float(low) - room) / size), _digits((float(high) + room) / size)]


def _digits(value: float) -> float:
    """Six digits: more than a picture shows, and the same on every machine."""
    return float(f"{value:.6g}")
