"""The picture of a regression's telling line as Vega-Lite: values, levels, and where it shifted.

Draws no pixel. Texts from outside become titles alone; all fields have names of ours.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from perfgate.records.results import END_TO_END
from perfgate.report.over_time import ACROSS, LEAST_SPAN, clean, over_time, upward
from perfgate.report.panels import Spec
from perfgate.report.words import change, scale
from perfgate.verdict.standing import Shift

MAX_POINTS: Final = 120
"""The newest: a picture has no more pixels to show them."""
_BEFORE: Final = 40
_HEIGHT: Final = 200
# Of Okabe and Ito's colours, which the colour-blind tell apart.
_BLUE, _VERMILLION, _GREY = "#0072B2", "#D55E00", "#6E6E6E"


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
    up = upward(unit, _domain(shift, first, size))
    value = {"x": ACROSS, "y": {**up, "field": "value"}}
    seconds = line.seconds.tolist()
    levels = [
        (max(first, 0), point.index, point.before),
        (point.index, len(line) - 1, shift.now),
    ]
    return over_time(
        clean(line.key.case),
        _subtitle(shift),
        height=_HEIGHT,
        rows=rows,
        layer=[
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
                "encoding": {"x": ACROSS, "x2": {"field": "until"}},
            },
            {
                "mark": {"type": "area", "opacity": 0.2, "color": _BLUE},
                "encoding": {"x": ACROSS, "y": {**up, "field": "low"}, "y2": {"field": "high"}},
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
    )


def _subtitle(shift: Shift) -> str:
    key = shift.key
    metric = "end-to-end" if key.metric == END_TO_END else key.metric
    return f"{clean(f'{metric}, {key.framework} on {key.hardware_key}')}: {change(shift.ratio)}"


def _domain(shift: Shift, first: int, size: float) -> list[float]:
    """What the axis spans: both levels, noise that is not blown up, no single far spike."""
    values = shift.line.values[first:]
    low, high = np.quantile(values, (0.03, 0.97))
    low, high = min(low, shift.point.before, shift.now), max(high, shift.point.before, shift.now)
    room = max(0.2 * float(high - low), LEAST_SPAN / 2 * shift.now)
    return [max(0.0, float(low) - room) / size, (float(high) + room) / size]
