"""Turns a chart's description into pictures, in memory: no browser, no network, no file."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from perfgate.errors import ConfigurationError
from perfgate.report.panels import Spec

_DOTS_PER_PIXEL = 2.0
NOT_INSTALLED = "charts need pip install 'perfgate[charts]' where the gate runs"


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One chart in both forms."""

    svg: str
    png: bytes


def can_draw() -> bool:
    """Whether the extra is installed, without loading it."""
    return find_spec("vl_convert") is not None


def draw_chart(spec: Spec) -> Picture:
    """The chart as SVG, and as PNG in the resolution of a phone's display.

    Raises ConfigurationError where the extra is not installed, ValueError for what is no chart.
    The first one takes a third of a second, which is V8's start, each further one a tenth of that.
    """
    try:
        import vl_convert  # noqa: PLC0415 - an extra, and large
    except ImportError as error:
        raise ConfigurationError("no chart was drawn", fix=NOT_INSTALLED) from error
    # No address is allowed: data stand in the description itself.
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    return Picture(svg=svg, png=vl_convert.svg_to_png(svg, scale=_DOTS_PER_PIXEL))
