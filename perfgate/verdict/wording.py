"""The few number words that sentences share; formats, decides nothing."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"
LIMIT = "limit"
"""How the reason of a metric begins that was held under a limit, and not tested for a change."""


def percent(fraction: float, *, digits: int = 1) -> str:
    """A signed percentage: ``+4.1 %``."""
    return f"{_number(100.0 * fraction, digits, plus=True)} %"


def change(ratio: float, low: float, high: float) -> str:
    """A ratio as a change with its interval: ``+4.1 % (2.9 to 5.3)``."""
    ends = f"{_number(100.0 * (low - 1.0), 1)} to {_number(100.0 * (high - 1.0), 1)}"
    return f"{percent(ratio - 1.0)} ({ends})"


def signed_ms(value: float) -> str:
    """A signed difference without its unit: ``+43``, ``+0.8``."""
    return _number(value, 0 if abs(value) >= 10.0 else 1, plus=True)


def duration(milliseconds: float) -> str:
    """Three digits and a unit: ``346 ms``, ``22.6 s``."""
    if milliseconds >= 10_000.0:
        return f"{milliseconds / 1000.0:.1f} s"
    if milliseconds >= 1000.0:
        return f"{milliseconds / 1000.0:.2f} s"
    return f"{milliseconds:.3g} ms"


def from_to(base: float, head: float) -> str:
    """Two durations in one unit where they share it: ``346 → 389 ms``."""
    one, other = duration(base), duration(head)
    value, unit = one.rsplit(" ", 1)
    return f"{value} → {other}" if other.endswith(f" {unit}") else f"{one} → {other}"


def count(number: int, noun: str) -> str:
    """``1 pair``, ``4 pairs``; for launches too."""
    ending = "" if number == 1 else "es" if noun.endswith("ch") else "s"
    return f"{number} {noun}{ending}"


def _number(value: float, digits: int, *, plus: bool = False) -> str:
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0.0:
        return text
    return (MINUS if value < 0.0 else "+" if plus else "") + text
