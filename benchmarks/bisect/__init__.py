"""How often `perfgate bisect` finds a planted slowdown, at what cost, beside searches of old."""
