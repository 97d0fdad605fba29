"""How long to wait before a job or a server is asked again. Pure.

A latency is seen late by up to one pause: half of one on average. The pause is therefore a fixed
small share of the time gone by, and never so short that the asking itself keeps a server busy.
"""

from __future__ import annotations

SHARE = 0.005
LEAST_S = 0.005
MOST_S = 0.25
"""From 50 s on, where it is less than the share."""


def pause_s(elapsed_s: float) -> float:
    """Seconds to wait ``elapsed_s`` after the start."""
    return min(max(LEAST_S, SHARE * elapsed_s), MOST_S)
