"""`@fuzz(...)`: hypothesis' given, with every example that was run counted by test. No tests."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings

EXAMPLES: Counter[str] = Counter()
# Building and rendering whole documents takes longer than hypothesis deems healthy.
_SLOW = (HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large)


def fuzz(*values: Any, **named: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Run a test on drawn values, as often as the profile says that hypothesis was started with."""

    def wrap(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def counted(*arguments: Any, **keywords: Any) -> None:
            EXAMPLES[test.__name__] += 1
            test(*arguments, **keywords)

        return settings(deadline=None, suppress_health_check=_SLOW)(
            given(*values, **named)(counted)
        )

    return wrap
