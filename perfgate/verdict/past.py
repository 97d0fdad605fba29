"""Puts the first and the best accepted figure beside what was measured; judges nothing by them."""

from __future__ import annotations

from perfgate.records import CaseDecision
from perfgate.verdict.baseline import StoredJobs


def with_past(case: CaseDecision, stored: StoredJobs | None, workload_hash: str) -> CaseDecision:
    """The case with what the baseline of the same workload remembers of each metric."""
    if stored is None or stored.workload_hash != workload_hash or not stored.first:
        return case
    rows = (
        row.model_copy(update={"first": stored.first[row.name], "best": stored.best.get(row.name)})
        if row.name in stored.first
        else row
        for row in case.metrics
    )
    return case.model_copy(update={"metrics": tuple(rows)})
