"""Results in the format of sglang's nightly comparison, for whoever reads that; decides nothing.

Milliseconds become seconds of three decimals. ``methodology`` keeps its dashboard from holding
launches of fresh processes against requests of one server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from statistics import median
from typing import Any

from perfgate.records.results import END_TO_END, Cell, Results
from perfgate.verdict.competition import COMPILED

METHODOLOGY = "perfgate-fresh-process-v1"
_NO_STAGE = frozenset({END_TO_END, "step", "load", "peak_memory", "server"})


def render_sglang(results: Results, *, tasks: Mapping[str, str]) -> str:
    """JSON as its ``comparison-results.json``; ``tasks`` has what a case's task is called there.

    Where a case has one framework only eager or only compiled, it goes by the framework's own name.
    """
    found = [_result(cell, results, tasks) for cell in results.cells]
    document = {
        "timestamp": results.measured_at.isoformat(),
        "commit_sha": results.commit or "unknown",
        "run_id": results.run.id or "local",
        "measurement_repeats": max((one["measurement_count"] for one in found), default=0),
        "methodology": METHODOLOGY,
        "warmup_requests": 1,
        "results": found,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _result(cell: Cell, results: Results, tasks: Mapping[str, str]) -> dict[str, Any]:
    samples = {metric.name: metric.samples for metric in cell.metrics}
    latencies = samples.get(END_TO_END, ())
    server = samples.get("server", ())
    found: dict[str, Any] = {
        "case_id": cell.case,
        "framework": _framework(cell, results),
        "model": _said(cell, "model") or _said(cell, "preset") or cell.case,
        "task": tasks.get(cell.case) or _said(cell, "task") or "unknown",
        "latency_s": _median_s(latencies),
        "latency_samples_s": [_seconds(value) for value in latencies],
        "measurement_count": len(latencies),
        "error": None if latencies else _error(cell),
    }
    stages = {name: values for name, values in samples.items() if name not in _NO_STAGE}
    if server:
        found["server_latency_s"] = _median_s(server)
        found["server_latency_samples_s"] = [_seconds(value) for value in server]
        found["missing_perf_dumps"] = len(latencies) - len(server)
    if stages:
        found["server_stage_medians_ms"] = {
            name: round(median(values), 3) for name, values in sorted(stages.items())
        }
    if "step" in samples:
        found["median_denoise_step_ms"] = round(median(samples["step"]), 3)
    return found


def _framework(cell: Cell, results: Results) -> str:
    own = cell.framework.removesuffix(COMPILED)
    both = any(other.case == cell.case and other.framework == own for other in results.cells)
    return cell.framework if both else own


def _said(cell: Cell, key: str) -> str:
    value = cell.workload.get(key)
    return value if isinstance(value, str) else ""


def _error(cell: Cell) -> str:
    first = cell.failures[0]
    return f"{first.kind}: {first.text}" if first.text else str(first.kind)


def _median_s(values: tuple[float, ...]) -> float | None:
    return _seconds(median(values)) if values else None


def _seconds(milliseconds: float) -> float:
    return round(milliseconds / 1000, 3)
