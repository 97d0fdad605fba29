"""The frame that every picture over time has as Vega-Lite: its times across, its unit up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from perfgate.report.escape import one_line, xml_text
from perfgate.report.panels import Spec

ACROSS: Final[Spec] = {
    "field": "at",
    "type": "temporal",
    "scale": {"type": "utc"},
    "axis": {"title": None, "grid": False, "format": "%Y-%m-%d", "labelOverlap": True},
}
"""``at`` is in milliseconds since 1970."""
LEAST_SPAN: Final = 0.06
"""Of the level: noise is not blown up to fill the picture."""
_WIDTH: Final = 560
_MAX_NAME_CHARS: Final = 80


def upward(unit: str, domain: Sequence[float]) -> Spec:
    """The axis of values; what lies outside of ``domain`` is drawn at its edge."""
    return {
        "type": "quantitative",
        "axis": {"title": unit, "tickCount": 5},
        "scale": {"domain": list(domain), "nice": False, "zero": False, "clamp": True},
    }


def over_time(
    title: str,
    subtitle: str,
    *,
    height: int,
    rows: Sequence[dict[str, Any]],
    layer: Iterable[Spec],
) -> Spec:
    """The whole picture. Both titles have to be clean."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "title": {"text": title, "subtitle": subtitle},
        "width": _WIDTH,
        "height": height,
        "padding": 10,
        "background": "#FFFFFF",
        "data": {"values": list(rows)},
        "layer": list(layer),
        "config": {
            "font": "sans-serif",
            "title": {"anchor": "start", "limit": _WIDTH, "subtitleColor": "#555555"},
            "axis": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"},
            "view": {"stroke": "#CCCCCC"},
        },
    }


def clean(text: str) -> str:
    """A name from outside as a picture takes it: one line, short, nothing that ends a document."""
    return xml_text(one_line(text, limit=_MAX_NAME_CHARS))
