"""Figures in the form that github-action-benchmark takes: a name, a value, a unit. No effect."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field

from perfgate.records.value import Value

_MS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("ns", "nsec", "nanosecond"), 1e-6),
    **dict.fromkeys(("us", "µs", "μs", "usec", "microsecond"), 1e-3),
    **dict.fromkeys(("ms", "msec", "millisecond"), 1.0),
    **dict.fromkeys(("s", "sec", "second"), 1e3),
    **dict.fromkeys(("min", "minute"), 6e4),
}
_PER: Final = re.compile(r"\s*/\s*[a-z][a-z0-9_ ]*")
_RATE: Final = re.compile(r"(?:iter|iters|ops?|runs?|calls?)\s*/\s*(?P<unit>s|sec|second)")
"""What pytest-benchmark and benchmark.js tell: one after the other, so that one takes 1/rate."""
_LONGEST_MS: Final = 1e15
"""Some thirty thousand years, so that sums stay numbers."""


class Figure(Value):
    """One benchmark's figure; the tool writes some values as texts."""

    name: Annotated[str, Field(min_length=1, max_length=1_000)]
    value: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    unit: Annotated[str, Field(max_length=200)]

    @property
    def milliseconds(self) -> float | None:
        """The time of one run; None where the unit is of no time, or nothing lasts so long."""
        unit = self.unit.strip().lower()
        if match := _RATE.fullmatch(unit):
            found = _MS[match["unit"]] / self.value if self.value > 0 else math.inf
        else:
            bare = _PER.sub("", unit, count=1) if _PER.search(unit) else unit
            scale = _MS.get(bare, _MS.get(bare.removesuffix("s")))
            found = math.inf if scale is None else self.value * scale
        return found if found <= _LONGEST_MS else None
