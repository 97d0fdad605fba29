"""Base's and head's captures side by side: calls, shapes, times of a place; ranks nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, median_low

from perfgate.verdict.trace_calls import Capture, Site, SiteKind

EVERY_STEP = "every step"


@dataclass(frozen=True, kw_only=True)
class Split:
    """A change in µs: what other numbers of calls make of it, and what the time of a call does.

    ``(calls_h - calls_b) * per_call_b + calls_h * (per_call_h - per_call_b)``; calls that base does
    not know are taken at head's time.
    """

    more_calls_us: float = 0.0
    slower_calls_us: float = 0.0

    def __add__(self, other: Split) -> Split:
        return Split(
            more_calls_us=self.more_calls_us + other.more_calls_us,
            slower_calls_us=self.slower_calls_us + other.slower_calls_us,
        )


@dataclass(frozen=True, kw_only=True)
class BothSides:
    """At least one capture of each side; where two numbers are returned, base's comes first."""

    base: tuple[Capture, ...]
    head: tuple[Capture, ...]
    sites: tuple[Site, ...] = field(init=False)

    def __post_init__(self) -> None:
        # Head's places in the order in which they are reached, then those that are gone.
        captures = (*self.head, *self.base)
        known = dict.fromkeys(site for one in captures for site in one.calls)
        object.__setattr__(self, "sites", tuple(known))

    @property
    def _both(self) -> tuple[tuple[Capture, ...], tuple[Capture, ...]]:
        return self.base, self.head

    @property
    def request_us(self) -> float:
        """A request of base."""
        return median(one.request_us for one in self.base)

    @property
    def uses_a_device(self) -> bool:
        return any(one.uses_a_device for one in (*self.base, *self.head))

    @property
    def all_steps(self) -> tuple[str, ...]:
        """The denoising steps of either side, head's first."""
        return tuple(dict.fromkeys((*self.head[0].steps, *self.base[0].steps)))

    def kind(self, site: Site) -> SiteKind:
        return next(one.kinds[site] for one in (*self.head, *self.base) if site in one.kinds)

    def calls(self, site: Site) -> tuple[int, int]:
        """How often the place is called."""
        base, head = (median_low([one.count(site) for one in side]) for side in self._both)
        return base, head

    def other_calls(self, site: Site) -> bool:
        """Whether head calls it more or less often, in each capture alike."""
        base, head = self.calls(site)
        return base != head and all(
            len({one.count(site) for one in side}) == 1 for side in self._both
        )

    def other_shapes(self, site: Site) -> bool:
        """Whether it is given other shapes, in each capture alike."""
        base, head = ([one.shapes(site) for one in side] for side in self._both)
        alike = all(one == base[0] for one in base) and all(one == head[0] for one in head)
        return alike and base[0] != head[0]

    def changed_shapes(self, site: Site) -> tuple[str, str]:
        """The shapes, of each side, of most of the calls that the other side does not make."""
        base, head = self.base[0].shapes(site), self.head[0].shapes(site)
        return _most(base - head), _most(head - base)

    def changed_steps(self, site: Site) -> str:
        """In which steps the calls differ, in words."""
        base, head = (side[0].shapes_by_step(site) for side in self._both)
        found = [step for step in self.all_steps if base.get(step) != head.get(step)]
        return told_steps(found, self.all_steps)

    def us(self, site: Site) -> tuple[float, float]:
        """The place's own time in a request."""
        base, head = (median(one.us(site) for one in side) for side in self._both)
        return base, head

    def split(self, site: Site) -> Split:
        """What becomes of the place's own time."""
        (calls_base, calls_head), (base_us, head_us) = self.calls(site), self.us(site)
        per_call = base_us / calls_base if calls_base else head_us / max(calls_head, 1)
        more = (calls_head - calls_base) * per_call
        return Split(more_calls_us=more, slower_calls_us=head_us - base_us - more)

    def times(self, site: Site) -> dict[str, tuple[tuple[float, ...], tuple[float, ...]]]:
        """The place's own time with each shape, in every capture."""
        every = [[one.us_by_shape(site) for one in side] for side in self._both]
        shapes = dict.fromkeys(shape for side in every for one in side for shape in one)
        return {shape: (_totals(every[0], shape), _totals(every[1], shape)) for shape in shapes}

    def calls_with(self, site: Site, shape: str) -> int:
        return self.head[0].shapes(site)[shape]

    def slower_steps(self, site: Site, shape: str) -> list[str]:
        """The steps that account for a change of time: each for half as much as the most does."""
        base, head = ([one.us_by_shape(site).get(shape, {}) for one in side] for side in self._both)
        deltas = {
            step: median(one.get(step, 0.0) for one in head)
            - median(one.get(step, 0.0) for one in base)
            for step in self.all_steps
        }
        most = max((abs(delta) for delta in deltas.values()), default=0.0)
        return [step for step, delta in deltas.items() if most and abs(delta) >= most / 2]


def told_steps(steps: Sequence[str], all_steps: Sequence[str]) -> str:
    """Steps in words; three quarters of all of them are as good as every one."""
    if not steps:
        return ""
    if len(steps) >= 0.75 * len(all_steps):
        return EVERY_STEP
    if len(steps) == 1:
        return steps[0]
    return f"{len(steps)} steps, {steps[0]} to {steps[-1]}"


def _most(shapes: Counter[str]) -> str:
    return shapes.most_common(1)[0][0] if shapes else ""


def _totals(side: Sequence[dict[str, dict[str, float]]], shape: str) -> tuple[float, ...]:
    return tuple(sum(one.get(shape, {}).values()) for one in side)
