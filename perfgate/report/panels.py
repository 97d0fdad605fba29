"""How a chart looks: its panels as Vega-Lite (https://vega.github.io/vega-lite/docs/spec.html).

Knows no record. Texts from outside become titles alone, which are drawn as they stand: none
reaches an expression, a format or the name of a field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, TypeAlias

from perfgate.report.words import change, figures, known, scale

Spec: TypeAlias = dict[str, Any]
Kind: TypeAlias = Literal[
    "base",
    "head",
    "burn-in",
    "base, not judged",
    "head, not judged",
    "base, failed",
    "head, failed",
]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_PLOT_WIDTH, _AXIS_WIDTH = 494, 66
"""With padding 600 pixels, which a phone shows without shrinking the text beyond reading."""
_TIMES_HEIGHT, _CHANGE_HEIGHT = 150, 120
_MOST_TICKS = 25
_MOST_IN_A_ROW = 5
_SOLID, _DASHED, _DOTTED = (1, 0), (6, 4), (2, 3)
_LARGEST_RATIO = 1e6
_NO_TIMES: Spec = {"title": None, "labels": False, "ticks": False, "grid": False}

# The colours of Okabe and Ito, which the colour-blind tell apart (https://jfly.uni-koeln.de/color);
# each kind has a shape of its own besides, for paper.
_BLUE, _VERMILLION, _GREY, _BLACK, _WHITE = "#0072B2", "#D55E00", "#6E6E6E", "#000000", "#FFFFFF"
_MARKS: Mapping[Kind, tuple[str, str, str]] = {
    "base": ("circle", _BLUE, _BLUE),
    "head": ("triangle-up", _VERMILLION, _VERMILLION),
    "burn-in": ("triangle-up", _WHITE, _VERMILLION),
    "base, not judged": ("M-0.9,0L0.9,0M0,-0.9L0,0.9", _WHITE, _GREY),
    "head, not judged": ("M-0.7,-0.7L0.7,0.7M-0.7,0.7L0.7,-0.7", _WHITE, _GREY),
    "base, failed": ("square", _BLACK, _BLACK),
    "head, failed": ("triangle-down", _BLACK, _BLACK),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One launch: its place in the order from 1; ``value_ms`` is None where it failed."""

    order: int
    value_ms: float | None
    kind: Kind
    pair: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """head/base and its interval after the pair that ended with launch ``order``.

    ``decidable`` is the smallest slowdown, as a fraction, that the metric can decide.
    """

    order: int
    ratio: float
    low: float
    high: float
    decidable: float


def page(title: str, subtitle: Sequence[str], panels: Sequence[Spec]) -> Spec:
    """The panels below each other, under the title of the case."""
    return {
        "$schema": _SCHEMA,
        "title": {"text": title, "subtitle": list(subtitle)},
        "vconcat": list(panels),
        "spacing": 16,
        "padding": 10,
        "background": _WHITE,
        "config": {
            "font": "sans-serif",
            "title": {
                "anchor": "start",
                "limit": _PLOT_WIDTH + _AXIS_WIDTH,
                "subtitleColor": "#333333",
            },
            "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
            "axisY": {"minExtent": _AXIS_WIDTH, "maxExtent": _AXIS_WIDTH},
            "legend": {"labelFontSize": 12, "symbolSize": 80, "symbolStrokeWidth": 2},
            "view": {"stroke": "#CCCCCC"},
        },
    }


def times_panel(
    name: str,
    points: Sequence[Point],
    *,
    launches: int,
    margin: float,
    baseline_ms: float | None = None,
    legend: bool = True,
) -> Spec:
    """The time of each launch, those of a pair joined; the stored median is a dashed line.

    The axis spans four margins at least, so that noise far below the margin looks small.
    """
    stored = [baseline_ms] if baseline_ms is not None and known(baseline_ms) else []
    times = [*(point.value_ms for point in points if point.value_ms is not None), *stored]
    size, unit = scale(max(times, default=1.0), "ms")
    centre = median(times) if times else size
    span = [*times, centre * (1 - 2 * margin), centre * (1 + 2 * margin)]
    axis = {"title": f"time ({unit})"} if times else _NO_TIMES
    across, up = _order(launches), _value([value / size for value in span], axis)
    told = [
        "dashed: the baseline's median, {0} {2}".format(*figures(value, None, "ms"))
        for value in stored
    ]
    return {
        **_panel(f"{name}, each launch", told, height=_TIMES_HEIGHT),
        "layer": [
            *(_line(value / size, up, dash=_DASHED) for value in stored),
            _joined(points, across, up, size=size),
            *_launched(points, across, up, size=size, legend=legend),
        ],
    }


