"""What an update changes in the memory peaks that sglang's files hold; values in, values out.

perfgate's own entries hold one peak; these are read at other moments, guard in that format alone,
and may not be raised without a permission either.
"""

from __future__ import annotations

from perfgate.baselines.change import MetricChange
from perfgate.baselines.sglang import Scenario
from perfgate.verdict.judge import MEMORY_RATIO
from perfgate.verdict.tolerance import memory_name


def memory_changes(
    old: Scenario | None, new: Scenario, *, launches: int, jobs: int
) -> tuple[MetricChange, ...]:
    """Every peak of the scenario before and after, in MiB; the format keeps no first and best."""
    changes = []
    for key in Scenario.model_fields:
        if not key.endswith("_mb"):
            continue
        before = (getattr(old, key) if old is not None else None) or None
        after = getattr(new, key) or None
        known = [value for value in (before, after) if value is not None]
        if known:
            changes.append(
                MetricChange(
                    metric=memory_name(key),
                    unit="MiB",
                    old=before,
                    new=after,
                    first=known[0],
                    best=min(known),
                    launches=launches,
                    jobs=jobs,
                    margin=MEMORY_RATIO if _guards(key, new) else None,
                )
            )
    return tuple(changes)


def _guards(key: str, scenario: Scenario) -> bool:
    """Whether the format's rule judges it: not while warming up, and allocated before reserved."""
    if key.startswith("warmup_"):
        return False
    allocated = key.replace("_vram_mb", "_allocated_mb")
    return allocated == key or getattr(scenario, allocated) is None
