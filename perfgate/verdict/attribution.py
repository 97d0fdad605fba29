"""Says which stage accounts for how much of an end-to-end change; plain arithmetic on medians."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perfgate.verdict.metrics import END_TO_END, stage_names
from perfgate.verdict.wording import signed_ms

MOST = 0.5
"""A stage that accounts for less of the change than this does not explain it alone."""


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """The end-to-end change in milliseconds, and each stage's part, the largest first."""

    total_ms: float
    stages: tuple[tuple[str, float], ...]

    @property
    def culprit(self) -> str | None:
        """The stage that moved most in the direction of the whole, if any did."""
        return self.stages[0][0] if self.stages and self._toward(self.stages[0][1]) > 0 else None

    @property
    def elsewhere_ms(self) -> float:
        """What no stage accounts for."""
        return self.total_ms - sum(part for _, part in self.stages)

    def _toward(self, part: float) -> float:
        return part if self.total_ms > 0 else -part


def attribute(base: Mapping[str, float], head: Mapping[str, float]) -> Attribution:
    """Split the change between two sets of medians; a stage of one side only counts in full."""
    total = head[END_TO_END] - base[END_TO_END]
    parts = {
        name: head.get(name, 0.0) - base.get(name, 0.0) for name in stage_names({**base, **head})
    }
    ordered = sorted(parts.items(), key=lambda item: item[1], reverse=total > 0)
    return Attribution(total_ms=total, stages=tuple(ordered))


def sentence_fragment(attribution: Attribution) -> str:
    """``DecodingStage accounts for +43 of the +45 ms``, or what can be said instead."""
    total = attribution.total_ms
    if not attribution.stages or total == 0.0:
        return ""
    name, part = attribution.stages[0]
    whole = f"of the {signed_ms(total)} ms"
    if part / total >= MOST:
        return f"{name} accounts for {signed_ms(part)} {whole}"
    if attribution.elsewhere_ms / total >= MOST:
        return f"{signed_ms(attribution.elsewhere_ms)} {whole} lie outside the stages"
    if part / total > 0:
        return f"no stage explains it alone; {name} most, {signed_ms(part)} {whole}"
    return ""