def change_panel(name: str, changes: Sequence[Change], *, launches: int, margin: float) -> Spec:
    """The change after each pair with its interval, and the margin as a dashed line.

    The last interval fits; earlier ones, which can be far wider, may leave the panel.
    """
    last = changes[-1]
    told = f"dashed: the margin, {change(1 + margin)}"
    marked = [(1.0, _SOLID), (1.0 + margin, _DASHED)]
    if last.decidable > 1.01 * margin:
        told += f"; dotted: the least that can be decided, {change(1 + last.decidable)}"
        marked.append((1.0 + last.decidable, _DOTTED))
    span = [last.low, last.high, *(ratio for ratio, _ in marked), *(one.ratio for one in changes)]
    axis = {"title": "change", "labelExpr": "(datum.value > 0 ? '+' : '') + datum.label + ' %'"}
    across, up = _order(launches), _value([_percent(ratio) for ratio in span], axis)
    rows = [
        {
            "order": one.order,
            "change": _percent(one.ratio),
            "low": _percent(one.low),
            "high": _percent(one.high),
        }
        for one in changes
    ]
    interval = {"x": across, "y": {**up, "field": "low"}, "y2": {"field": "high"}}
    diamond = {
        "type": "point",
        "shape": "diamond",
        "size": 90,
        "fill": _BLACK,
        "stroke": None,
        "opacity": 1,
    }
    return {
        **_panel(f"{name}, head against base after each pair", [told], height=_CHANGE_HEIGHT),
        "data": {"values": rows},
        "layer": [
            *(_line(_percent(ratio), up, dash=dash) for ratio, dash in marked),
            {"mark": {"type": "rule", "strokeWidth": 2, "clip": True}, "encoding": interval},
            {"mark": diamond, "encoding": {"x": across, "y": {**up, "field": "change"}}},
        ],
    }


def _panel(title: str, told: Sequence[str], *, height: int) -> Spec:
    head: Spec = {"text": title, "fontSize": 12, "subtitleFontSize": 12, "offset": 8}
    if told:
        head["subtitle"] = list(told)
    return {"title": head, "width": _PLOT_WIDTH, "height": height}


def _order(launches: int) -> Spec:
    axis: Spec = {"title": "launch, in the order measured", "grid": False, "format": "d"}
    if launches <= _MOST_TICKS:
        axis["values"] = list(range(1, launches + 1))
    domain = {"domain": [0.5, launches + 0.5], "nice": False, "zero": False}
    return {"field": "order", "type": "quantitative", "axis": axis, "scale": domain}


def _value(span: Sequence[float], axis: Spec) -> Spec:
    """A vertical axis over ``span`` with a little room, without the field that it shows."""
    low, high = min(span), max(span)
    room = 0.08 * (high - low)
    domain = {"domain": [_digits(low - room), _digits(high + room)], "nice": False, "zero": False}
    return {"type": "quantitative", "axis": {"tickCount": 5, **axis}, "scale": domain}


def _line(value: float, up: Spec, *, dash: Sequence[int]) -> Spec:
    """A horizontal line over the whole panel."""
    return {
        "data": {"values": [{"at": _digits(value)}]},
        "mark": {"type": "rule", "color": _BLACK, "strokeDash": list(dash), "opacity": 0.6},
        "encoding": {"y": {**up, "field": "at"}},
    }


def _joined(points: Sequence[Point], across: Spec, up: Spec, *, size: float) -> Spec:
    """A thin line between the two launches of each pair."""
    pairs: dict[int, list[tuple[int, float]]] = {}
    for point in points:
        if point.pair is not None and point.value_ms is not None:
            place = (point.order, _digits(point.value_ms / size))
            pairs.setdefault(point.pair, []).append(place)
    rows = [
        {"order": first[0], "time": first[1], "order_until": then[0], "time_until": then[1]}
        for first, then in (two for two in pairs.values() if len(two) == 2)
    ]
    return {
        "data": {"values": rows},
        "mark": {"type": "rule", "color": "#AAAAAA"},
        "encoding": {
            "x": across,
            "y": {**up, "field": "time"},
            "x2": {"field": "order_until"},
            "y2": {"field": "time_until"},
        },
    }


def _launched(
    points: Sequence[Point], across: Spec, up: Spec, *, size: float, legend: bool
) -> list[Spec]:
    """A mark for each launch; one that failed has no time and lies on the ground."""
    kinds = [kind for kind in _MARKS if any(point.kind == kind for point in points)]
    shown = (
        {"orient": "top", "columns": min(len(kinds), _MOST_IN_A_ROW), "title": None}
        if legend
        else None
    )
    looks: Spec = {
        channel: {
            "field": "launch",
            "type": "nominal",
            "legend": shown,
            "scale": {"domain": kinds, "range": [_MARKS[kind][part] for kind in kinds]},
        }
        for part, channel in enumerate(("shape", "fill", "stroke"))
    }
    mark = {"type": "point", "size": 70, "strokeWidth": 2, "opacity": 1}
    times = [
        {"order": one.order, "launch": one.kind, "time": _digits(one.value_ms / size)}
        for one in points
        if one.value_ms is not None
    ]
    failed = [{"order": one.order, "launch": one.kind} for one in points if one.value_ms is None]
    layers = [(times, {**up, "field": "time"}), (failed, {"value": _TIMES_HEIGHT - 8})]
    return [
        {"data": {"values": rows}, "mark": mark, "encoding": {"x": across, "y": y, **looks}}
        for rows, y in layers
        if rows
    ]


def _percent(ratio: float) -> float:
    """A ratio as a change in per cent; what no figure shows is held at the largest."""
    return _digits((min(ratio, _LARGEST_RATIO) - 1.0) * 100.0)


def _digits(value: float) -> float:
    """Six digits: more than a picture shows, and the same on every machine."""
    return float(f"{value:.6g}")
