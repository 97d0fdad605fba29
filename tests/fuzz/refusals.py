"""Either a result, or an error of perfgate's own that says what to do; anything else fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from perfgate.errors import PerfgateError

Result = TypeVar("Result")


def unless_refused(make: Callable[[], Result]) -> Result | None:
    """What ``make`` returns, or None where it refuses in words."""
    try:
        return make()
    except PerfgateError as refusal:
        if not (refusal.problem and refusal.fix):
            raise AssertionError("a refusal without words") from refusal
        return None
