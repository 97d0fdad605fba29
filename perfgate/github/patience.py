"""How long one job waits for GitHub, all its calls together. Clock and chance are passed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

BUDGET_S: Final = 180.0
"""What a job sleeps at most for GitHub's sake: the runner that it holds is often an expensive one.
"""
SPREAD: Final = 0.5
"""By how much of itself a pause may be longer than asked for."""


class OutOfPatience(Exception):  # noqa: N818 - says what it is
    """The pause does not fit into what is left of the budget; nothing was slept."""


@dataclass(kw_only=True, slots=True)
class Patience:
    """Sleeps in the place of ``sleep`` as long as the budget of ``left_s`` seconds lasts.

    ``draw`` gives a number from 0 up to 1. Each pause is longer than asked for by a random part, so
    that jobs of one matrix, which were refused together, do not come back together; it is never
    shorter, since GitHub says how long it wants to be left alone.
    """

    sleep: Callable[[float], None]
    draw: Callable[[], float]
    left_s: float = BUDGET_S

    def __call__(self, seconds: float) -> None:
        """Sleep; raises OutOfPatience where the budget has no room for it."""
        pause_s = seconds * (1.0 + SPREAD * self.draw())
        if pause_s > self.left_s:
            raise OutOfPatience
        self.left_s -= pause_s
        self.sleep(pause_s)
