"""Device time of one job: what is spent, and whether another launch still fits. No clock."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Budget:
    """Seconds of device time; a launch starts only if it could end within what is left."""

    limit_s: float
    spent_s: float = 0.0
    _longest_s: dict[str, float] = field(default_factory=dict)

    @property
    def left_s(self) -> float:
        return max(0.0, self.limit_s - self.spent_s)

    def spend(self, case_id: str, duration_s: float) -> None:
        """Book a launch, and remember the longest of its case as what the next may take."""
        self.spent_s += duration_s
        self.remember(case_id, duration_s)

    def remember(self, case_id: str, duration_s: float) -> None:
        """Learn from a launch that another budget paid for."""
        self._longest_s[case_id] = max(duration_s, self._longest_s.get(case_id, 0.0))

    def longest_s(self, case_id: str) -> float | None:
        """The longest launch of the case so far."""
        return self._longest_s.get(case_id)

    def fits(self, case_id: str, *, launches: int) -> bool:
        """Whether that many launches of a case could end in time; a first one needs some time."""
        return launches * self._longest_s.get(case_id, 0.0) < self.left_s
