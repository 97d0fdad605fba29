"""The last points of a line as a picture of a word's size, drawn without a script; no numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from perfgate.records.history import Line

POINTS = 40
WIDTH, HEIGHT = 120, 26
_ROOM = 4.0
_LEAST_SPAN = 0.06
"""Of the level: noise of one per cent must not fill the picture."""


def sparkline(line: Line, shifted_at: Sequence[int] = ()) -> str:
    """An SVG's content: the line, its newest point, a tick where the level moved."""
    values = line.values[-POINTS:]
    first = len(line) - len(values)
    if len(values) < 2:
        return ""
    level = float(np.median(values))
    low, high = np.quantile(values, (0.02, 0.98))
    middle = (low + high) / 2
    span = max(float(high - low), _LEAST_SPAN * level) or 1.0
    up = np.clip((values - middle) / span, -0.5, 0.5)
    xs = np.linspace(_ROOM, WIDTH - _ROOM, len(values))
    ys = HEIGHT / 2 - up * (HEIGHT - 2 * _ROOM)
    path = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
    ticks = "".join(
        f'<path class="tick" d="M{xs[at - first]:.1f},0V{HEIGHT}"/>'
        for at in shifted_at
        if first <= at < len(line)
    )
    return f'{ticks}<path d="{path}"/><circle cx="{xs[-1]:.1f}" cy="{ys[-1]:.1f}" r="2.5"/>'
