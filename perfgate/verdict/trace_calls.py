"""What a profiler saw of one request: calls by place, each with its own time. Plain values.

A place (:class:`Site`) is where in the request a call is made: the stage, then the names from there
down: ``step``, modules, operators, and the kernels that an operator started.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, NamedTuple, TypeAlias

STEP = "step"
"""Stands in a path for whichever denoising step it is."""

SiteKind: TypeAlias = Literal["range", "operator", "kernel"]
Times: TypeAlias = Mapping[str, Mapping[str, Sequence[float]]]
"""Times of calls in µs, none of a call inside them: by shapes, then by step ("" outside of one)."""


class Site(NamedTuple):
    """A place in a request; an empty ``path`` is the stage itself, outside of all it calls."""

    stage: str
    path: tuple[str, ...] = ()

    @property
    def parent(self) -> Site | None:
        """The place that calls this one; None for a stage."""
        return Site(self.stage, self.path[:-1]) if self.path else None

    @property
    def is_within_a_step(self) -> bool:
        return self.path[:1] == (STEP,)


@dataclass(frozen=True, kw_only=True)
class Capture:
    """One profiled request.

    ``calls`` are in the order in which each place was first reached; times are the host's, of
    kernels the device's. ``steps`` names the denoising steps in order. ``peak_bytes`` is the most
    that the request had allocated at a time, on the ``host`` and on the ``device``.
    """

    request_us: float
    steps: tuple[str, ...]
    calls: Mapping[Site, Times]
    kinds: Mapping[Site, SiteKind]
    peak_bytes: Mapping[str, int]

    def count(self, site: Site) -> int:
        """How often the place was called."""
        return sum(self.shapes(site).values())

    def shapes(self, site: Site) -> Counter[str]:
        """How often with which shapes."""
        by_shape = self.calls.get(site, {})
        return Counter({shape: _count(times) for shape, times in by_shape.items()})

    def shapes_by_step(self, site: Site) -> dict[str, Counter[str]]:
        """The same in each step."""
        found: dict[str, Counter[str]] = {}
        for shape, by_step in self.calls.get(site, {}).items():
            for step, times in by_step.items():
                found.setdefault(step, Counter())[shape] += len(times)
        return found

    def us(self, site: Site) -> float:
        """The time of a place, outside of all it calls."""
        return sum(sum(by_step.values()) for by_step in self.us_by_shape(site).values())

    def us_by_shape(self, site: Site) -> dict[str, dict[str, float]]:
        """The same by shapes and step, in typical times.

        Of the calls of one step with the same shapes each counts as their median does: what else
        ran on the machine lengthens single calls.
        """
        return {
            shape: {step: len(times) * median(times) for step, times in by_step.items()}
            for shape, by_step in self.calls.get(site, {}).items()
        }

    @property
    def uses_a_device(self) -> bool:
        """Whether kernels ran on a device beside the host."""
        return "kernel" in self.kinds.values()


def _count(by_step: Mapping[str, Sequence[float]]) -> int:
    return sum(len(times) for times in by_step.values())
