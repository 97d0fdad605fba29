"""The picture of a regression's telling line as Vega-Lite: values, levels, and where it shifted.

Draws no pixel. Texts from outside become titles alone; all fields have names of ours.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from perfgate.records.results import END_TO_END
from perfgate.report.escape import one_line, xml_text
from perfgate.report.panels import Spec
from perfgate.report.words import change, scale
from perfgate.verdict.standing import Shift

MAX_POINTS: Final = 120
"""The newest: a picture has no more pixels to show them."""
_BEFORE: Final = 40
_WIDTH, _HEIGHT = 560, 200
# Of Okabe and Ito's colours, which the colour-blind tell apart.
_BLUE, _VERMILLION, _GREY = "#0072B2", "#D55E00", "#6E6E6E"
_LEAST_SPAN: Final = 0.06
_MAX_NAME_CHARS: Final = 80


def tracker_chart(shift: Shift) -> Spec:
    """The last points of the line, from some before the shift where there is room for them."""
    line, point = shift.line, shift.point
    first = max(0, len(line) - MAX_POINTS, point.index - _BEFORE)
    size, unit = scale(shift.now, "MiB" if line.key.unit == "MiB" else "ms")
    rows = [
        {"at": second * 1000, "value": value, "low": low, "high": high}
        for second, value, low, high in zip(
            line.seconds[first:].tolist(),
            (line.values[first:] / size).tolist(),
            (line.lows[first:] / size).tolist(),
            (line.highs[first:] / size).tolist(),
            strict=True,
        )
    ]
    across: Spec = {
        "field": "at",
        "type": "temporal",
        "scale": {"type": "utc"},
        "axis": {"title": None, "grid": False, "format": "%Y-%m-%d", "labelOverlap": True},
    }
    up: Spec = {
        "type": "quantitative",
        "axis": {"title": unit, "tickCount": 5},
        "scale": {"domain": _domain(shift, first, size), "zero": False, "clamp": True},
    }
    value = {"x": across, "y": {**up, "field": "value"}}
    seconds = line.seconds.tolist()
    levels = [
        (max(first, 0), point.index, point.before),
        (point.index, len(line) - 1, shift.now),
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {"text": _clean(line.key.case), "subtitle": _subtitle(shift)},
        "width": _WIDTH,
        "height": _HEIGHT,
        "padding": 10,
        "background": "#FFFFFF",
        "data": {"values": rows},
        "layer": [
            {
                "data": {
                    "values": [
                        {
                            "at": seconds[max(shift.last_before, first)] * 1000,
                            "until": seconds[max(point.latest, first)] * 1000,
                        }
                    ]
                },
                "mark": {"type": "rect", "color": _VERMILLION, "opacity": 0.25},
                "encoding": {"x": across, "x2": {"field": "until"}},
            },
            {
                "mark": {"type": "area", "opacity": 0.2, "color": _BLUE},
                "encoding": {"x": across, "y": {**up, "field": "low"}, "y2": {"field": "high"}},
            },
            {"mark": {"type": "line", "strokeWidth": 1.2, "color": _BLUE}, "encoding": value},
            {
                "mark": {"type": "point", "filled": True, "size": 22, "color": _BLUE, "opacity": 1},
                "encoding": value,
            },
            {
                "data": {
                    "values": [
                        {
                            "at": seconds[max(start, first)] * 1000,
                            "until": seconds[max(end, first)] * 1000,
                            "value": level / size,
                        }
                        for start, end, level in levels
                    ]
                },
                "mark": {"type": "rule", "strokeDash": [5, 4], "color": _GREY},
                "encoding": {**value, "x2": {"field": "until"}},
            },
        ],
        "config": {
            "font": "sans-serif",
            "title": {"anchor": "start", "limit": _WIDTH, "subtitleColor": "#333333"},
            "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
            "view": {"stroke": "#CCCCCC"},
        },
    }


def _subtitle(shift: Shift) -> str:
    key = shift.key
    metric = "end-to-end" if key.metric == END_TO_END else key.metric
    return f"{_clean(f'{metric}, {key.framework} on {key.hardware_key}')}: {change(shift.ratio)}"


def _domain(shift: Shift, first: int, size: float) -> list[float]:
    """What the axis spans: both levels, noise that is not blown up, no single far spike."""
    values = shift.line.values[first:]
    low, high = np.quantile(values, (0.03, 0.97))
    low, high = min(low, shift.point.before, shift.now), max(high, shift.point.before, shift.now)
    room = max(0.2 * float(high - low), _LEAST_SPAN / 2 * shift.now)
    return [max(0.0, float(low) - room) / size, (float(high) + room) / size]


def _clean(text: str) -> str:
    return xml_text(one_line(text, limit=_MAX_NAME_CHARS))
